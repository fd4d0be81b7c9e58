public import LimitPlanning
public import SwarmTypes

public struct PreviewReport: Hashable, Sendable {
    public struct Change: Hashable, Sendable {
        public var torrent: TorrentID
        public var instance: String
        public var tracker: String
        public var from: UploadLimit
        public var to: UploadLimit
        public var reason: ChangeReason

        public init(
            torrent: TorrentID, instance: String, tracker: String, from: UploadLimit, to: UploadLimit,
            reason: ChangeReason
        ) {
            self.torrent = torrent
            self.instance = instance
            self.tracker = tracker
            self.from = from
            self.to = to
            self.reason = reason
        }
    }

    public struct Tracker: Hashable, Sendable {
        public var id: String
        public var baseCap: UploadLimit
        public var effectiveCap: UploadLimit

        public init(id: String, baseCap: UploadLimit, effectiveCap: UploadLimit) {
            self.id = id
            self.baseCap = baseCap
            self.effectiveCap = effectiveCap
        }
    }

    public var strategy: AllocationStrategy
    public var torrentsConsidered: Int
    public var changes: [Change]
    public var trackers: [Tracker]

    public init(
        strategy: AllocationStrategy, torrentsConsidered: Int, changes: [Change], trackers: [Tracker]
    ) {
        self.strategy = strategy
        self.torrentsConsidered = torrentsConsidered
        self.changes = changes
        self.trackers = trackers
    }
}

/// A cycle that was carried out.
public struct CycleReport: Hashable, Sendable {
    public enum Outcome: String, CaseIterable, Sendable {
        case applied
        /// There was nothing to change.
        case unchanged
        /// Applied, but some limits read back differently.
        case drifted
        /// Planned and recorded nowhere, because of `dry_run`.
        case dryRun = "dry_run"
    }

    public var outcome: Outcome
    public var durationSeconds: Double
    public var changes: Int
    public var apiCalls: Int

    public init(outcome: Outcome, durationSeconds: Double, changes: Int, apiCalls: Int) {
        self.outcome = outcome
        self.durationSeconds = durationSeconds
        self.changes = changes
        self.apiCalls = apiCalls
    }
}

public struct RollbackReport: Hashable, Sendable {
    public var changesReversed: Int
    /// Torrents that still wait for their original limit, as those of a client that does not answer.
    public var remaining: Int
    public var durationSeconds: Double
    public var isDryRun: Bool

    public init(changesReversed: Int, remaining: Int, durationSeconds: Double, isDryRun: Bool) {
        self.changesReversed = changesReversed
        self.remaining = remaining
        self.durationSeconds = durationSeconds
        self.isDryRun = isDryRun
    }
}

public struct SmoothingReset: Hashable, Sendable {
    public var clearedCount: Int
    public var strategy: AllocationStrategy

    public init(clearedCount: Int, strategy: AllocationStrategy) {
        self.clearedCount = clearedCount
        self.strategy = strategy
    }
}

public enum LimitsResetScope: String, CaseIterable, Sendable {
    /// Torrents whose original limit was not given back yet.
    case unrestored
    /// Every torrent that Weir has ever touched.
    case all
}

public struct LimitsReset: Hashable, Sendable {
    public var count: Int
    public var isDryRun: Bool

    public init(count: Int, isDryRun: Bool) {
        self.count = count
        self.isDryRun = isDryRun
    }
}

public struct ReloadReport: Hashable, Sendable {
    public var rolloutPercentage: Int
    public var strategy: AllocationStrategy
    public var warnings: [String]
    /// Keys whose new value takes effect at the next start.
    public var restartNeeded: [String]

    public init(
        rolloutPercentage: Int, strategy: AllocationStrategy, warnings: [String] = [],
        restartNeeded: [String] = []
    ) {
        self.rolloutPercentage = rolloutPercentage
        self.strategy = strategy
        self.warnings = warnings
        self.restartNeeded = restartNeeded
    }
}

public struct MatchReport: Hashable, Sendable {
    public struct Pattern: Hashable, Sendable {
        public var tracker: String
        public var pattern: String
        public var matches: Bool

        public init(tracker: String, pattern: String, matches: Bool) {
            self.tracker = tracker
            self.pattern = pattern
            self.matches = matches
        }
    }

    public var matchedTracker: String
    /// All of the configuration, in its order.
    public var patterns: [Pattern]

    public init(matchedTracker: String, patterns: [Pattern]) {
        self.matchedTracker = matchedTracker
        self.patterns = patterns
    }
}

public struct HistoryEntry: Hashable, Sendable {
    public enum State: String, CaseIterable, Sendable { case open, confirmed, failed, drifted, gone }

    public var id: Int64
    public var batch: Int64
    public var at: Double
    public var instance: String
    public var torrent: TorrentID
    public var tracker: String
    public var from: UploadLimit
    public var to: UploadLimit
    /// `ChangeReason.rawValue`, or that of a version that knew others.
    public var reason: String
    public var state: State

    public init(
        id: Int64, batch: Int64, at: Double, instance: String, torrent: TorrentID, tracker: String,
        from: UploadLimit, to: UploadLimit, reason: String, state: State
    ) {
        self.id = id
        self.batch = batch
        self.at = at
        self.instance = instance
        self.torrent = torrent
        self.tracker = tracker
        self.from = from
        self.to = to
        self.reason = reason
        self.state = state
    }
}
