public import LimitPlanning
public import SwarmTypes

/// The numbers behind `GET /metrics`. Labels come from the configuration and from closed sets only: a
/// tracker's id, an instance's name, a reason. Never a URL (it carries a passkey), never a torrent.
public struct MetricsSnapshot: Sendable {
    public struct Tracker: Sendable {
        public var id: String
        public var cap: UploadLimit
        public var effectiveCap: UploadLimit
        public var uploadRate: ByteRate
        /// The limits in force added up, over every torrent of the tracker that can upload.
        public var sumOfLimits: UploadLimit
        public var torrents: Int
        public var activeTorrents: Int

        public init(
            id: String, cap: UploadLimit, effectiveCap: UploadLimit, uploadRate: ByteRate,
            sumOfLimits: UploadLimit, torrents: Int, activeTorrents: Int
        ) {
            self.id = id
            self.cap = cap
            self.effectiveCap = effectiveCap
            self.uploadRate = uploadRate
            self.sumOfLimits = sumOfLimits
            self.torrents = torrents
            self.activeTorrents = activeTorrents
        }
    }

    public struct Instance: Sendable {
        public var name: String
        public var isReachable = false
        /// No log-in is tried until the credentials change.
        public var isLoginBlocked = false
        public var torrents = 0
        public var apiRequests: Int64 = 0
        public var apiFailures: Int64 = 0
        public var restartsDetected: Int64 = 0

        public init(name: String) { self.name = name }
    }

    /// How a cycle ended.
    public enum CycleOutcome: String, CaseIterable, Hashable, Sendable {
        case applied, unchanged, skipped, refused, undetermined, drifted
        case dryRun = "dry_run"
    }

    public var trackers: [Tracker] = []
    public var instances: [Instance] = []
    public var cycles: [CycleOutcome: Int64] = [:]
    public var cycleSecondsTotal: Double = 0
    public var lastCycleDuration: Double?
    public var lastCycleTime: Double?
    public var limitsApplied: [ChangeReason: Int64] = [:]
    /// Limits that the user or another program changed.
    public var driftsSeen: Int64 = 0
    public var journalFailures: Int64 = 0
    public var openIntents = 0
    public var hooksAccepted: Int64 = 0
    public var hooksRefused: Int64 = 0
    public var isPaused = false
    public var isDryRun = false
    public var uptimeSeconds: Double = 0

    public init() {}
}
