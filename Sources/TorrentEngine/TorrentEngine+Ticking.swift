import EventIO
import PeerPolicy
import StallDiagnosis
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
        self.observeCaps()
        var isBusy = !self.openings.isEmpty
        for torrent in self.torrents.values {
            // Peers of a magnet's torrent wait while its files are checked: who begins after that counts on the tick.
            isBusy = isBusy || torrent.core.peerCount > 0
            guard torrent.isRunning else { continue }
            if torrent.core.peerCount > 0 {
                torrent.core.tick(at: self.now, using: &self.random, into: &torrent.actions)
                self.performActions(of: torrent)
                for connection in torrent.allConnections { self.noteStage(of: connection, torrent) }
            }
            self.noteProgress(of: torrent)
            self.dialCandidates(of: torrent)
            self.askForPeers(torrent)
            if self.noteIdleness(torrent) {
                isBusy = true
                continue
            }
            let isLooking = torrent.core.book.nextCandidateAt(weAreSeed: torrent.core.isFinished) != nil
            isBusy = isBusy || torrent.core.peerCount > 0 || isLooking
        }
        self.sleepIdle()
        self.trimIfIdle(isBusy: isBusy)
        if isBusy { self.armTick() }
    }

    /// A download without a peer, and without an address to try, asks its trackers as early as they allow.
    private func askForPeers(_ torrent: ActiveTorrent) {
        guard !torrent.core.isFinished, torrent.core.peerCount + torrent.dialling == 0,
            torrent.core.book.nextCandidateAt(weAreSeed: false).map({ self.now.seconds(since: $0) < -5 })
                ?? true
        else { return }
        torrent.schedule.wantPeers(at: self.now)
        self.announceDue(torrent)
    }

    /// Brings the ledger up to date with what a connection has come to.
    func noteStage(of connection: PeerConnection, _ torrent: ActiveTorrent) {
        guard let slot = connection.slot, let peer = torrent.core.standing(of: slot) else { return }
        torrent.ledger.reached(peer.stage, by: connection.address, at: self.now)
        for _ in connection.notedUnchokes..<max(connection.notedUnchokes, peer.unchokes) {
            torrent.ledger.unchoked(by: connection.address, at: self.now)
        }
        torrent.ledger.transferred(
            down: peer.downloaded - connection.notedDown, up: peer.uploaded - connection.notedUp,
            with: connection.address, at: self.now)
        connection.notedUnchokes = peer.unchokes
        connection.notedDown = peer.downloaded
        connection.notedUp = peer.uploaded
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
