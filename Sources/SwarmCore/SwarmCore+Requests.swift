import PeerProtocol
import PieceSelection
public import SwarmTypes

/// What we ask of peers.
extension SwarmCore {
    /// Keeps a peer's pipeline full. The driver calls it after each batch of input, `flush`, not for each block.
    mutating func ask(
        _ slot: PeerSlot, at now: Instant, using random: inout some RandomNumberGenerator,
        into actions: inout [SwarmAction]
    ) {
        guard self.picker != nil, self.peers[slot.index]?.claim == .counted,
            self.peers[slot.index]?.weAreInterested.isSet == true
        else { return }
        let mayAsk = self.peers[slot.index]?.theyChoke.isSet == false
        guard mayAsk || self.peers[slot.index]?.allowedFast.isEmpty == false else { return }
        if let asksAgainAt = self.peers[slot.index]?.asksAgainAt, now < asksAgainAt { return }
        guard let room = self.peers[slot.index]?.pipeline.room, room > 0 else { return }
        var blocks = self.scratch
        blocks.removeAll(keepingCapacity: true)
        let rate = self.peers[slot.index]?.pipeline.rate ?? .zero
        _ = self.picker?.pick(
            for: slot, upTo: room, rate: rate, isChoked: !mayAsk, using: &random, into: &blocks)
        for block in blocks {
            self.peers[slot.index]?.outstanding.append(block, at: now)
            actions.append(.send(slot, .request(block)))
        }
        if !blocks.isEmpty { self.peers[slot.index]?.lastSentAt = now }
        if !blocks.isEmpty { self.peers[slot.index]?.pipeline.requested(blocks.count, at: now) }
        self.requestsSent += blocks.count
        self.deepestPipeline = max(self.deepestPipeline, self.peers[slot.index]?.outstanding.count ?? 0)
        self.scratch = blocks
    }

    /// How many blocks a peer still has to send, and how fast it sends.
    public func asked(of slot: PeerSlot) -> (blocks: Int, rate: ByteRate) {
        guard slot.index < self.peers.count, let pipeline = self.peers[slot.index]?.pipeline else {
            return (0, .zero)
        }
        return (pipeline.outstanding, pipeline.rate)
    }

    /// Leaves a peer alone that did not answer: asked again at once, it would keep its blocks from everybody else.
    mutating func pauseAsking(_ slot: PeerSlot, at now: Instant) {
        guard let peer = self.peers[slot.index], peer.asksAgainAt ?? now <= now else { return }
        let seconds = min(60, max(1, 2 * peer.pauseSeconds))
        self.peers[slot.index]?.pauseSeconds = seconds
        self.peers[slot.index]?.asksAgainAt = now.advanced(bySeconds: seconds)
    }

    /// After the input of a peer was worked off: asks it for more.
    public mutating func flush(
        _ slot: PeerSlot, at now: Instant, using random: inout some RandomNumberGenerator,
        into actions: inout [SwarmAction]
    ) {
        self.fillUploadSlots(at: now, using: &random, into: &actions)
        guard slot.index < self.peers.count, self.peers[slot.index] != nil else { return }
        self.ask(slot, at: now, using: &random, into: &actions)
    }
}
