import PeerPolicy
import PeerProtocol
import PieceSelection
import RateControl
public import SwarmTypes

/// Blocks that arrive, and pieces that are checked.
extension SwarmCore {
    /// How many blocks that were not asked for a peer may send before it is cut: answers cross cancels on the way.
    private static let forgivenBlocks = 16

    /// The whole of a block has arrived: says whether it is to be written.
    public mutating func received(
        _ block: Block, from slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) -> BlockDisposition {
        guard slot.index < self.peers.count, self.peers[slot.index] != nil else { return .discard }
        self.peers[slot.index]?.lastReceivedAt = now
        let wasAsked = self.peers[slot.index]?.outstanding.take(block) != nil
        let receipt = self.picker?.received(block, from: slot)
        if wasAsked { self.noteArrival(of: block, from: slot, at: now) }
        guard case .accepted(_, let cancel)? = receipt else {
            guard wasAsked else { return self.receivedUnasked(block, from: slot, at: now, into: &actions) }
            self.redundant += Int64(block.length)
            return .discard
        }
        // Given up, and come all the same before anybody else's.
        if !wasAsked { self.noteArrival(of: block, from: slot, at: now) }
        if let other = cancel.first { self.cancel(block, at: other, into: &actions) }
        if let other = cancel.second { self.cancel(block, at: other, into: &actions) }
        if let other = cancel.third { self.cancel(block, at: other, into: &actions) }
        return .write
    }

    private mutating func noteArrival(
        of block: Block, from slot: PeerSlot, at now: Instant
    ) {
        self.peers[slot.index]?.downloaded += Int64(block.length)
        self.peers[slot.index]?.downloadMeter.add(Int(block.length), at: now)
        self.peers[slot.index]?.lastBlockAt = now
        self.peers[slot.index]?.pipeline.received(Int(block.length), at: now)
        self.peers[slot.index]?.rejectCount = 0
        self.peers[slot.index]?.pauseSeconds = 0
        self.peers[slot.index]?.asksAgainAt = nil
        self.peers[slot.index]?.timeoutCount = 0
        self.blocksReceived += 1
        self.lastBlockAt = now
    }

    private mutating func receivedUnasked(
        _ block: Block, from slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) -> BlockDisposition {
        self.redundant += Int64(block.length)
        self.peers[slot.index]?.unaskedCount += 1
        let allowed = (self.peers[slot.index]?.forgiven ?? 0) + Self.forgivenBlocks
        if let count = self.peers[slot.index]?.unaskedCount, count > allowed {
            self.close(slot, .unrequestedBlock, at: now, into: &actions)
        }
        return .discard
    }

    private mutating func cancel(_ block: Block, at slot: PeerSlot, into actions: inout [SwarmAction]) {
        guard slot.index < self.peers.count, self.peers[slot.index]?.outstanding.take(block) != nil else {
            return
        }
        self.peers[slot.index]?.pipeline.withdrawn(1)
        self.peers[slot.index]?.forgiven += 1
        actions.append(.send(slot, .cancel(block)))
    }

    /// The disk has all of a piece and has compared its hash.
    public mutating func pieceHashed(
        _ piece: Int, isRight: Bool, digests: [UInt64]?, at now: Instant,
        using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        guard let geometry = self.geometry, !self.have[piece] else { return }
        guard isRight else {
            if self.picker != nil { self.pieceFailed(piece, digests, at: now, into: &actions) }
            return
        }
        // Also one that nobody wants any more since its last block came: it is there, and was fetched.
        if let digests {
            for liar in self.bans.pieceVerified(piece, digests: digests) {
                self.ban(liar, at: now, into: &actions)
            }
        }
        self.picker?.pieceVerified(piece)
        self.have.set(piece)
        self.downloaded += Int64(geometry.length(ofPiece: piece))
        actions.append(.pieceFinished(piece))
        let isFinished = self.picker?.isFinished ?? true
        self.tellHave(piece, at: now, into: &actions)
        if isFinished { self.finish(at: now, into: &actions) }
    }

    private mutating func pieceFailed(
        _ piece: Int, _ digests: [UInt64]?, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard let geometry = self.geometry else { return }
        self.corrupt += Int64(geometry.length(ofPiece: piece))
        var evidence: [SmartBan.Evidence] = []
        let blockCount = geometry.blockCount(ofPiece: piece)
        for number in 0..<blockCount {
            guard let digests, digests.count == blockCount,
                let sender = self.picker?.sender(of: geometry.block(number, ofPiece: piece))
            else { continue }
            evidence.append(.init(block: number, sender: sender, digest: digests[number]))
        }
        _ = self.picker?.pieceFailed(piece)
        for liar in self.bans.pieceFailed(piece, blocks: evidence, isWhole: evidence.count == blockCount) {
            self.ban(liar, at: now, into: &actions)
        }
    }

    /// Whoever sends wrong bytes is cut, and not let in again.
    private mutating func ban(_ key: PeerKey, at now: Instant, into actions: inout [SwarmAction]) {
        self.book.ban(key)
        for slot in self.occupiedSlots where self.peers[slot.index]?.key == key {
            self.close(slot, .corruptData, at: now, into: &actions)
        }
    }

    private mutating func tellHave(_ piece: Int, at now: Instant, into actions: inout [SwarmAction]) {
        for slot in self.occupiedSlots {
            // A peer that has the piece learns nothing from it.
            if self.peers[slot.index]?.has.count ?? 0 > piece, self.peers[slot.index]?.has[piece] == true {
                self.updateInterest(slot, at: now, into: &actions)
                continue
            }
            actions.append(.send(slot, .have(UInt32(truncatingIfNeeded: piece))))
            self.peers[slot.index]?.lastSentAt = now
        }
    }

    mutating func finish(at now: Instant, into actions: inout [SwarmAction]) {
        self.picker = nil
        for slot in self.occupiedSlots {
            for request in self.peers[slot.index]?.outstanding.removeAll() ?? [] {
                self.peers[slot.index]?.forgiven += 1
                actions.append(.send(slot, .cancel(request.block)))
            }
            self.updateInterest(slot, at: now, into: &actions)
        }
        if !self.hasToldFinished {
            self.hasToldFinished = true
            actions.append(.finished)
        }
        for slot in self.occupiedSlots {
            self.closeIfUseless(slot, at: now, into: &actions)
        }
    }
}

/// What the disk has lost again.
extension SwarmCore {
    /// Blocks that could not be kept: they are to be fetched again.
    public mutating func blocksDropped(_ blocks: [Block], ofPiece piece: Int) {
        _ = self.picker?.pieceFailed(piece)
    }

    /// A piece that was had is no longer as it was; it is not served any more.
    public mutating func pieceLost(_ piece: Int, at now: Instant, into actions: inout [SwarmAction]) {
        guard self.have.clear(piece) else { return }
        for slot in self.occupiedSlots {
            for block in self.peers[slot.index]?.wanted.removeAll(ofPiece: UInt32(truncatingIfNeeded: piece))
                ?? []
            where self.peers[slot.index]?.facts.supportsFast == true {
                actions.append(.send(slot, .reject(block)))
            }
        }
    }
}
