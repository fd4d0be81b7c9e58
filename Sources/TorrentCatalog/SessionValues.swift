public import SwarmTypes

/// What all torrents together do.
public struct SessionSummary: Hashable, Sendable {
    public var upRate = ByteRate.zero
    public var downRate = ByteRate.zero
    public var sessionUploaded: Int64 = 0
    public var sessionDownloaded: Int64 = 0
    public var allTimeUploaded: Int64 = 0
    public var allTimeDownloaded: Int64 = 0
    public var wasted: Int64 = 0
    public var connections = 0
    /// Of the usual folder's disk; nil when it cannot be asked.
    public var freeSpace: Int64?
    public var reachability = Reachability.unknown
    public var usesAlternativeLimits = false
    /// Those in force.
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    public var isQueueing = false
    public var listeningPort: UInt16?

    public enum Reachability: String, Hashable, Sendable {
        /// Peers have come to us.
        case reachable
        /// None has, so far.
        case unknown
        /// We do not even listen.
        case offline
    }

    public init() {}
}

/// What one tracker's cap does in the engine.
public struct CapLine: Hashable, Sendable {
    public var name: String
    public var limit: UploadLimit
    /// After borrowing and priorities.
    public var effective: UploadLimit
    public var rate: ByteRate
    public var torrents: Int
    public var active: Int

    public init(
        name: String, limit: UploadLimit, effective: UploadLimit, rate: ByteRate, torrents: Int, active: Int
    ) {
        self.name = name
        self.limit = limit
        self.effective = effective
        self.rate = rate
        self.torrents = torrents
        self.active = active
    }
}

public struct TorrentCategory: Hashable, Sendable {
    public var name: String
    /// Empty: the usual folder.
    public var directory: String

    public init(name: String, directory: String = "") {
        self.name = name
        self.directory = directory
    }

    private static let longestName = 200

    /// Whether a category may be called so: parts with slashes between them.
    public static func isName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return text.utf8.count <= self.longestName && parts.allSatisfy { !$0.isEmpty }
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
    }

    /// Whether a tag may be called so: anything without a comma.
    public static func isTag(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= self.longestName
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ",") }
    }
}

/// How the library runs: what people set once. All of it is kept.
public struct LibraryPreferences: Hashable, Sendable {
    /// Where torrents go that name no folder.
    public var directory: String
    public var startsStopped = false
    public var managesByDefault = false
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    public var alternativeUploadLimit = UploadLimit.bytesPerSecond(10 * 1024)
    public var alternativeDownloadLimit = UploadLimit.bytesPerSecond(10 * 1024)
    public var usesAlternativeLimits = false
    public var schedule: LimitSchedule?
    public var queue: QueueSettings?
    /// Those of torrents that have none of their own; `.inherited` counts as `.none`.
    public var shareLimits = ShareLimits()
    public var shareAction = ShareLimits.Action.stop
    public var maximumConnections = 500
    public var maximumPeersPerTorrent = 100
    /// 0: the system's choice.
    public var listeningPort: UInt16 = 0
    public var encryption = EncryptionPolicy.allow
    public var exchangesPeers = true
    public var mapsPort = false
    /// Space on the disk is taken before the first block of a torrent comes.
    public var reservesSpace = false
    /// Kept out under any port; their own is 0.
    public var bannedHosts: [PeerAddress] = []
    /// Folders whose .torrent and .magnet files are added.
    public var watchFolders: [String] = []

    public init(directory: String) { self.directory = directory }
}

/// When the alternative limits are in force, in local time.
public struct LimitSchedule: Hashable, Sendable {
    /// Minutes since midnight; to is exclusive. When `from` is later than `to` it goes over midnight, and when both are
    /// equal it is the whole day.
    public var from: Int
    public var to: Int
    /// Of the day on which it begins; 0 is Monday.
    public var days: Set<Int>

    public init(from: Int, to: Int, days: Set<Int>) {
        self.from = from
        self.to = to
        self.days = days
    }

    /// - Parameters:
    ///   - minute: since midnight
    ///   - day: 0 is Monday
    public func contains(minute: Int, day: Int) -> Bool {
        let yesterday = (day + 6) % 7
        if self.from < self.to { return self.days.contains(day) && minute >= self.from && minute < self.to }
        return self.days.contains(day) && minute >= self.from
            || self.days.contains(yesterday) && minute < self.to
    }
}

/// How many torrents may be active; nil is any number.
public struct QueueSettings: Hashable, Sendable {
    public var downloads: Int?
    public var uploads: Int?
    public var torrents: Int?
    public var ignoresSlow = false

    public init(downloads: Int? = 3, uploads: Int? = 3, torrents: Int? = 5) {
        self.downloads = downloads
        self.uploads = uploads
        self.torrents = torrents
    }
}
