import JSONValues
public import SwarmTypes
public import TorrentCatalog

/// A torrent of a governed qBittorrent, as it is shown.
public struct GovernedRow: Hashable, Sendable {
    public var id: TorrentID
    /// The instance's name.
    public var instance: String
    /// Empty until qBittorrent was asked for it. Hostile text, as the next two.
    public var name = ""
    public var category = ""
    public var tags: [String] = []
    public var state: TorrentActivity
    public var size: Int64?
    /// The configured tracker's id; nil until it is known.
    public var tracker: String?
    public var reason: GovernedReason
    public var rate: ByteRate
    public var limit: UploadLimit
    /// From before Weir first touched it; nil when Weir has no claim on it.
    public var original: UploadLimit?
    public var leeches: Int32 = 0
    public var seeds: Int32 = 0
    /// Seconds since 1970.
    public var lastActivity: Int64?
    /// Read by the last poll; else all of this is from the last good one.
    public var isCurrent = true

    public init(
        id: TorrentID, instance: String, state: TorrentActivity, tracker: String?, reason: GovernedReason,
        rate: ByteRate, limit: UploadLimit, original: UploadLimit? = nil
    ) {
        self.id = id
        self.instance = instance
        self.state = state
        self.tracker = tracker
        self.reason = reason
        self.rate = rate
        self.limit = limit
        self.original = original
    }

    public var key: Key { Key(instance: self.instance, id: self.id) }

    /// The same torrent may be in several instances, and in Weir's own engine.
    public struct Key: Hashable, Sendable {
        public var instance: String
        public var id: TorrentID

        public init(instance: String, id: TorrentID) {
            self.instance = instance
            self.id = id
        }

        /// As the page names it.
        public var text: String { "\(self.id.hex)@\(self.instance)" }
    }
}

/// Why a governed torrent has the limit that it has. Raw values are stable.
public enum GovernedReason: String, CaseIterable, Hashable, Sendable {
    case newcomer, share, idle, uncapped, inactive, rollback, relax, given, waiting, stopped, unplaced
    case overCap = "over_cap"
    case wokeUp = "woke_up"
    case leftRollout = "left_rollout"
    case userLimit = "user_limit"
    case noCap = "no_cap"
    case outsideRollout = "outside_rollout"

    public var meaning: String {
        switch self {
        case .newcomer: "new under this cap: a first share of it"
        case .share: "its share of the tracker's cap"
        case .overCap: "cut, because the limits added up to more than the cap"
        case .idle: "idle: it keeps a small limit, so that others of this tracker have its share"
        case .wokeUp: "was idle and uploads again: a share of the cap"
        case .given: "a share of the cap, given before Weir started this time"
        case .relax: "an equal share, left behind when Weir stopped"
        case .uncapped, .noCap: "its tracker has no cap: Weir leaves its limit alone"
        case .leftRollout, .outsideRollout: "not part of the rollout: Weir leaves its limit alone"
        case .inactive: "stopped uploading: its own limit came back"
        case .rollback: "rolled back: its own limit came back"
        case .userLimit: "a limit that you set yourself, below the cap: Weir respects it"
        case .waiting: "waits for its share of the cap"
        case .stopped: "stopped or broken in qBittorrent: it cannot upload, and needs no limit"
        case .unplaced: "Weir does not know yet which tracker it belongs to"
        }
    }

    /// Whether the limit is one that Weir has set.
    var isGiven: Bool {
        switch self {
        case .newcomer, .share, .overCap, .idle, .wokeUp, .given, .relax: true
        default: false
        }
    }
}

extension JSONWriter {
    /// In the order of `torrentColumns`; what only the engine knows is null.
    mutating func row(_ torrent: GovernedRow) {
        self.array { json in
            json.string(torrent.key.text)
            json.string(torrent.name.isEmpty ? torrent.id.hex : torrent.name)
            json.string(torrent.state.rawValue)
            json.null()
            json.whole(torrent.size)
            // How much of it is there, only a seed says.
            json.whole(torrent.state == .seeding ? torrent.size : nil)
            json.integer(0)
            json.integer(torrent.rate.bytesPerSecond)
            for _ in 0..<3 { json.null() }
            json.integer(Int64(torrent.seeds))
            json.integer(Int64(torrent.leeches))
            json.null()
            json.null()
            json.string(torrent.category)
            json.array { json in for tag in torrent.tags { json.string(tag) } }
            json.string("")
            json.text(torrent.tracker)
            json.null()
            json.null()
            json.whole(torrent.lastActivity)
            json.integer(torrent.limit.rate?.bytesPerSecond ?? -1)
            for _ in 0..<3 { json.null() }
            json.string(torrent.instance)
            json.string(torrent.reason.rawValue)
        }
    }
}
