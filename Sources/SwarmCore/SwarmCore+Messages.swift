import PeerPolicy
public import PeerProtocol
import PieceSelection
public import SwarmTypes

/// What peers say. The scanner has checked lengths and piece numbers already.
extension SwarmCore {
    public mutating func received(
        _ message: PeerMessage, from slot: PeerSlot, at now: Instant,
        using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        guard slot.index < self.peers.count, self.peers[slot.index] != nil else { return }
        self.peers[slot.index]?.lastReceivedAt = now
        switch message {
        case .request(let block): self.receivedRequest(block, from: slot, at: now, into: &actions)
        case .cancel(let block): self.receivedCancel(block, from: slot, into: &actions)
        case .have(let piece): self.receivedHave(piece, from: slot, at: now, into: &actions)
        case .choke: self.receivedChoke(from: slot, at: now)
        case .unchoke:
            if self.peers[slot.index]?.theyChoke.set(false, at: now) == true {
                self.peers[slot.index]?.unchokeCount += 1
            }
            self.peers[slot.index]?.asksAgainAt = nil
            self.ask(slot, at: now, using: &random, into: &actions)
        case .interested:
            self.peers[slot.index]?.theyAreInterested.set(true, at: now)
            self.noteFreeUploadSlots()
        case .notInterested:
            self.peers[slot.index]?.theyAreInterested.set(false, at: now)
            if self.peers[slot.index]?.weChoke.isSet == false { self.noteFreeUploadSlots() }
        case .bitfield(let bytes): self.claims(.bits(bytes), slot, at: now, into: &actions)
        case .haveAll: self.claims(.all, slot, at: now, into: &actions)
        case .haveNone: self.claims(.nothing, slot, at: now, into: &actions)
        case .reject(let block): self.receivedReject(block, from: slot, at: now)
        case .allowedFast(let piece):
            guard self.peers[slot.index]?.allowedFast.count ?? 0 < 64 else { return }
            self.peers[slot.index]?.allowedFast.append(piece)
            if self.peers[slot.index]?.claim == .counted { self.picker?.allowFast(slot, piece: Int(piece)) }
            self.ask(slot, at: now, using: &random, into: &actions)
        case .extended(let id, let payload):
            self.receivedExtended(id, payload, from: slot, at: now, into: &actions)
        case .suggest(let piece):
            if self.peers[slot.index]?.claim == .counted { self.picker?.suggest(slot, piece: Int(piece)) }
        case .keepAlive, .port, .unknown: break
        }
    }

    /// A peer that rejects without choking would reject the same again at once, for as long as it is asked.
    private mutating func receivedReject(_ block: Block, from slot: PeerSlot, at now: Instant) {
        guard self.peers[slot.index]?.outstanding.take(block) != nil else { return }
        self.peers[slot.index]?.rejectCount += 1
        self.peers[slot.index]?.pipeline.withdrawn(1)
        self.picker?.returned(block, from: slot, mayStillCome: false)
        if self.peers[slot.index]?.theyChoke.isSet == false { self.pauseAsking(slot, at: now) }
    }

    private mutating func receivedChoke(from slot: PeerSlot, at now: Instant) {
        guard self.peers[slot.index]?.theyChoke.set(true, at: now) == true else { return }
        // With the fast extension each request is rejected or served by name (BEP 6); without it all are void.
        guard self.peers[slot.index]?.facts.supportsFast == false else { return }
        self.withdrawAll(slot)
        _ = self.picker?.returnAll(from: slot, mayStillCome: true)
    }

    private mutating func claims(
        _ claim: PieceClaim, _ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        if self.peers[slot.index]?.claim == .counted {
            return self.claimsMore(claim, slot, at: now, into: &actions)
        }
        self.peers[slot.index]?.claim = claim
        if self.geometry != nil { self.count(slot, at: now, into: &actions) }
    }

    /// A bit field in place of many `have`s, as aria2 sends it.
    private mutating func claimsMore(
        _ claim: PieceClaim, _ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard case .bits(let bytes) = claim, let geometry = self.geometry else { return }
        guard let bits = Bitfield(wireBytes: bytes, count: geometry.pieceCount) else {
            return self.close(slot, .badBitfield, at: now, into: &actions)
        }
        bits.forEachSet { piece in
            if self.peers[slot.index] != nil, self.peers[slot.index]?.has[piece] == false {
                self.receivedHave(UInt32(truncatingIfNeeded: piece), from: slot, at: now, into: &actions)
            }
        }
    }

    /// Turns what a peer has said of its pieces into bits, once their number is known.
    mutating func count(_ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]) {
        guard let geometry = self.geometry, let peer = self.peers[slot.index], peer.claim != .counted else {
            return
        }
        var has = Bitfield(count: geometry.pieceCount)
        switch peer.claim {
        case .unsaid, .counted: return
        case .nothing: break
        case .all: has = Bitfield(allSet: geometry.pieceCount)
        case .bits(let bytes):
            guard let bits = Bitfield(wireBytes: bytes, count: geometry.pieceCount) else {
                return self.close(slot, .badBitfield, at: now, into: &actions)
            }
            has = bits
        case .pieces(let pieces):
            for piece in pieces {
                guard piece < UInt32(geometry.pieceCount) else {
                    return self.close(slot, .outOfRange(message: 4), at: now, into: &actions)
                }
                has.set(Int(piece))
            }
        }
        self.peers[slot.index]?.has = has
        self.peers[slot.index]?.isSeed = has.isComplete
        self.peers[slot.index]?.claim = .counted
        if has.isComplete { self.book.setSeed(peer.key, true) }
        self.picker?.peerJoined(slot, key: peer.key)
        if has.isComplete { self.picker?.peerHasAll(slot) } else { self.picker?.peerHas(slot, has) }
        for piece in peer.allowedFast where piece < UInt32(geometry.pieceCount) {
            self.picker?.allowFast(slot, piece: Int(piece))
        }
        self.updateInterest(slot, at: now, into: &actions)
        self.closeIfUseless(slot, at: now, into: &actions)
    }

    private mutating func receivedHave(
        _ piece: UInt32, from slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard let geometry = self.geometry else {
            self.peers[slot.index]?.claim.add(piece)
            return
        }
        if self.peers[slot.index]?.claim != .counted {
            self.peers[slot.index]?.claim = .nothing
            self.count(slot, at: now, into: &actions)
        }
        guard piece < UInt32(geometry.pieceCount), self.peers[slot.index]?.has.set(Int(piece)) == true else {
            return
        }
        self.picker?.peerHas(slot, piece: Int(piece))
        self.updateInterest(slot, at: now, into: &actions)
        if self.peers[slot.index]?.has.isComplete == true {
            self.peers[slot.index]?.isSeed = true
            self.closeIfUseless(slot, at: now, into: &actions)
        }
    }

    /// Tells the peer when our interest in it has changed.
    mutating func updateInterest(_ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]) {
        let isInteresting = self.picker?.isInteresting(slot) ?? false
        guard self.peers[slot.index]?.weAreInterested.set(isInteresting, at: now) == true else { return }
        actions.append(.send(slot, isInteresting ? .interested : .notInterested))
        self.peers[slot.index]?.lastSentAt = now
    }
}
