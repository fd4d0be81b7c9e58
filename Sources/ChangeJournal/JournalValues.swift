public import SQLiteStore
public import SwarmTypes

/// A time of day, for records that people read and for ages across restarts. Never for control: it may jump.
public struct WallTime: Hashable, Comparable, Sendable {
    public let millisecondsSince1970: Int64

    public init(millisecondsSince1970: Int64) { self.millisecondsSince1970 = millisecondsSince1970 }

    public static func < (left: Self, right: Self) -> Bool {
        left.millisecondsSince1970 < right.millisecondsSince1970
    }
}

/// A torrent in one client, by the client's configured name: places in the list may change between two runs,
/// names are what a record can rely on.
public struct JournalKey: Hashable, Comparable, Sendable {
    public var instance: String
    public var torrent: TorrentID

    public init(instance: String, torrent: TorrentID) {
        self.instance = instance
        self.torrent = torrent
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.instance, left.torrent) < (right.instance, right.torrent)
    }
}

/// A limit that is about to be set.
public struct JournalChange: Hashable, Sendable {
    public var key: JournalKey
    /// The tracker's configured id.
    public var tracker: String
    /// The limit in force now; it becomes the original of a torrent that has none.
    public var from: UploadLimit
    public var to: UploadLimit
    /// `ChangeReason.rawValue`.
    public var reason: String
    /// Whether this gives the torrent back: once confirmed, its original counts as restored.
    public var restoresOriginal: Bool

    public init(
        key: JournalKey, tracker: String, from: UploadLimit, to: UploadLimit, reason: String,
        restoresOriginal: Bool = false
    ) {
        self.key = key
        self.tracker = tracker
        self.from = from
        self.to = to
        self.reason = reason
        self.restoresOriginal = restoresOriginal
    }
}

/// What became of an intent. The raw values are stored.
public enum IntentState: Int64, CaseIterable, Hashable, Sendable {
    /// Recorded; whether it was sent is not known.
    case open = 0
    /// Read back from the client as wanted.
    case confirmed = 1
    /// Not sent, or refused: the old limit is in force.
    case failed = 2
    /// Neither the old nor the new limit was found.
    case drifted = 3
    /// The torrent had left the client.
    case gone = 4

    public var name: String {
        switch self {
        case .open: "open"
        case .confirmed: "confirmed"
        case .failed: "failed"
        case .drifted: "drifted"
        case .gone: "gone"
        }
    }
}

public struct IntentID: Hashable, Comparable, Sendable {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// The intents that one call of `begin` recorded.
public struct JournalBatch: Hashable, Sendable {
    public let id: Int64
    public let count: Int
    let first: Int64

    /// The intent of the change at `position` of the list that was begun.
    public func intent(_ position: Int) -> IntentID { IntentID(self.first + Int64(position)) }
}

public struct IntentOutcome: Hashable, Sendable {
    public var intent: IntentID
    public var state: IntentState

    public init(intent: IntentID, state: IntentState) {
        self.intent = intent
        self.state = state
    }
}

/// An intent as recorded.
public struct JournalEntry: Hashable, Sendable {
    public let intent: IntentID
    public let batch: Int64
    public let change: JournalChange
    public let at: WallTime
    public let state: IntentState
}

/// What is known of a torrent whose limit Weir has touched.
public struct OriginalLimit: Hashable, Sendable {
    public let key: JournalKey
    public let tracker: String
    /// The limit from before Weir first touched it.
    public let original: UploadLimit
    public let takenAt: WallTime
    /// The last limit that was confirmed as set by Weir; nil before the first.
    public let ours: UploadLimit?
    /// Whether the user or another program has changed the limit since, and Weir respects that.
    public let isForeign: Bool
    /// When the original was given back; nil while Weir answers for the torrent.
    public let restoredAt: WallTime?
}

public enum JournalFailure: Error, Hashable, Sendable {
    case store(StoreFailure)
    /// Outcomes for a batch must be as many as its changes.
    case outcomeCount(expected: Int, found: Int)
    /// A row that no version of Weir writes.
    case unreadableRow(table: String, detail: String)
}

extension JournalFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .store(let failure): failure.description
        case .outcomeCount(let expected, let found): "\(found) outcomes for a batch of \(expected) changes"
        case .unreadableRow(let table, let detail):
            "the journal's table \(table) has a row that cannot be read: \(detail)"
        }
    }
}
