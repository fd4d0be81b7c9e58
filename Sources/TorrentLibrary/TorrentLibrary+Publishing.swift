import EventIO
import LibraryPolicy
import StallDiagnosis
import SwarmTypes
import TorrentCatalog
import TorrentEngine

/// Bringing the mirror up to date.
extension TorrentLibrary {
    private static let tickSeconds = 1.0

    func tick() {
        guard !self.isStopping else { return }
        self.ticks += 1
        self.applySchedule()
        if self.queueIsStale || self.preferences.queue?.ignoresSlow == true && self.ticks % 10 == 0 {
            self.arrangeQueue()
        }
        if self.ticks % 10 == 0 { self.applyShareLimits() }
        if self.ticks % Int(Self.savingSeconds) == 0 {
            self.mustSaveTotals = true
            // Of those that sleep only times change.
            let isHour = self.ticks % 3600 == 0
            self.unsaved.formUnion(isHour ? Set(self.torrents.keys) : self.moving)
        }
        self.diagnoseSome(of: self.moving.union(self.touched))
        self.publish()
        self.save()
        self.loop.schedule(afterSeconds: Self.tickSeconds) { [weak self] in self?.assumeIsolated { $0.tick() }
        }
    }

    /// Publishes what has changed: of the torrents that move, and of those that somebody touched.
    func publish() {
        let moving = Set(self.ask { $0.movingTorrents })
        let looked = self.touched.union(moving).union(self.moving)
        self.moving = moving
        self.touched = []
        var change = CatalogChange()
        for id in looked {
            guard let torrent = self.torrents[id], let line = self.line(of: id) else { continue }
            let new = self.refreshed(line, torrent)
            if new != self.mirror.row(of: id)?.summary { change.changed.append(new) }
        }
        self.lines = [:]
        change.removed = self.removed
        self.removed = []
        if self.categoriesChanged { change.categories = self.categories.values.sorted { $0.name < $1.name } }
        if self.tagsChanged { change.tags = self.tags.sorted() }
        if self.preferencesChanged { change.preferences = self.preferences }
        (self.categoriesChanged, self.tagsChanged, self.preferencesChanged) = (false, false, false)
        let session = self.session
        if session != self.mirror.state.session { change.session = session }
        let caps = self.capLines
        if caps != self.mirror.state.caps { change.caps = caps }
        self.mirror.publish(change)
    }

    func refresh(_ torrent: LibraryTorrent) {
        guard let line = self.line(of: torrent.id) else { return }
        self.lines[torrent.id] = self.refreshed(line, torrent)
        self.touched.insert(torrent.id)
    }

    /// The line with all that the engine knows now.
    private func refreshed(_ line: TorrentSummary, _ torrent: LibraryTorrent) -> TorrentSummary {
        var line = line
        let id = torrent.id
        let facts = torrent.phase == .running ? self.ask { $0.facts(of: id) } : nil
        line.state = self.activity(of: torrent, facts)
        line.sessionUploaded = facts?.uploaded ?? 0
        line.sessionDownloaded = facts?.downloaded ?? 0
        line.uploaded = torrent.uploaded + line.sessionUploaded
        line.downloaded = torrent.downloaded + line.sessionDownloaded
        line.wasted = torrent.wasted + (facts?.wasted ?? 0)
        line.upRate = facts?.upRate ?? .zero
        line.downRate = facts?.downRate ?? .zero
        line.connectedSeeds = facts?.seeds ?? 0
        line.connectedLeechers = facts?.leechers ?? 0
        line.availability = facts?.availability
        line.nextAnnounceAt = facts?.nextAnnounceAt.map { self.wallTime(of: $0) }
        let now = self.now
        line.activeSeconds = torrent.activeSeconds + (torrent.activeSince.map { max(0, now - $0) } ?? 0)
        line.seedingSeconds = torrent.seedingSeconds + (torrent.seedingSince.map { max(0, now - $0) } ?? 0)
        line.effectiveShareLimits = self.effective(line.shareLimits)
        line.queuePosition =
            self.preferences.queue == nil || line.isComplete
            ? nil : self.queue.firstIndex(of: id).map { $0 + 1 }
        guard let facts else { return line }
        if let seeds = facts.swarmSeeds { line.swarmSeeds = seeds }
        if let leechers = facts.swarmLeechers { line.swarmLeechers = leechers }
        if let tracker = facts.tracker, facts.trackerWorks || line.tracker.isEmpty { line.tracker = tracker }
        if let last = facts.lastPayloadAt { line.lastActivityAt = self.wallTime(of: last) }
        if facts.seeds > 0 || facts.availability.map({ $0 >= 1 }) ?? false { line.seenCompleteAt = now }
        if facts.hasMetadata { line.isPrivate = facts.isPrivate }
        if case .checking = facts.stage { return line }
        line.piecesHad = facts.piecesHad
        line.done = facts.done
        line.wantedDone = self.wantedDone(torrent, line, facts)
        return line
    }

    private func activity(of torrent: LibraryTorrent, _ facts: TorrentFacts?) -> TorrentActivity {
        if torrent.isBusy || !torrent.afterwards.isEmpty { return .moving }
        if torrent.failure != nil { return torrent.filesAreMissing ? .missingFiles : .failed }
        if torrent.isCheckedOnly { return .checking }
        if torrent.isStopped { return .stopped }
        if torrent.isQueued { return .queued }
        switch facts?.stage {
        case .fetchingMetadata: return .metadata
        case .checking: return .checking
        case .downloading: return .downloading
        case .seeding: return .seeding
        case .failed: return torrent.filesAreMissing ? .missingFiles : .failed
        // On its way into the engine again.
        case .ending, nil: return .checkingAtStart
        }
    }

    /// Of what is wanted, in bytes. Files are looked at only where some are not wanted.
    private func wantedDone(
        _ torrent: LibraryTorrent, _ line: TorrentSummary, _ facts: TorrentFacts
    ) -> Int64 {
        guard line.wantedSize < line.totalSize else {
            // Padding counts as had, and not in the size.
            return facts.isFinished ? line.wantedSize : min(facts.done, line.wantedSize)
        }
        if facts.isFinished { return line.wantedSize }
        let id = torrent.id
        let files = self.ask { $0.fileFacts(of: id) }
        return files.reduce(0) { sum, file in
            torrent.priorities[file.number] == .skip ? sum : sum + file.done
        }
    }

    private var session: SessionSummary {
        var session = SessionSummary()
        let facts = self.ask { $0.sessionTotals }
        session.upRate = facts.upRate
        session.downRate = facts.downRate
        session.sessionUploaded = facts.uploaded
        session.sessionDownloaded = facts.downloaded
        session.allTimeUploaded = self.allTimeUploaded + session.sessionUploaded
        session.allTimeDownloaded = self.allTimeDownloaded + session.sessionDownloaded
        session.wasted = facts.wasted
        session.connections = facts.connections
        session.listeningPort = facts.listeningPort
        session.reachability =
            facts.listeningPort == nil ? .offline : facts.hadIncoming ? .reachable : .unknown
        session.usesAlternativeLimits = self.alternativeLimitsAreOn
        (session.uploadLimit, session.downloadLimit) = self.limitsInForce
        session.isQueueing = self.preferences.queue != nil
        // A call to the file system, which a slow disk may delay.
        if self.ticks % 30 == 1 { self.freeSpace = self.environment.freeSpace(self.preferences.directory) }
        session.freeSpace = self.freeSpace
        return session
    }
}
