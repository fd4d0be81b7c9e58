public import StallDiagnosis
public import SwarmTypes

/// A file of a torrent.
public struct FileLine: Hashable, Sendable {
    /// Its number in the torrent.
    public var number: Int
    /// Below the torrent's folder, with `/`; as people renamed it.
    public var path: String
    public var size: Int64
    /// Of it, proved to be right.
    public var done: Int64
    public var priority: FilePriority
    public var firstPiece: Int
    public var lastPiece: Int
    /// Of its pieces among the connected.
    public var availability: Double

    public init(
        number: Int, path: String, size: Int64, done: Int64 = 0, priority: FilePriority = .normal,
        firstPiece: Int, lastPiece: Int, availability: Double = 0
    ) {
        self.number = number
        self.path = path
        self.size = size
        self.done = done
        self.priority = priority
        self.firstPiece = firstPiece
        self.lastPiece = lastPiece
        self.availability = availability
    }
}

public enum FilePriority: String, Hashable, Sendable, CaseIterable {
    case skip, normal, high, highest
}

/// A tracker of a torrent.
public struct TrackerLine: Hashable, Sendable {
    public enum State: String, Hashable, Sendable, CaseIterable {
        case notContacted, announcing, working, failing, disabled
    }

    /// With its passkey: for its owner alone, never for a log.
    public var url: String
    public var tier: Int
    public var state: State
    /// The tracker's own words, or ours when it could not be reached. Hostile text.
    public var words: String
    public var seeds: Int?
    public var leechers: Int?
    public var downloads: Int?
    public var peersGiven: Int
    /// In a row.
    public var failures: Int
    public var nextAnnounceAt: Int64?
    public var lastAnnounceAt: Int64?

    public init(url: String, tier: Int, state: State, words: String = "") {
        self.url = url
        self.tier = tier
        self.state = state
        self.words = words
        self.peersGiven = 0
        self.failures = 0
    }
}

/// A connected peer, or one that we knew.
public struct PeerLine: Hashable, Sendable {
    public var address: PeerAddress
    /// As it says itself. Hostile text.
    public var client = ""
    public var source: PeerSource
    public var direction: ConnectionDirection
    public var isConnected = true
    public var isSeed = false
    public var isEncrypted = false
    /// From 0 to 1.
    public var progress = 0.0
    /// Of what it has, how much is wanted from it; from 0 to 1.
    public var relevance = 0.0
    public var upRate = ByteRate.zero
    public var downRate = ByteRate.zero
    public var uploaded: Int64 = 0
    public var downloaded: Int64 = 0
    public var amInterested = false
    public var isChokingUs = true
    public var isInterested = false
    public var amChoking = true
    public var isOptimistic = false
    public var isSnubbed = false
    /// Why it does not send, and why it gets nothing.
    public var receiving: PeerFinding?
    public var sending: PeerFinding?

    public init(address: PeerAddress, source: PeerSource, direction: ConnectionDirection) {
        self.address = address
        self.source = source
        self.direction = direction
    }
}

/// What there is of a piece.
public enum PieceStatus: UInt8, Hashable, Sendable {
    case missing = 0
    case underWay = 1
    case had = 2
}

/// Something that happened to a torrent, for its timeline.
public struct TorrentHappening: Hashable, Sendable {
    /// Seconds since 1970.
    public var at: Int64
    /// Stable, for programs.
    public var code: String
    public var text: String

    public init(at: Int64, code: String, text: String) {
        self.at = at
        self.code = code
        self.text = text
    }
}
