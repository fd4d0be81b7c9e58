public import EventIO
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TorrentStorage
import TrackerClient
import TrackerProtocol

/// Listening and ending.
extension TorrentEngine {
    /// Begins to take connections. Throws when none of the addresses can be listened on; others are skipped.
    public func listen() throws(SystemCallFailure) {
        var failure: SystemCallFailure?
        for address in self.settings.listenAddresses {
            do throws(SystemCallFailure) {
                // The families share one port.
                let wanted = address.port == 0 ? address.with(port: self.listeningPort ?? 0) : address
                let listener = Listener(try ListeningSocket(wanted))
                try self.watch(listener, number: self.listeners.count)
                self.listeners.append(listener)
            } catch {
                failure = failure ?? error
            }
        }
        if self.listeners.isEmpty, let failure {
            self.listeningFailure = failure
            throw failure
        }
        self.startMapping()
    }

    private func watch(_ listener: Listener, number: Int) throws(SystemCallFailure) {
        try self.loop.watch(listener.socket.descriptor, for: .readable) { [weak self] _ in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                engine.accept(number)
            }
        }
    }

    /// Leaves those who wait where they are for a second: with no descriptor left, the loop would call again at once and
    /// for ever.
    func pauseAccepting(_ number: Int) {
        guard number < self.listeners.count else { return }
        self.loop.unwatch(self.listeners[number].socket.descriptor)
        self.loop.schedule(afterSeconds: 1) { [weak self] in
            self?.assumeIsolated { engine in
                guard number < engine.listeners.count else { return }
                do throws(SystemCallFailure) {
                    try engine.watch(engine.listeners[number], number: number)
                } catch {
                    engine.pauseAccepting(number)
                }
            }
        }
    }

    /// The port that peers are told; nil when nothing is listened on.
    public var listeningPort: UInt16? { self.listeners.first?.socket.address.port }

    /// Stops everything: data that waits is written, trackers are told `stopped`, connections end. Calls `body` on the
    /// loop when that is done; trackers have as long as `TrackerClient.endFarewells` says.
    /// - Parameter removingRecord: leaves nothing for a next start.
    public func stop(removingRecord: Bool = false, _ body: @escaping @Sendable () -> Void) {
        self.now = self.loop.now
        self.whenStopped = body
        self.removesRecord = removingRecord
        self.lastPort = self.announcedPort
        for listener in self.listeners { self.loop.unwatch(listener.socket.descriptor) }
        self.listeners = []
        for torrent in self.torrents.values { self.stop(torrent) }
        self.stopDormant()
        self.trackers.setLimits(.atTheEnd)
        self.trackers.endFarewells { [weak self] _ in
            self?.assumeIsolated { engine in
                engine.areTrackersTold = true
                engine.finishStopping()
            }
        }
        self.stopMapping { [weak self] in self?.assumeIsolated { $0.finishStopping() } }
        if let record = self.record { self.saveStopped(record) } else { self.finishStopping() }
    }

    func stop(_ torrent: ActiveTorrent) {
        guard torrent.state != .stopping else { return }
        torrent.state = .stopping
        for connection in torrent.allConnections { self.close(connection, .shutDown) }
        for number in self.openings {
            if let connection = self.connections[number], connection.torrent === torrent {
                self.close(connection, .shutDown)
            }
        }
        let id = torrent.core.id
        if let timer = torrent.announceTimer { self.loop.cancel(timer) }
        self.bidFarewell(torrent.schedule.stop(for: self.facts(of: torrent)), tickets: torrent.tickets)
        torrent.tickets = [:]
        if let timer = torrent.recoveryTimer { self.loop.cancel(timer) }
        // What only looks like a torrent's state says nothing of its pieces.
        torrent.isStoreStopped = torrent.store == nil
        if torrent.isStoreStopped { self.recordStopped(torrent, nil) }
        guard !torrent.removesFiles else {
            torrent.store?.removeFiles { [weak self] result in
                self?.assumeIsolated { $0.filesRemoved(id, result) }
            }
            return
        }
        torrent.store?.stop { [weak self] result in
            self?.assumeIsolated { $0.storeStopped(id, result) }
        }
        // One without data has nothing to wait for.
        self.stopStep(torrent)
    }

    /// Leaves to the tracker client what is to be told of a session that has ended.
    /// - Parameter tickets: of all that is on its way.
    func bidFarewell(
        _ ending: AnnounceSchedule.Ending, tickets: [AnnounceOrder.ID: TrackerClient.Ticket]
    ) {
        for ticket in ending.dropped.compactMap({ tickets[$0] }) { self.trackers.cancel(ticket) }
        for farewell in ending.farewells {
            self.trackers.bid(farewell, after: farewell.follows.flatMap { tickets[$0.id] })
        }
    }

    /// How many sessions' ends trackers were told, and how many not.
    public var farewellTally: (told: Int, untold: Int) {
        let tally = self.trackers.farewellTally
        return (tally.told, tally.untold)
    }

    private func storeStopped(_ id: TorrentID, _ result: Result<Checkpoint, StorageFailure>) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else { return }
        torrent.isStoreStopped = true
        switch result {
        case .success(let checkpoint):
            if torrent.core.geometry != nil { torrent.lastPieces = SavedPieces(checkpoint.have) }
            self.recordStopped(torrent, checkpoint)
        case .failure(let failure):
            torrent.endFailure = failure.description
            self.observer?(.failed(id, failure.description))
            self.recordStopped(torrent, nil)
        }
        self.stopStep(torrent)
    }

    private func filesRemoved(_ id: TorrentID, _ result: Result<Void, StorageFailure>) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else { return }
        torrent.isStoreStopped = true
        if case .failure(let failure) = result { torrent.endFailure = failure.description }
        self.stopStep(torrent)
    }

    /// A torrent that is written is gone. Its farewells go on.
    func stopStep(_ torrent: ActiveTorrent) {
        guard torrent.state == .stopping, torrent.isStoreStopped, self.torrents[torrent.core.id] === torrent
        else { return }
        self.remove(torrent)
        torrent.whenEnded?(
            EndedTorrent(
                id: torrent.core.id, downloaded: torrent.core.downloaded, uploaded: torrent.core.uploaded,
                pieces: torrent.lastPieces,
                filesAreRemoved: torrent.removesFiles && torrent.store != nil && torrent.endFailure == nil,
                failure: torrent.endFailure))
        self.finishStopping()
    }

    func finishStopping() {
        guard self.torrents.isEmpty, self.areTrackersTold, self.dormant.dozing.isEmpty,
            self.mapper == nil, let body = self.whenStopped, self.closeRecord()
        else { return }
        self.whenStopped = nil
        for timer in [self.tickTimer, self.dormant.timer] {
            if let timer { self.loop.cancel(timer) }
        }
        self.trackers.close()
        self.storage.stop()
        body()
    }
}
