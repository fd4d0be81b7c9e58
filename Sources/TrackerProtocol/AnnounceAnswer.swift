public import SwarmTypes

/// What a tracker says to an announce that it took.
public struct AnnounceAnswer: Equatable, Sendable {
    /// The most peers kept of one answer; the first ones.
    public static let maximumPeers = 1000
    /// The longest body of an answer over HTTP.
    public static let maximumBytes = 2 << 20

    /// Usable addresses (`PeerAddress.isUsable`) in the tracker's order, of both families.
    public var peers: [PeerAddress]
    /// Seconds to the next announce, as the tracker wishes; nil when it does not say.
    public var interval: UInt32?
    /// Seconds in which it must not be asked again.
    public var minimumInterval: UInt32?
    public var counts: SwarmCounts
    /// What the tracker wants people to read though it answers.
    public var warning: TrackerText?
    /// To be brought along with each later announce.
    public var trackerID: [UInt8]?
    /// Ours, as the tracker sees it (BEP 24); its port is 0.
    public var externalAddress: PeerAddress?

    public init(
        peers: [PeerAddress] = [], interval: UInt32? = nil, minimumInterval: UInt32? = nil,
        counts: SwarmCounts = SwarmCounts(), warning: TrackerText? = nil, trackerID: [UInt8]? = nil,
        externalAddress: PeerAddress? = nil
    ) {
        self.peers = peers
        self.interval = interval
        self.minimumInterval = minimumInterval
        self.counts = counts
        self.warning = warning
        self.trackerID = trackerID
        self.externalAddress = externalAddress
    }

    mutating func keep(_ peer: PeerAddress) {
        if self.peers.count < Self.maximumPeers, peer.isUsable { self.peers.append(peer) }
    }
}

/// How many peers a tracker counts; nil where it does not say.
public struct SwarmCounts: Hashable, Sendable {
    public var seeds: UInt32?
    public var leeches: UInt32?
    /// How often the torrent was completed, ever.
    public var completions: UInt32?
    /// Leeches without partial seeds (BEP 21).
    public var downloaders: UInt32?

    public init(
        seeds: UInt32? = nil, leeches: UInt32? = nil, completions: UInt32? = nil, downloaders: UInt32? = nil
    ) {
        self.seeds = seeds
        self.leeches = leeches
        self.completions = completions
        self.downloaders = downloaders
    }
}

/// Why an announce or scrape has come to nothing.
public enum AnnounceFailure: Error, Hashable, Sendable {
    /// The tracker refuses, in its own words.
    case refused(TrackerText, retry: RetryAdvice)
    /// No connection, or none that we trust; the words are ours.
    case unreachable(String)
    case timedOut
    /// An HTTP status other than 200, without a tracker's answer in the body.
    case httpStatus(Int)
    /// Not what a tracker says; the words are ours.
    case badAnswer(String)
    /// Where the URL leads is not to be talked to; the words are ours.
    case notAllowed(String)
    /// Our own doing.
    case cancelled
}

/// What a tracker that refuses says of trying again (BEP 31).
public enum RetryAdvice: Hashable, Sendable {
    case unsaid
    case afterMinutes(UInt32)
    case never
}

extension AnnounceFailure {
    /// Without what the tracker's words repeat of these.
    func hiding(_ secrets: [String]) -> AnnounceFailure {
        if case .refused(let words, let retry) = self {
            .refused(words.hiding(secrets), retry: retry)
        } else {
            self
        }
    }
}

extension AnnounceFailure: CustomStringConvertible {
    /// For people, on one line.
    public var description: String {
        switch self {
        case .refused(let words, .unsaid): "the tracker says: \(words.displayed)"
        case .refused(let words, .afterMinutes(let minutes)):
            "the tracker says: \(words.displayed) (again in \(minutes) min)"
        case .refused(let words, .never): "the tracker says: \(words.displayed) (never ask again)"
        case .unreachable(let words): "the tracker cannot be reached: \(TrackerText(words).displayed)"
        case .timedOut: "the tracker does not answer"
        case .httpStatus(let status): "the tracker answers with HTTP status \(status)"
        case .badAnswer(let words): "the tracker's answer makes no sense: \(TrackerText(words).displayed)"
        case .notAllowed(let words): "the tracker's URL is refused: \(TrackerText(words).displayed)"
        case .cancelled: "cancelled"
        }
    }
}
