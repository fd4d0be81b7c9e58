import LibraryPolicy
import SwarmTypes
import TorrentCatalog
import TorrentEngine

/// What holds for all torrents: limits, hours, the queue, and when enough was given.
extension TorrentLibrary {
    // MARK: Limits of all

    var limitsInForce: (UploadLimit, UploadLimit) {
        self.alternativeLimitsAreOn
            ? (self.preferences.alternativeUploadLimit, self.preferences.alternativeDownloadLimit)
            : (self.preferences.uploadLimit, self.preferences.downloadLimit)
    }

    func applyLimits() {
        let (upload, download) = self.limitsInForce
        self.ask { engine in
            engine.setUploadLimit(upload)
            engine.setDownloadLimit(download)
        }
    }

    /// The hours switch at their beginning and their end; in between people may switch by hand.
    func applySchedule() {
        guard let schedule = self.preferences.schedule else {
            self.scheduleWasOn = nil
            return self.use(alternativeLimits: self.preferences.usesAlternativeLimits)
        }
        let (minute, day) = self.environment.localTime()
        let isOn = schedule.contains(minute: minute, day: day)
        if isOn != self.scheduleWasOn {
            self.scheduleWasOn = isOn
            if self.preferences.usesAlternativeLimits != isOn {
                self.preferences.usesAlternativeLimits = isOn
                (self.preferencesChanged, self.mustSavePreferences) = (true, true)
            }
        }
        self.use(alternativeLimits: self.preferences.usesAlternativeLimits)
    }

    private func use(alternativeLimits: Bool) {
        guard alternativeLimits != self.alternativeLimitsAreOn else { return }
        self.alternativeLimitsAreOn = alternativeLimits
        self.applyLimits()
    }

    // MARK: The queue

    /// Decides which torrents run.
    func arrangeQueue() {
        self.queueIsStale = false
        guard let settings = self.preferences.queue else {
            for torrent in self.torrents.values where torrent.isQueued {
                torrent.isQueued = false
                self.settle(torrent)
            }
            return
        }
        var members: [LibraryTorrent] = []
        for id in self.order {
            guard let torrent = self.torrents[id], !torrent.isStopped, torrent.failure == nil else {
                continue
            }
            members.append(torrent)
        }
        let candidates = members.map { torrent -> QueueCandidate in
            let line = self.line(of: torrent.id)
            let isSlow =
                line.map {
                    torrent.phase == .running && torrent.activeSince.map { self.now - $0 > 60 } ?? false
                        && $0.downRate.bytesPerSecond < 2048 && $0.upRate.bytesPerSecond < 2048
                } ?? false
            return QueueCandidate(
                isDownloading: line.map { !$0.isComplete } ?? true, isForced: line?.isForced ?? false,
                isSlow: isSlow)
        }
        let bounds = QueueBounds(
            downloads: settings.downloads, uploads: settings.uploads, torrents: settings.torrents,
            ignoresSlow: settings.ignoresSlow)
        for (torrent, runs) in zip(members, runningTorrents(candidates, bounds))
        where torrent.isQueued == runs {
            torrent.isQueued = !runs
            self.settle(torrent)
        }
    }

    /// Unfinished torrents as they are queued, then the others as they came.
    private var order: [TorrentID] {
        let queued = Set(self.queue)
        let others = self.torrents.keys.filter { !queued.contains($0) }.sorted { left, right in
            (self.line(of: left)?.addedAt ?? 0, left) < (self.line(of: right)?.addedAt ?? 0, right)
        }
        return self.queue + others
    }

    func move(_ ids: [TorrentID], _ step: QueueMove) {
        let step: QueueStep =
            switch step {
            case .top: .top
            case .up: .up
            case .down: .down
            case .bottom: .bottom
            }
        self.queue = LibraryPolicy.queue(self.queue, moving: Set(ids), step)
        self.touched.formUnion(self.queue)
        self.unsaved.formUnion(self.queue)
        self.queueIsStale = true
    }

    // MARK: Enough given

    func effective(_ own: ShareLimits) -> ShareLimits {
        let all = self.preferences.shareLimits
        var limits = ShareLimits()
        limits.ratio = own.ratio.orInherited(all.ratio)
        limits.seedingMinutes = own.seedingMinutes.orInherited(all.seedingMinutes)
        limits.inactiveMinutes = own.inactiveMinutes.orInherited(all.inactiveMinutes)
        return limits
    }

    /// Remembers whether a torrent has limits of its own.
    func noteShareLimits(_ limits: ShareLimits, of id: TorrentID) {
        if limits == ShareLimits() {
            self.withOwnShareLimits.remove(id)
        } else {
            self.withOwnShareLimits.insert(id)
        }
    }

    func applyShareLimits() {
        let now = self.now
        let all = self.effective(ShareLimits())
        let isBounded =
            all.ratio.value != nil || all.seedingMinutes.value != nil || all.inactiveMinutes.value != nil
        // Without a bound for all, only those with their own are looked at: there may be tens of thousands of others.
        for id in isBounded ? Array(self.torrents.keys) : Array(self.withOwnShareLimits) {
            guard let torrent = self.torrents[id], torrent.phase == .running, torrent.seedingSince != nil,
                let line = self.line(of: id), !line.isForced
            else { continue }
            let limits = self.effective(line.shareLimits)
            let bounds = ShareBounds(
                ratio: limits.ratio.value, seedingMinutes: limits.seedingMinutes.value,
                inactiveMinutes: limits.inactiveMinutes.value)
            guard !bounds.isEmpty else { continue }
            let since = torrent.seedingSince ?? now
            let record = ShareRecord(
                ratio: line.ratio, seedingSeconds: torrent.seedingSeconds + max(0, now - since),
                inactiveSeconds: max(0, now - max(line.lastActivityAt ?? 0, since)))
            guard let reason = reachedBound(record, bounds) else { continue }
            self.gaveEnough(torrent, reason)
        }
    }

    private func gaveEnough(_ torrent: LibraryTorrent, _ reason: ShareReason) {
        let words =
            switch reason {
            case .ratio: "it has reached its share ratio"
            case .seedingTime: "it has reached its seeding time"
            case .inactivity: "nobody wanted anything of it for as long as was set"
            }
        switch self.preferences.shareAction {
        // Weir does not super-seed: it goes on to seed.
        case .superSeed: break
        case .stop:
            self.note(torrent, "share_limit", "Stopped: \(words)")
            torrent.isStopped = true
            self.unsaved.insert(torrent.id)
            self.queueIsStale = true
            self.settle(torrent)
        case .remove: self.remove(torrent, withFiles: false)
        case .removeWithFiles: self.remove(torrent, withFiles: true)
        }
    }
}

extension ShareLimits.Bound {
    fileprivate func orInherited(_ other: Self) -> Self {
        guard case .inherited = self else { return self }
        guard case .inherited = other else { return other }
        return .none
    }

    fileprivate var value: Value? {
        guard case .value(let value) = self else { return nil }
        return value
    }
}
