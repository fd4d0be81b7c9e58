import EventIO
import SwarmCore
import SwarmTypes
import TorrentStorage

/// When a torrent that its disk has stopped is tried again: after 5 s, and twice as long each time, up to a minute.
struct RecoverySchedule {
    private static let shortestPause = 5.0
    private static let longestPause = 60.0

    private var pause = Self.shortestPause
    private var latest: Instant?
    /// What was said of it last.
    private(set) var words: String?

    /// The pause from now on, in seconds. One that ran well for a while begins anew.
    mutating func failed(_ words: String, at now: Instant) -> Double {
        if let latest = self.latest, now.seconds(since: latest) > 2 * Self.longestPause {
            self.pause = Self.shortestPause
        }
        self.words = words
        self.latest = now
        defer { self.pause = min(Self.longestPause, self.pause * 2) }
        return self.pause
    }

    mutating func recovered() { self.words = nil }
}

/// Failures of the disk: the torrent stops in a state that says so, keeps what was fetched, and goes on by itself when
/// the cause is gone.
extension TorrentEngine {
    func stopped(_ torrent: ActiveTorrent, because failure: StorageFailure) {
        guard torrent.state != .stopping else { return }
        let words = failure.description
        if self.sleepOn(torrent, words) { return }
        let isNews = torrent.recovery.words != words
        let pause = torrent.recovery.failed(words, at: self.now)
        torrent.state = .failed(words)
        self.disconnect(torrent)
        self.tellSleepless(torrent.core.id, nil)
        if torrent.core.geometry != nil { self.mustSave(torrent) }
        if let timer = torrent.recoveryTimer { self.loop.cancel(timer) }
        let id = torrent.core.id
        torrent.recoveryTimer = self.loop.schedule(afterSeconds: pause) { [weak self] in
            self?.assumeIsolated { $0.tryAgain(id) }
        }
        if isNews { self.observer?(.interrupted(id, words)) }
    }

    private func disconnect(_ torrent: ActiveTorrent) {
        for connection in torrent.allConnections { self.close(connection, .torrentStopped) }
        for number in self.openings {
            if let connection = self.connections[number], connection.torrent === torrent {
                self.close(connection, .torrentStopped)
            }
        }
    }

    private func tryAgain(_ id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id], case .failed = torrent.state else { return }
        torrent.recoveryTimer = nil
        if torrent.core.geometry == nil {
            torrent.tryAgain?(self, torrent)
        } else if torrent.lostPieces.isEmpty {
            self.writeAgain(torrent)
        } else {
            self.findAgain(torrent)
        }
    }

    /// What waits in memory is written; when that works, peers are asked for more.
    private func writeAgain(_ torrent: ActiveTorrent) {
        guard let store = torrent.store else { return }
        let id = torrent.core.id
        store.retry()
        store.checkpoint { [weak self] result in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], case .failed = torrent.state,
                    torrent.recoveryTimer == nil
                else { return }
                if case .failure(let failure) = result { return engine.stopped(torrent, because: failure) }
                store.forgetCheckpoint()
                engine.goOn(torrent)
            }
        }
    }

    private func goOn(_ torrent: ActiveTorrent) {
        torrent.recovery.recovered()
        torrent.state = .running
        self.observer?(.running(torrent.core.id))
        self.mustSave(torrent)
        self.dialCandidates(of: torrent)
        self.armTick()
    }

    // MARK: Files that changed under us

    /// A piece that was had cannot be read, or is another.
    func lost(_ piece: Int, _ failure: StorageFailure, _ torrent: ActiveTorrent, _ store: TorrentStore) {
        torrent.core.pieceLost(piece, at: self.now, into: &torrent.actions)
        self.performActions(of: torrent)
        if torrent.lostPieces.count == 0 { torrent.lostPieces = Bitfield(count: store.geometry.pieceCount) }
        torrent.lostPieces.set(piece)
        self.mustSave(torrent)
        let id = torrent.core.id
        store.findAbsence(of: torrent.lostPieces) { [weak self] absence in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], torrent.isRunning else { return }
                if let absence { return engine.stopped(torrent, because: absence) }
                engine.observer?(.damaged(id, failure.description))
                // Who only serves does without the piece; who downloads fetches it again.
                if torrent.options.isSeedOnly {
                    torrent.lostPieces = Bitfield(count: 0)
                } else {
                    engine.disconnect(torrent)
                    engine.hashLost(torrent, store)
                }
            }
        }
    }

    private func findAgain(_ torrent: ActiveTorrent) {
        guard let store = torrent.store else { return }
        let id = torrent.core.id
        store.findAbsence(of: torrent.lostPieces) { [weak self] absence in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], case .failed = torrent.state else { return }
                if let absence { return engine.stopped(torrent, because: absence) }
                engine.hashLost(torrent, store)
            }
        }
    }

    private func hashLost(_ torrent: ActiveTorrent, _ store: TorrentStore) {
        guard store.hashes != nil else {
            // Trusted without hashes: what is there in full length counts as before.
            store.trust(torrent.lostPieces)
            return self.restart(torrent, store)
        }
        self.check(torrent, store, only: torrent.lostPieces, then: .restart)
    }

    /// Begins anew with what was found, nobody being connected.
    func restart(_ torrent: ActiveTorrent, _ store: TorrentStore) {
        torrent.lostPieces = Bitfield(count: 0)
        torrent.core.restart(
            have: store.have, arrived: store.arrivedBlocks,
            wanted: torrent.options.isSeedOnly ? store.have : torrent.selection, at: self.now,
            using: &self.random, into: &torrent.actions)
        self.performActions(of: torrent)
        self.goOn(torrent)
    }
}
