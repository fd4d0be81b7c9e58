import PeerPolicy
import PeerProtocol
import PieceSelection
import StallDiagnosis
public import SwarmTypes

/// Peers that come and go.
extension SwarmCore {
    /// Takes a peer whose handshake is done; answers its slot, or why it is not taken.
    public mutating func join(
        _ facts: PeerFacts, at now: Instant, into actions: inout [SwarmAction]
    ) -> Result<PeerSlot, JoinRefusal> {
        if facts.id == self.ownID { return .failure(JoinRefusal(.ownConnection)) }
        if self.book.isBanned(facts.address) { return .failure(JoinRefusal(.banned)) }
        let twin = self.occupiedSlots.first { self.peers[$0.index]?.facts.id == facts.id }
        if let twin, !self.replaces(twin, facts, at: now) {
            self.noteDuplicate(of: twin, facts, at: now)
            return .failure(JoinRefusal(.duplicateConnection))
        }
        if twin == nil, self.peerCount >= self.settings.maximumPeers {
            return .failure(JoinRefusal(.tooManyConnections))
        }
        // Only now: of one that is not taken, the book would never hear the end.
        let known =
            facts.direction == .outgoing
            ? self.book.key(of: facts.address) : self.book.accepted(from: facts.address, at: now)
        guard let key = known else { return .failure(JoinRefusal(.banned)) }
        let slot = self.freeSlots.popLast() ?? PeerSlot(index: self.peers.count)
        if slot.index == self.peers.count { self.peers.append(nil) }
        self.peers[slot.index] = SwarmPeer(
            facts, key: key, pieceCount: self.geometry?.pieceCount ?? 0, isPrivate: self.isPrivate, at: now)
        self.peerCount += 1
        // After the new one has its slot: else both would have the same, and the driver would close the wrong one.
        if let twin { self.close(twin, .duplicateConnection, at: now, into: &actions) }
        self.book.connected(key)
        self.greet(slot, at: now, into: &actions)
        return .success(slot)
    }

    /// Whether a second connection of a peer takes the place of the first. When two dial each other at once, both
    /// sides must keep the same one: that of the lower id. Whoever comes later, or from elsewhere, replaces nobody.
    private func replaces(_ twin: PeerSlot, _ facts: PeerFacts, at now: Instant) -> Bool {
        guard let old = self.peers[twin.index], old.facts.direction != facts.direction,
            old.facts.address.with(port: 0) == facts.address.with(port: 0),
            now.seconds(since: old.joinedAt) < Self.crossingSeconds
        else { return false }
        let weAreLower = self.ownID.bytes.lexicographicallyPrecedes(facts.id.bytes)
        return weAreLower == (facts.direction == .outgoing)
    }

    private static let crossingSeconds = 10.0

    /// An address that was dialled is that of a peer which is here already: it is not to be dialled again.
    private mutating func noteDuplicate(of twin: PeerSlot, _ facts: PeerFacts, at now: Instant) {
        guard facts.direction == .outgoing, let peer = self.peers[twin.index],
            let dialled = self.book.key(of: facts.address), dialled != peer.key
        else { return }
        self.book.closed(dialled, because: .duplicateConnection, wasUseful: false, at: now)
        if peer.facts.direction == .incoming, peer.facts.address.with(port: 0) == facts.address.with(port: 0)
        {
            self.book.setListenPort(facts.address.port, of: peer.key)
        }
    }

    /// What we say first: our extensions, then what we have (BEP 10, 6, 3).
    private mutating func greet(_ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]) {
        guard let facts = self.peers[slot.index]?.facts else { return }
        if facts.supportsExtensions {
            let handshake = self.extensionHandshake(for: facts)
            actions.append(.send(slot, .extended(id: 0, payload: handshake)))
        }
        if facts.supportsFast, self.have.isEmpty {
            actions.append(.send(slot, .haveNone))
        } else if facts.supportsFast, self.isComplete {
            actions.append(.send(slot, .haveAll))
        } else if !self.have.isEmpty {
            actions.append(.send(slot, .bitfield(self.have.wireBytes)))
        }
        self.peers[slot.index]?.lastSentAt = now
    }

    /// The connection ended from outside. What the peer was asked is free for others.
    public mutating func leave(
        _ slot: PeerSlot, because reason: CloseReason, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard slot.index < self.peers.count, let peer = self.peers[slot.index] else { return }
        if peer.claim == .counted { self.picker?.peerLeft(slot) }
        self.metadata.disconnected(slot, at: now)
        self.book.closed(
            peer.key, because: reason, wasUseful: peer.downloaded + peer.uploaded > 0, at: now)
        self.peers[slot.index] = nil
        self.freeSlots.append(slot)
        self.peerCount -= 1
        if !peer.weChoke.isSet { self.noteFreeUploadSlots() }
    }

    /// We end it.
    mutating func close(
        _ slot: PeerSlot, _ reason: CloseReason, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard self.peers[slot.index] != nil else { return }
        actions.append(.close(slot, reason))
        self.leave(slot, because: reason, at: now, into: &actions)
    }

    /// Two that both have everything have nothing to say to each other.
    mutating func closeIfUseless(_ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]) {
        guard let peer = self.peers[slot.index], self.isFinished, self.isComplete else { return }
        if peer.isSeed || peer.isUploadOnly { self.close(slot, .bothSeeds, at: now, into: &actions) }
    }
}

/// Why a peer is not taken.
public struct JoinRefusal: Error, Hashable, Sendable {
    public let reason: CloseReason

    init(_ reason: CloseReason) { self.reason = reason }
}
