import PeerPolicy
import PieceSelection
import RateControl
public import SwarmTypes

/// Who may download from us: rounds of ten seconds, and at once when a slot is free.
extension SwarmCore {
    mutating func chokeRound(
        at now: Instant, using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        var candidates: [ChokeCandidate] = []
        for slot in self.occupiedSlots {
            if let candidate = self.candidate(slot, at: now) { candidates.append(candidate) }
        }
        if let slots = self.settings.uploadSlots {
            self.unchokedSlots = slots
        } else {
            self.unchokedSlots = UploadSlots.count(uploadRates: candidates.map(\.uploadRate))
        }
        let goal: Choker.Goal = self.isFinished ? .seed : self.isPrivate ? .downloadAndRatio : .download
        let decision = Choker(goal: goal, slots: self.unchokedSlots).decide(
            candidates, at: now, using: &random)
        for slot in decision.choke { self.choke(slot, at: now, into: &actions) }
        for slot in decision.unchoke { self.unchoke(slot, isOptimistic: false, at: now, into: &actions) }
        for slot in decision.optimistic { self.unchoke(slot, isOptimistic: true, at: now, into: &actions) }
    }

    private mutating func candidate(_ slot: PeerSlot, at now: Instant) -> ChokeCandidate? {
        guard let peer = self.peers[slot.index] else { return nil }
        return ChokeCandidate(
            slot: slot, role: peer.weChoke.isSet ? .choked : peer.isOptimistic ? .optimistic : .unchoked,
            since: peer.roleSince, connectedAt: peer.joinedAt, isInterested: peer.theyAreInterested.isSet,
            isUploadOnly: peer.isSeed || peer.isUploadOnly, isSnubbing: peer.pipeline.isSnubbed,
            downloadRate: self.peers[slot.index]?.downloadMeter.smoothed(at: now) ?? .zero,
            uploadRate: self.peers[slot.index]?.uploadMeter.smoothed(at: now) ?? .zero)
    }

    /// A peer has become interested, or one that was unchoked has gone or lost interest: no need to wait for the round.
    mutating func noteFreeUploadSlots() {
        let used = self.peers.count { $0?.weChoke.isSet == false && $0?.theyAreInterested.isSet == true }
        guard used < self.unchokedSlots else { return }
        self.wantsChokeRound = true
    }

    /// To be called after peers have spoken or left: gives the slots that have become free to those who wait.
    public mutating func fillUploadSlots(
        at now: Instant, using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        guard self.wantsChokeRound else { return }
        self.wantsChokeRound = false
        self.chokeRound(at: now, using: &random, into: &actions)
    }
}
