public import LimitPlanning
public import SwarmTypes

// What the governor needs from the world. Adapters stand in ServiceAssembly; tests script them.

/// Why a client gave no answer that can be used.
public enum ClientProblem: Error, Hashable, Sendable {
    /// No connection, no answer in time, or the answer broke off.
    case unreachable(String)
    /// The client answers, but does not let Weir in; nothing helps until the credentials change.
    case refused(String)
    /// The client answers with something that is not to be believed.
    case faulty(String)

    public var message: String {
        switch self {
        case .unreachable(let text), .refused(let text), .faulty(let text): text
        }
    }
}

public enum PollDepth: Sendable {
    /// Whatever is cheapest for this version and still shows every upload.
    case cheap
    /// Every torrent is read anew.
    case full
}

/// What a poll noticed beside the torrents themselves.
public struct PollNotice: Hashable, Sendable {
    /// The client was restarted since the poll before: limits may have been lost.
    public var restarted: Bool
    /// The client counts protocol overhead in its limits.
    public var limitsIncludeOverhead: Bool
    /// Torrent objects that could not be understood and were left out.
    public var malformed: Int

    public init(restarted: Bool = false, limitsIncludeOverhead: Bool = false, malformed: Int = 0) {
        self.restarted = restarted
        self.limitsIncludeOverhead = limitsIncludeOverhead
        self.malformed = malformed
    }
}

/// A torrent as a client shows it.
public struct SeenTorrent: Hashable, Sendable {
    public var id: TorrentID
    /// Index of its list of announce URLs.
    public var trackerSet: Int32
    public var leeches: Int32
    public var seeds: Int32
    public var uploadRate: ByteRate
    /// Payload bytes between the last two good polls.
    public var sentSincePoll: Int64
    public var limit: UploadLimit
    /// Seconds since 1970; 0 when it never moved anything.
    public var lastActivity: Int64
    /// False for stopped and broken torrents.
    public var canUpload: Bool

    public init(
        id: TorrentID, trackerSet: Int32, leeches: Int32 = 0, seeds: Int32 = 0, uploadRate: ByteRate,
        sentSincePoll: Int64 = 0, limit: UploadLimit, lastActivity: Int64 = 0, canUpload: Bool = true
    ) {
        self.id = id
        self.trackerSet = trackerSet
        self.leeches = leeches
        self.seeds = seeds
        self.uploadRate = uploadRate
        self.sentSincePoll = sentSincePoll
        self.limit = limit
        self.lastActivity = lastActivity
        self.canUpload = canUpload
    }
}

/// All torrents of a client, as of its last good poll.
public struct SeenTorrents: Sendable {
    /// How many distinct lists of announce URLs there are; `trackerSets(from:)` tells them.
    public var trackerSetCount: Int
    /// An index of a list keeps its meaning as long as this stays the same.
    public var trackerSetsRevision: Int
    public var torrents: [SeenTorrent]

    public init(trackerSetCount: Int, trackerSetsRevision: Int = 0, torrents: [SeenTorrent]) {
        self.trackerSetCount = trackerSetCount
        self.trackerSetsRevision = trackerSetsRevision
        self.torrents = torrents
    }
}

/// One governed BitTorrent client.
public protocol GovernedClient: Sendable {
    /// As configured; it names the client in the journal.
    nonisolated var name: String { get }

    /// Reads the client. After a throw the torrents are those of the last good poll.
    func poll(_ depth: PollDepth, hints: [TorrentID]) async throws(ClientProblem) -> PollNotice

    func torrents() async -> SeenTorrents

    /// The lists of announce URLs from an index on.
    func trackerSets(from index: Int) async -> [[String]]

    /// The announce URL that stands for a torrent with several trackers, by their present state; nil when it has
    /// no real tracker or is gone.
    func currentTracker(of id: TorrentID) async throws(ClientProblem) -> String?

    func setUploadLimit(_ limit: UploadLimit, on ids: [TorrentID]) async throws(ClientProblem)

    /// The limits in force. A torrent that is missing from the answer is gone.
    func uploadLimits(of ids: [TorrentID]) async throws(ClientProblem) -> [TorrentID: UploadLimit]

    /// Requests sent so far.
    func requestCount() async -> Int
}

/// Finds the configured tracker for an announce URL.
public protocol TrackerMatching: Sendable {
    /// Index into the configured trackers. The empty text is a torrent without tracker.
    func tracker(for url: String) -> Int
}

/// Why the journal could not take or give something.
public struct JournalProblem: Error, Hashable, Sendable {
    public var message: String

    public init(message: String) { self.message = message }
}

/// What the journal knows of a torrent from earlier runs.
public struct RememberedTorrent: Hashable, Sendable {
    public var key: TorrentKey
    /// The id of the configured tracker it belonged to.
    public var trackerID: String
    /// The limit from before Weir first touched it; nil once it was given back.
    public var original: UploadLimit?
    /// The limit Weir last set and saw in force.
    public var ours: UploadLimit?
    /// The user's own limit stands, and Weir respects it.
    public var isForeign: Bool
    /// When Weir first touched it, in seconds since 1970.
    public var takenAt: Int64

    public init(
        key: TorrentKey, trackerID: String, original: UploadLimit?, ours: UploadLimit?, isForeign: Bool,
        takenAt: Int64 = 0
    ) {
        self.key = key
        self.trackerID = trackerID
        self.original = original
        self.ours = ours
        self.isForeign = isForeign
        self.takenAt = takenAt
    }
}

/// An intent whose outcome was never recorded: Weir died between sending and confirming.
public struct OpenIntent: Hashable, Sendable {
    /// The journal's number for it.
    public var intent: Int64
    public var key: TorrentKey
    public var from: UploadLimit
    public var to: UploadLimit
    public var reason: ChangeReason

    public init(intent: Int64, key: TorrentKey, from: UploadLimit, to: UploadLimit, reason: ChangeReason) {
        self.intent = intent
        self.key = key
        self.from = from
        self.to = to
        self.reason = reason
    }
}

public enum IntentEnding: String, CaseIterable, Hashable, Sendable {
    /// Read back as intended.
    case confirmed
    /// Never reached the client.
    case failed
    /// Another value was read back.
    case drifted
    /// The torrent is gone.
    case gone
}

/// The durable record. Each call is one transaction that is on disk when it returns; blocking, and used from
/// the governor's executor only.
public protocol ChangeJournaling {
    func remembered() throws(JournalProblem) -> [RememberedTorrent]
    func openIntents() throws(JournalProblem) -> [OpenIntent]
    /// Records what is about to be sent, and the original limit of each torrent that has none recorded. Answers
    /// the number of the first intent; the others follow in order.
    func begin(_ changes: [LimitChange], trackerIDs: [String]) throws(JournalProblem) -> Int64
    /// Records how intents ended. A confirmed change whose reason gives the original back ends Weir's claim on
    /// the torrent; any other becomes "ours".
    func close(_ endings: [(intent: Int64, ending: IntentEnding)]) throws(JournalProblem)
    /// The user's own limit stands from now on: there is nothing to give back any more.
    func markForeign(_ keys: [TorrentKey], _ isForeign: Bool) throws(JournalProblem)
    /// Ends Weir's claim on torrents without a change: they already are as they were.
    func release(_ keys: [TorrentKey]) throws(JournalProblem)
    /// Drops all that is known of torrents that are gone.
    func forget(_ keys: [TorrentKey]) throws(JournalProblem)
    /// Every torrent that Weir ever changed, also those given back since.
    func everTouched() throws(JournalProblem) -> [TorrentKey]
    func pause() throws(JournalProblem) -> PauseReason?
    func setPause(_ reason: PauseReason?) throws(JournalProblem)
    func rolloutOverride() throws(JournalProblem) -> Int?
    func setRolloutOverride(_ percentage: Int?) throws(JournalProblem)
}

/// Why Weir keeps its hands off.
public enum PauseReason: String, Hashable, Sendable {
    /// Somebody asked for it.
    case requested
    /// All limits were rolled back, and stay so until somebody resumes.
    case rolledBack = "rolled_back"
    /// All limits were removed (`/limits/reset`).
    case reset
}

extension ChangeReason {
    /// Whether a change of this kind hands the torrent back with the limit it had before.
    public var givesBack: Bool {
        switch self {
        case .uncapped, .leftRollout, .inactive, .rollback: true
        case .newcomer, .share, .overCap, .idle, .wokeUp, .relax: false
        }
    }
}
