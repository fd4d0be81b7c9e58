public import SwarmTypes

/// What planning remembers from one cycle to the next. A fresh one is always safe to plan with.
public struct PlanningState: Sendable {
    /// `soft`: each tracker's smoothed cap by tracker id, in bytes per second.
    public var smoothedCaps: [String: Double] = [:]
    /// `soft`: trackers whose smoothed cap has arrived at the computed one; small moves leave it there.
    var settledCaps: Set<String> = []
    /// `soft`: when the caps were last smoothed, and what became of them.
    var smoothedAt: Instant?
    var lending: [String: LendingMemory] = [:]

    /// `adaptive`: only torrents that upload are remembered; one that is not was idle.
    var torrents: [TorrentKey: TorrentMemory] = [:]
    var trackers: [String: TrackerMemory] = [:]
    var plannedAt: Instant?

    public init() {}

    /// Drops what only `adaptive` uses.
    mutating func forgetAdaptive() {
        self.torrents = [:]
        self.trackers = [:]
        self.plannedAt = nil
    }
}

extension PlanningState {
    /// Nil for a torrent that was idle or is not known.
    public subscript(adaptive key: TorrentKey) -> AdaptiveMemory? {
        get { self.torrents[key].map(AdaptiveMemory.init) }
        set { self.torrents[key] = newValue.map(TorrentMemory.init) }
    }

    /// The torrents that `adaptive` remembers, in no order.
    public var adaptiveKeys: some Collection<TorrentKey> { self.torrents.keys }
}

/// What `adaptive` remembers of a tracker.
struct TrackerMemory: Sendable {
    var budget = MeasuredBudget()
    /// The wants of the last 30 s that no later one reaches, oldest (and largest) first.
    private(set) var wants: [(at: Instant, want: Int64)] = []
    /// For how many cycles its changes have been put off.
    var age = 0
    var effectiveCap: Int64 = 0

    /// The largest want of the last 30 s; nil before the first.
    var want: Int64? { self.wants.first?.want }

    mutating func recordWant(_ want: Int64, at now: Instant) {
        self.wants.removeAll { now.seconds(since: $0.at) >= 30 || $0.want <= want }
        self.wants.append((now, want))
    }
}

/// What `soft` remembers of a tracker.
struct LendingMemory: Hashable, Sendable {
    var cap: Int64
    var effectiveCap: Int64
    /// It has filled a cap that was lowered for a loan: it lends with headroom from now on.
    var isCautious: Bool
}
