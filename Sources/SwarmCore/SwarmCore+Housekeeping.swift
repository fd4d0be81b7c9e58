import PeerProtocol
import PieceSelection
public import SwarmTypes

/// What time brings: rounds of choking, timeouts, keep-alives.
extension SwarmCore {
    /// To be called about once a second while there are peers.
    public mutating func tick(
        at now: Instant, using random: inout some RandomNumberGenerator, into actions: inout [SwarmAction]
    ) {
        for slot in self.occupiedSlots {
            self.watch(slot, at: now, using: &random, into: &actions)
        }
        if now.seconds(since: self.lastChokeRound) >= self.settings.chokeRoundSeconds {
            self.lastChokeRound = now
            self.chokeRound(at: now, using: &random, into: &actions)
        }
        self.exchangePeers(at: now, into: &actions)
        self.askForMetadata(at: now, into: &actions)
    }

    private mutating func watch(
        _ slot: PeerSlot, at now: Instant, using random: inout some RandomNumberGenerator,
        into actions: inout [SwarmAction]
    ) {
        guard let peer = self.peers[slot.index] else { return }
        if now.seconds(since: peer.lastReceivedAt) >= self.settings.inactivitySeconds {
            return self.close(slot, .inactive, at: now, into: &actions)
        }
        if now.seconds(since: peer.lastSentAt) >= self.settings.keepAliveSeconds {
            actions.append(.send(slot, .keepAlive))
            self.peers[slot.index]?.lastSentAt = now
        }
        self.watchRequests(slot, at: now)
        self.ask(slot, at: now, using: &random, into: &actions)
    }

    /// A peer that lets a request wait for too long is snubbed: one request at a time until it sends again, and
    /// what it was asked may be asked of others. The request itself stands: it mostly still comes.
    private mutating func watchRequests(_ slot: PeerSlot, at now: Instant) {
        guard let deadline = self.peers[slot.index]?.pipeline.nextDeadline, deadline <= now else { return }
        self.peers[slot.index]?.timeoutCount += 1
        self.requestsTimedOut += 1
        guard self.peers[slot.index]?.pipeline.timerFired(at: now) == true else { return }
        // The pipeline has forgotten them already.
        let count = self.peers[slot.index]?.outstanding.removeAll().count ?? 0
        self.peers[slot.index]?.forgiven += count
        _ = self.picker?.returnAll(from: slot, mayStillCome: true)
        self.pauseAsking(slot, at: now)
    }

    /// Nothing that was asked of the peer is waited for any longer.
    mutating func withdrawAll(_ slot: PeerSlot) {
        let count = self.peers[slot.index]?.outstanding.removeAll().count ?? 0
        self.peers[slot.index]?.forgiven += count
        self.peers[slot.index]?.pipeline.withdrawn(count)
    }
}
