public import SwarmTypes

/// How far the limits of a tracker may add up beyond its cap, because not every torrent uses its own.
public enum Oversubscription: Hashable, Sendable {
    /// In thousandths of the cap: 1000 is strict (the sum never exceeds the cap), 1100 allows a tenth more.
    case thousandths(Int)
    /// Only the measured sum is held under the cap.
    case statistical

    public static let strict = Oversubscription.thousandths(1000)
}

/// A configured tracker, in the order of the configuration.
public struct GovernedTracker: Hashable, Sendable {
    public var id: String
    public var cap: UploadLimit
    /// 1...10; the weight in borrowing.
    public var priority: Int
    /// `adaptive` only.
    public var oversubscription: Oversubscription
    /// `adaptive` only: what the tracker may borrow from idle ones, in thousandths of its own cap; 0 is none.
    public var borrowThousandths: Int
    /// The cap is a part of a larger one, and moves: the limits follow it up as soon as a torrent fills its own, however
    /// little each of them gains.
    public var isShared = false

    public init(
        id: String, cap: UploadLimit, priority: Int = 1, oversubscription: Oversubscription = .strict,
        borrowThousandths: Int = 0
    ) {
        self.id = id
        self.cap = cap
        self.priority = priority
        self.oversubscription = oversubscription
        self.borrowThousandths = borrowThousandths
    }
}

/// What the planner may do with a torrent's limit.
public enum TorrentStanding: Hashable, Sendable {
    /// Its limit is ours to set.
    case governed
    /// Its limit counts against the cap but must not be changed: its client is unreachable, or its limit is
    /// one that the user set and Weir respects. An unlimited one counts with its upload rate.
    case held
}

/// A torrent that can upload, as last seen. Stopped and broken torrents are not in a plan's input.
public struct PlanningTorrent: Hashable, Sendable {
    public var key: TorrentKey
    /// Index into `PlanningInput.trackers`.
    public var tracker: Int
    public var uploadRate: ByteRate
    /// The limit in force in the client.
    public var limit: UploadLimit
    /// The limit from before Weir first touched the torrent; nil when it never has.
    public var original: UploadLimit?
    public var leeches: Int32
    public var seeds: Int32
    /// Seconds since the torrent last moved payload; nil when it never has.
    public var lastActivityAgeSeconds: Int64?
    public var standing: TorrentStanding
    /// Whoever observed it says that it is active, whatever its rate reads: `equal`, `weighted` and `soft` give it a
    /// share of its own. Otherwise the rate decides.
    public var isUploading: Bool

    public init(
        key: TorrentKey, tracker: Int, uploadRate: ByteRate, limit: UploadLimit, original: UploadLimit? = nil,
        leeches: Int32 = 0, seeds: Int32 = 0, lastActivityAgeSeconds: Int64? = nil,
        standing: TorrentStanding = .governed, isUploading: Bool = false
    ) {
        self.key = key
        self.tracker = tracker
        self.uploadRate = uploadRate
        self.limit = limit
        self.original = original
        self.leeches = leeches
        self.seeds = seeds
        self.lastActivityAgeSeconds = lastActivityAgeSeconds
        self.standing = standing
        self.isUploading = isUploading
    }
}

/// Everything a plan depends on, beside `PlanningState` and the settings.
public struct PlanningInput: Sendable {
    public var trackers: [GovernedTracker]
    /// In any order; the plan does not depend on it (ties go by key).
    public var torrents: [PlanningTorrent]

    public init(trackers: [GovernedTracker], torrents: [PlanningTorrent]) {
        self.trackers = trackers
        self.torrents = torrents
    }
}

public enum AllocationStrategy: String, CaseIterable, Hashable, Sendable {
    case equal, weighted, soft, adaptive
}

/// How much of a plan a cycle may carry out.
public enum PlanningScope: Hashable, Sendable {
    /// Every tracker is planned anew.
    case full
    /// Between two full plans: `equal`, `weighted` and `soft` re-plan only the trackers that need it now (an
    /// unlimited or new torrent, a torrent that woke up, a sum above the cap). `adaptive` is always full.
    case urgent
}

/// The numbers of the configuration's `global` section that planning reads.
public struct PlanningSettings: Hashable, Sendable {
    public var strategy: AllocationStrategy = .equal
    /// A torrent at or above this rate is active.
    public var activeThreshold = ByteRate(bytesPerSecond: 10 * 1024)
    /// The relative change, in thousandths, below which a limit of 1 MiB/s and more is left as it is.
    public var differentialThresholdThousandths = 200
    /// At most so many torrents of all trackers get a share of their own with `weighted`.
    public var maximumManagedTorrents = 1000
    /// At most so many distinct (limit, direction) calls in a plan, beside those that give originals back;
    /// `nil` for no bound. Below a few for each tracker it cannot be kept.
    public var maximumCalls: Int? = 500
    /// At most so many changed torrents in an `adaptive` cycle once more than 500 torrents are active; each one
    /// costs the client a write of its resume data.
    public var changeBudget = 250
    public var borrowThreshold = 0.9
    public var maximumBorrowFraction = 0.5
    public var smoothingAlpha = 0.4
    public var minimumEffectiveDelta = 0.1
    /// Gives a torrent that stopped uploading its original limit back (`auto_unlimit_on_inactive`). What it may
    /// then take still counts: it applies only to torrents whose original limit fits under the cap.
    public var restoresInactive = false
    /// Whether the client counts protocol overhead in its limits (`limit_tcp_overhead`): lowers the rate at
    /// which a torrent is taken to fill its limit.
    public var limitsIncludeOverhead = false
    /// `adaptive`: whether demand is judged by several cycles together, because clients send blocks of 16 KiB and
    /// swing around their limits. Without it each cycle is judged by itself.
    public var weighsBursts = false

    public init() {}
}
