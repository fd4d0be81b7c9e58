public import SwarmTypes

/// Why a limit changes. Its raw value is what the journal, the log and the API show.
public enum ChangeReason: String, CaseIterable, Hashable, Sendable {
    /// Seen for the first time, or unlimited on a capped tracker.
    case newcomer
    /// A new share of the cap.
    case share
    /// Cut because the limits added up to more than the cap.
    case overCap = "over_cap"
    /// Idle: lowered to the floor so that others can have its share.
    case idle
    /// Was idle and uploads again.
    case wokeUp = "woke_up"
    /// Its tracker has no cap: the original limit comes back.
    case uncapped
    /// Left the rollout: the original limit comes back.
    case leftRollout = "left_rollout"
    /// Stopped uploading: the original limit comes back (`auto_unlimit_on_inactive`).
    case inactive
    /// Rolled back to the original limit.
    case rollback
    /// Weir stops: an equal share of the cap stays behind.
    case relax
}

public struct LimitChange: Hashable, Sendable {
    public var key: TorrentKey
    /// Index into the input's trackers.
    public var tracker: Int
    public var from: UploadLimit
    public var to: UploadLimit
    public var reason: ChangeReason

    public init(key: TorrentKey, tracker: Int, from: UploadLimit, to: UploadLimit, reason: ChangeReason) {
        self.key = key
        self.tracker = tracker
        self.from = from
        self.to = to
        self.reason = reason
    }

    public var isDecrease: Bool { self.to < self.from }
}

/// One limit for many torrents: one request to each client that has any of them.
public struct LimitCall: Hashable, Sendable {
    public var limit: UploadLimit
    public var isDecrease: Bool
    /// Indices into `Plan.changes`, ascending.
    public var changes: [Int]

    public init(limit: UploadLimit, isDecrease: Bool, changes: [Int]) {
        self.limit = limit
        self.isDecrease = isDecrease
        self.changes = changes
    }
}

/// What the plan means for one tracker.
public struct TrackerOutcome: Hashable, Sendable {
    public var id: String
    public var baseCap: UploadLimit
    /// The cap after borrowing and smoothing; equal to `baseCap` where nothing is borrowed.
    public var effectiveCap: UploadLimit
    public var torrents: Int
    public var activeTorrents: Int
    public var uploadRate: ByteRate
    /// The limits in force added up, over every torrent that can upload; unlimited as soon as one is.
    public var sumBefore: UploadLimit
    public var sumAfter: UploadLimit

    public init(
        id: String, baseCap: UploadLimit, effectiveCap: UploadLimit, torrents: Int, activeTorrents: Int,
        uploadRate: ByteRate, sumBefore: UploadLimit, sumAfter: UploadLimit
    ) {
        self.id = id
        self.baseCap = baseCap
        self.effectiveCap = effectiveCap
        self.torrents = torrents
        self.activeTorrents = activeTorrents
        self.uploadRate = uploadRate
        self.sumBefore = sumBefore
        self.sumAfter = sumAfter
    }

    /// What the effective cap is above the base cap.
    public var borrowed: ByteRate {
        guard let base = self.baseCap.rate, let effective = self.effectiveCap.rate else { return .zero }
        return ByteRate(bytesPerSecond: effective.bytesPerSecond - base.bytesPerSecond)
    }
}

/// What a cycle would do: the one value that is previewed, journaled and applied.
public struct Plan: Sendable {
    public var strategy: AllocationStrategy
    /// How many torrents were considered for a share of their own.
    public var considered: Int
    public var trackers: [TrackerOutcome]
    /// By key.
    public var changes: [LimitChange]
    /// In the order of sending: every decrease (by value), then every increase (by value).
    public var calls: [LimitCall]

    public init(
        strategy: AllocationStrategy, considered: Int = 0, trackers: [TrackerOutcome] = [],
        changes: [LimitChange] = [], calls: [LimitCall] = []
    ) {
        self.strategy = strategy
        self.considered = considered
        self.trackers = trackers
        self.changes = changes
        self.calls = calls
    }
}
