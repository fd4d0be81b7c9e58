import EventIO
import PeerPolicy
import SwarmCore
import SwarmTypes
import TrackerProtocol

/// Once a second, while anybody is connected or being dialled.
extension TorrentEngine {
    private static let tickSeconds = 1.0

    func armTick() {
        guard self.tickTimer == nil else { return }
        self.tickTimer = self.loop.schedule(afterSeconds: Self.tickSeconds) { [weak self] in
            self?.assumeIsolated { $0.tick() }
        }
    }

    private func tick() {
        self.now = self.loop.now
        self.tickTimer = nil
        self.endLateOpenings()
        var isBusy = !self.openings.isEmpty
        for torrent in self.torrents.values where torrent.isRunning {
            if torrent.core.peerCount > 0 {
                torrent.core.tick(at: self.now, using: &self.random, into: &torrent.actions)
                self.performActions(of: torrent)
            }
            self.dialCandidates(of: torrent)
            self.askForPeers(torrent)
            let isLooking = torrent.core.book.nextCandidateAt(weAreSeed: torrent.core.isFinished) != nil
            isBusy = isBusy || torrent.core.peerCount > 0 || isLooking
        }
        if isBusy { self.armTick() }
    }

    /// A download without a peer, and without an address to try, asks its trackers as early as they allow.
    private func askForPeers(_ torrent: ActiveTorrent) {
        guard !torrent.core.isFinished, torrent.core.peerCount + torrent.dialling == 0,
            torrent.core.book.nextCandidateAt(weAreSeed: false).map({ self.now.seconds(since: $0) < -5 }) ?? true
        else { return }
        torrent.schedule.wantPeers(at: self.now)
        self.announceDue(torrent)
    }

    private func endLateOpenings() {
        for number in self.openings {
            guard let connection = self.connections[number] else { continue }
            if self.now.seconds(since: connection.startedAt) >= PeerConnection.openingSeconds {
                self.openingTimedOut(connection)
            }
        }
    }
}
