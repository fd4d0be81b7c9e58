import EventIO
import SwarmTypes
import TorrentStorage

/// What an engine has to record, and has not yet. On the engine's loop only.
final class SessionRecord {
    /// From the beginning of one save to that of the next, in seconds. With the tick that notices what is new, and the
    /// time that a save takes, no more than 5 s of what was fetched is unsaved.
    static let saveSeconds = 3.0
    /// When the record itself cannot be written.
    private static let longestPause = 60.0

    let keeper: ResumeKeeper
    var additions: [ResumeAddition] = []
    var dirty: Set<TorrentID> = []
    /// Of torrents that have stopped.
    var lastUpdates: [ResumeUpdate] = []
    var timer: TimerToken?
    /// Nil while none is under way.
    var round: SaveRound?
    var savedAt: Instant?
    private(set) var failures = 0

    init(_ keeper: ResumeKeeper) { self.keeper = keeper }

    var isSaving: Bool { self.round != nil }

    var hasWork: Bool { !self.additions.isEmpty || !self.dirty.isEmpty || !self.lastUpdates.isEmpty }

    func takeLastUpdates() -> [ResumeUpdate] {
        defer { self.lastUpdates = [] }
        return self.lastUpdates
    }

    /// When the next save may begin.
    func due(at now: Instant) -> Instant {
        guard let savedAt = self.savedAt else { return now }
        var pause = Self.saveSeconds
        for _ in 0..<min(self.failures, 5) { pause = min(Self.longestPause, pause * 2) }
        return max(now, savedAt.advanced(bySeconds: pause))
    }

    /// Answers whether this is the first failure after a success.
    func failed() -> Bool {
        self.failures += 1
        return self.failures == 1
    }

    func succeeded() { self.failures = 0 }
}

/// What the record says of one torrent.
struct RecordedState {
    /// Since before the torrent slept, so that the totals are known better than from the record.
    var isCarried = false
    /// Totals of the sessions before this one, in bytes.
    var uploadedBefore: Int64 = 0
    var downloadedBefore: Int64 = 0
    /// This session's, as last recorded.
    var uploaded: Int64 = 0
    var downloaded: Int64 = 0
    /// In seconds since 1970.
    var addedAt: Int64?
    var finishedAt: Int64?
    /// The record has all of its pieces, whatever a check may have found since.
    var wasComplete = false
    /// Of trackers, where its own metainfo names none.
    var tiers: [[String]] = []
    /// Whether it was stopped by its owner.
    var isPaused = false
}

/// A save under way: waits for the checkpoints of several torrents.
struct SaveRound {
    var additions: [ResumeAddition]
    var updates: [ResumeUpdate] = []
    /// Checkpoints that have not come yet, and one for the round itself.
    var waiting = 1

    mutating func add(_ update: ResumeUpdate?) {
        if let update { self.updates.append(update) }
    }
}
