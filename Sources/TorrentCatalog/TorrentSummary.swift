public import StallDiagnosis
public import SwarmTypes

/// One line of the list of torrents: all that a list, a filter or a governor asks for.
///
/// Sizes are bytes, times seconds since 1970, durations seconds.
public struct TorrentSummary: Hashable, Sendable {
    public var id: TorrentID
    /// 40 hex digits; empty where the torrent has none.
    public var infoHashV1 = ""
    /// 64 hex digits; empty where the torrent has none.
    public var infoHashV2 = ""
    public var name: String
    public var state: TorrentActivity
    /// Why it does not move, when it should; nil while nothing is wrong.
    public var trouble: TorrentTrouble?

    // Where it lies.
    /// The folder that holds its file or its folder.
    public var directory = ""
    /// Its file, or its folder when it has several files.
    public var contentPath = ""
    /// Empty for a torrent of one file.
    public var rootPath = ""

    // How people sort it.
    public var category = ""
    /// Sorted, without repetition.
    public var tags: [String] = []
    public var comment = ""
    public var creator = ""
    public var createdAt: Int64?
    /// Nil until the metadata is known.
    public var isPrivate: Bool?
    public var magnet = ""

    // How much of it there is.
    public var totalSize: Int64 = 0
    /// Of the files that are wanted.
    public var wantedSize: Int64 = 0
    /// Of what is wanted, proved to be right.
    public var wantedDone: Int64 = 0
    public var done: Int64 = 0
    public var pieceLength: Int64 = 0
    public var pieceCount = 0
    public var piecesHad = 0
    public var hasMetadata = false

    // What moved.
    public var uploaded: Int64 = 0
    public var downloaded: Int64 = 0
    public var sessionUploaded: Int64 = 0
    public var sessionDownloaded: Int64 = 0
    /// Fetched for nothing: corrupt or twice.
    public var wasted: Int64 = 0
    public var upRate = ByteRate.zero
    public var downRate = ByteRate.zero

    // The swarm.
    public var connectedSeeds = 0
    public var connectedLeechers = 0
    /// As the trackers say; nil while none has said.
    public var swarmSeeds: Int?
    public var swarmLeechers: Int?
    /// Distributed copies among the connected; nil while it seeds or is stopped.
    public var availability: Double?

    // Trackers.
    /// The tracker that worked last; else the first; empty without any.
    public var tracker = ""
    public var trackers: [String] = []
    /// The name of the configured tracker whose cap it shares; nil without one.
    public var capName: String?
    public var nextAnnounceAt: Int64?

    // Times.
    public var addedAt: Int64 = 0
    public var completedAt: Int64?
    public var lastActivityAt: Int64?
    public var seenCompleteAt: Int64?
    public var activeSeconds: Int64 = 0
    public var seedingSeconds: Int64 = 0

    // What was asked of it.
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    public var shareLimits = ShareLimits()
    /// What applies to it, its own or that of all.
    public var effectiveShareLimits = ShareLimits()
    /// From 1; nil when the queue is off or it seeds.
    public var queuePosition: Int?
    public var isForced = false
    public var isSequential = false
    public var wantsEndsFirst = false
    public var isSuperSeeding = false
    /// Its folder follows its category.
    public var isManaged = false

    public init(id: TorrentID, name: String, state: TorrentActivity) {
        self.id = id
        self.name = name
        self.state = state
    }

    public var isComplete: Bool { self.hasMetadata && self.wantedDone >= self.wantedSize }

    /// From 0 to 1.
    public var progress: Double {
        guard self.hasMetadata else { return 0 }
        return self.wantedSize > 0 ? Double(self.wantedDone) / Double(self.wantedSize) : 1
    }

    /// Uploaded by downloaded; by the size where nothing was downloaded. Nil is infinite.
    public var ratio: Double? {
        let base = self.downloaded > 0 ? self.downloaded : self.done
        guard base > 0 else { return self.uploaded > 0 ? nil : 0 }
        return Double(self.uploaded) / Double(base)
    }

    /// Until what is wanted is there; nil when nobody can say.
    public var remainingSeconds: Int64? {
        let rate = self.downRate.bytesPerSecond
        guard !self.isComplete, self.hasMetadata, rate > 0 else { return nil }
        return (self.wantedSize - self.wantedDone) / rate
    }
}

/// What a torrent does.
public enum TorrentActivity: String, Hashable, Sendable, CaseIterable {
    case stopped, queued, checking, checkingAtStart, metadata, downloading, seeding, moving, missingFiles,
        failed
}

/// Why a torrent does not move.
public struct TorrentTrouble: Hashable, Sendable {
    public var code: VerdictCode
    public var severity: Severity
    /// One plain sentence.
    public var headline: String
    /// Since when, seconds since 1970.
    public var since: Int64

    public init(code: VerdictCode, severity: Severity, headline: String, since: Int64) {
        self.code = code
        self.severity = severity
        self.headline = headline
        self.since = since
    }
}

/// When a torrent has given enough.
public struct ShareLimits: Hashable, Sendable {
    public enum Bound<Value: Hashable & Sendable>: Hashable, Sendable {
        /// As set for all torrents.
        case inherited
        case none
        case value(Value)
    }

    public enum Action: String, Hashable, Sendable, CaseIterable {
        case stop, remove, removeWithFiles, superSeed
    }

    public var ratio = Bound<Double>.inherited
    /// Minutes of seeding.
    public var seedingMinutes = Bound<Int64>.inherited
    /// Minutes without upload or download while seeding.
    public var inactiveMinutes = Bound<Int64>.inherited

    public init() {}
}
