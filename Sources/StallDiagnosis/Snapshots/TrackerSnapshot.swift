public import SwarmTypes

/// Why an announce failed.
public enum TrackerFailure: Hashable, Sendable {
    /// BEP 3's `failure reason`; the words are in the snapshot.
    case saidNo
    case nameNotFound
    case refused
    case unreachable
    case timedOut
    case certificate
    case httpStatus(Int)
    /// The answer was no announce answer.
    case badAnswer
    case other
}

public enum TrackerState: Hashable, Sendable {
    case notAsked
    case announcing
    case working
    case failing(TrackerFailure)
    /// Switched off by the user or by the torrent's state.
    case disabled
}

public struct TrackerSnapshot: Hashable, Sendable {
    /// With pass keys masked already.
    public var url: String
    public var state: TrackerState
    /// The tracker's own words, as they came: its failure or its warning; where it did not speak, what went wrong with
    /// reaching or reading it. Empty for none. Shown escaped.
    public var words = ""
    /// Addresses in the last good answer; nil before the first.
    public var peersReturned: Int?
    /// What the tracker counts; nil where it did not say.
    public var seeds: Int?
    public var leechers: Int?
    /// In a row.
    public var failures = 0
    public var nextAnnounce: Instant?

    public init(url: String, state: TrackerState) {
        self.url = url
        self.state = state
    }
}

/// What a tracker means by its words, as far as trackers have habits.
enum TrackerComplaint: Hashable {
    case unregistered, refusesClient, refusesAccount, other

    /// Reads at most the first 300 characters.
    init(_ words: String) {
        let text = String(words.prefix(300)).lowercased()
        func has(_ parts: String...) -> Bool { parts.contains { text.holds($0) } }
        if has(
            "unregistered", "not registered", "unknown torrent", "torrent not found", "infohash not found",
            "info hash not found", "info_hash not found", "torrent does not exist", "torrent doesn't exist",
            "not exist", "deleted", "trumped", "not authorized for use", "torrent is not")
        {
            self = .unregistered
        } else if has("client", "user agent", "user-agent", "peer id", "peer_id", "peer-id"),
            has(
                "ban", "not allowed", "not supported", "not accepted", "blacklist", "whitelist", "unknown",
                "forbidden", "not on", "isn't", "not permitted", "invalid")
        {
            self = .refusesClient
        } else if has(
            "passkey", "pass key", "authkey", "ratio", "account", "user ", "not logged", "disabled", "parked",
            "your ip", "too many", "limit", "already", "slot", "location", "permission", "unauthorized")
        {
            self = .refusesAccount
        } else {
            self = .other
        }
    }
}
