import PeerProtocol
import RateControl
public import SwarmTypes

/// What peers ask of us, and who may ask.
extension SwarmCore {
    mutating func receivedRequest(
        _ block: Block, from slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard let peer = self.peers[slot.index] else { return }
        self.peers[slot.index]?.lastRequestAt = now
        guard let geometry = self.geometry, geometry.contains(block), block.length <= MessageLimits.block,
            self.have[Int(block.piece)]
        else {
            self.refuse(block, slot, peer.facts.supportsFast, into: &actions)
            return self.countBadRequest(slot, at: now, into: &actions)
        }
        if peer.weChoke.isSet, !peer.grantedFast.contains(block.piece) {
            self.refuse(block, slot, peer.facts.supportsFast, into: &actions)
            if now.seconds(since: peer.weChoke.since) > self.settings.chokeGraceSeconds {
                self.countBadRequest(slot, at: now, into: &actions)
            }
            return
        }
        guard peer.wanted.count < self.settings.requestQueueLimit else {
            return self.refuse(block, slot, peer.facts.supportsFast, into: &actions)
        }
        let wasIdle = peer.wanted.isEmpty
        self.peers[slot.index]?.wanted.append(block)
        if wasIdle { actions.append(.serve(slot)) }
    }

    private func refuse(_ block: Block, _ slot: PeerSlot, _ isFast: Bool, into actions: inout [SwarmAction]) {
        if isFast { actions.append(.send(slot, .reject(block))) }
    }

    private mutating func countBadRequest(
        _ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]
    ) {
        self.peers[slot.index]?.badRequestCount += 1
        if let count = self.peers[slot.index]?.badRequestCount, count > self.settings.maximumBadRequests {
            self.close(slot, .tooManyBadRequests, at: now, into: &actions)
        }
    }

    mutating func receivedCancel(_ block: Block, from slot: PeerSlot, into actions: inout [SwarmAction]) {
        guard self.peers[slot.index]?.wanted.remove(block) == true else { return }
        if let facts = self.peers[slot.index]?.facts {
            self.refuse(block, slot, facts.supportsFast, into: &actions)
        }
    }

    /// What to send to a peer next: blocks that follow each other, of at most `maximumLength` bytes but at least one.
    public mutating func nextUpload(_ slot: PeerSlot, maximumLength: UInt32) -> UploadRun? {
        guard slot.index < self.peers.count else { return nil }
        return self.peers[slot.index]?.wanted.takeRun(maximumLength: maximumLength)
    }

    /// Of what a peer waits for, the length of the first block and of all, in bytes; nil when it waits for nothing.
    public func waitingUpload(_ slot: PeerSlot) -> (first: UInt32, count: Int)? {
        guard slot.index < self.peers.count, let peer = self.peers[slot.index], let first = peer.wanted.first
        else { return nil }
        return (first.length, peer.wanted.count)
    }

    /// So many bytes of blocks have gone to the socket.
    public mutating func uploaded(_ bytes: Int, to slot: PeerSlot, at now: Instant) {
        self.uploaded += Int64(bytes)
        self.lastUploadAt = now
        guard slot.index < self.peers.count else { return }
        self.peers[slot.index]?.uploaded += Int64(bytes)
        self.peers[slot.index]?.uploadMeter.add(bytes, at: now)
        self.peers[slot.index]?.lastUploadAt = now
        self.peers[slot.index]?.lastSentAt = now
    }

    /// A block could not be read: the peer is told no.
    public mutating func couldNotUpload(
        _ run: UploadRun, to slot: PeerSlot, into actions: inout [SwarmAction]
    ) {
        guard slot.index < self.peers.count, let facts = self.peers[slot.index]?.facts else { return }
        for block in run.blocks { self.refuse(block, slot, facts.supportsFast, into: &actions) }
    }

    mutating func unchoke(
        _ slot: PeerSlot, isOptimistic: Bool, at now: Instant, into actions: inout [SwarmAction]
    ) {
        self.peers[slot.index]?.isOptimistic = isOptimistic
        self.peers[slot.index]?.roleSince = now
        guard self.peers[slot.index]?.weChoke.set(false, at: now) == true else { return }
        actions.append(.send(slot, .unchoke))
        self.peers[slot.index]?.lastSentAt = now
    }

    mutating func choke(_ slot: PeerSlot, at now: Instant, into actions: inout [SwarmAction]) {
        self.peers[slot.index]?.isOptimistic = false
        self.peers[slot.index]?.roleSince = now
        guard self.peers[slot.index]?.weChoke.set(true, at: now) == true,
            let facts = self.peers[slot.index]?.facts
        else { return }
        actions.append(.send(slot, .choke))
        self.peers[slot.index]?.lastSentAt = now
        for block in self.peers[slot.index]?.wanted.removeAll() ?? [] {
            self.refuse(block, slot, facts.supportsFast, into: &actions)
        }
    }
}
