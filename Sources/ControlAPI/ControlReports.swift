public import LimitPlanning
public import SwarmTypes

// Times of day are seconds since 1970, durations are seconds.

public struct HealthReport: Hashable, Sendable {
    public enum Status: String, CaseIterable, Sendable { case starting, healthy, degraded, unhealthy }

    public var status: Status = .starting
    /// Why it is not healthy, in words for people.
    public var problems: [String] = []
    public var uptimeSeconds: Double = 0
    public var lastCycleTime: Double?
    public var lastCycleDuration: Double?
    public var rolloutPercentage = 100
    public var updateInterval = 300
    public var isDryRun = false
    public var isPaused = false
    public var activeTorrents = 0
    public var managedTorrents = 0
    /// Every call to any client that belonged to the cycle.
    public var apiCallsLastCycle = 0

    public init() {}
}

public struct StatisticsReport: Hashable, Sendable {
    /// How many torrents look how lively, by activity score: at least 0.8, 0.5, 0.2, below.
    public struct Scores: Hashable, Sendable {
        public var high = 0, medium = 0, low = 0, ignored = 0

        public init() {}
    }

    /// The tracker matcher's memory.
    public struct MatchCache: Hashable, Sendable {
        public var size = 0, hits = 0, misses = 0, patternMatches = 0, failedMatches = 0

        public init() {}
    }

    public var allocationCycles = 0
    public var apiCallsLastCycle = 0
    public var torrentsProcessed = 0
    public var limitsApplied = 0
    public var errors = 0
    public var lastCycleTime: Double?
    public var lastCycleDuration: Double?
    public var activeTorrents = 0
    public var managedTorrents = 0
    public var scores = Scores()
    /// How many torrents may be managed at once.
    public var capacity = 0
    public var rolloutPercentage = 100
    public var matchCache = MatchCache()
    /// Resident memory of the process.
    public var memoryBytes: Int64 = 0
    public var strategy: AllocationStrategy = .equal
    public var isDryRun = false
    public var isPaused = false

    public init() {}
}

public struct TrackerReport: Hashable, Sendable {
    public var id: String
    public var name: String
    public var priority: Int
    public var cap: UploadLimit
    /// With what it has borrowed.
    public var effectiveCap: UploadLimit
    public var torrents: Int
    public var activeTorrents: Int
    public var uploadRate: ByteRate

    public init(
        id: String, name: String, priority: Int, cap: UploadLimit, effectiveCap: UploadLimit, torrents: Int,
        activeTorrents: Int, uploadRate: ByteRate
    ) {
        self.id = id
        self.name = name
        self.priority = priority
        self.cap = cap
        self.effectiveCap = effectiveCap
        self.torrents = torrents
        self.activeTorrents = activeTorrents
        self.uploadRate = uploadRate
    }
}

public struct ManagedReport: Sendable {
    public struct Torrent: Hashable, Sendable {
        public var id: TorrentID
        public var instance: String
        public var limit: UploadLimit
        /// When Weir first saw it.
        public var addedAt: Double
        public var lastSeen: Double

        public init(id: TorrentID, instance: String, limit: UploadLimit, addedAt: Double, lastSeen: Double) {
            self.id = id
            self.instance = instance
            self.limit = limit
            self.addedAt = addedAt
            self.lastSeen = lastSeen
        }
    }

    public var generatedAt: Double
    public var trackers: [(id: String, torrents: [Torrent])]

    public init(generatedAt: Double, trackers: [(id: String, torrents: [Torrent])]) {
        self.generatedAt = generatedAt
        self.trackers = trackers
    }
}

public struct InstanceReport: Hashable, Sendable {
    public var name: String
    /// Without credentials.
    public var url: String
    public var isReachable: Bool
    /// Nil until it was asked.
    public var version: String?
    public var webAPIVersion: String?
    public var torrents: Int
    public var lastSeen: Double?
    /// Why it cannot be reached or used, and what to do.
    public var problem: String?
    /// No log-in is tried until the credentials change.
    public var isLoginBlocked = false
    public var restarts = 0
    /// Limits that were not as Weir had set them, since the start.
    public var drifts = 0
    /// When a limit was last confirmed there.
    public var lastApplied: Double?
    /// Changes that were sent and not confirmed yet.
    public var openIntents = 0

    public init(
        name: String, url: String, isReachable: Bool, version: String? = nil, webAPIVersion: String? = nil,
        torrents: Int = 0, lastSeen: Double? = nil, problem: String? = nil
    ) {
        self.name = name
        self.url = url
        self.isReachable = isReachable
        self.version = version
        self.webAPIVersion = webAPIVersion
        self.torrents = torrents
        self.lastSeen = lastSeen
        self.problem = problem
    }
}
