public import SwarmTypes

/// A flag and since when it has its value.
public struct TimedFlag: Hashable, Sendable {
    public var isSet: Bool
    public var since: Instant

    public init(_ isSet: Bool, since: Instant) {
        self.isSet = isSet
        self.since = since
    }
}

/// Whose rate limit it is: a node on the path from everything down to one peer.
public enum CapOwner: Hashable, Sendable {
    case peer
    case torrent
    /// By its name in the settings.
    case tracker(String)
    case global
}

/// What a direction of a connection waits for before anything moves.
public enum ChannelWait: Hashable, Sendable {
    case nothing
    case cap(CapOwner)
    case disk
}

/// What a peer does for us while we only have a magnet link (BEP 9).
public enum MetadataOffer: Hashable, Sendable {
    /// Its extension handshake did not come yet.
    case unknown
    /// It has no `ut_metadata`.
    case none
    case offered
    case requested(at: Instant)
    case rejected
}

/// One connection, taken at the snapshot's instant. A connection begins with BEP 3's flags: both sides choke,
/// nobody is interested.
public struct PeerSnapshot: Hashable, Sendable {
    public var address: PeerAddress
    public var source: PeerSource
    public var direction: ConnectionDirection
    public var transport = PeerTransport.tcp
    /// `.dialling` and `.connected` while it opens.
    public var stage: PeerStage
    public var since: Instant
    /// In its own words: shown escaped.
    public var clientName = ""

    public var weChoke, theyChoke, weInterested, theyInterested: TimedFlag
    /// Or one of `have_all` and `have_none` (BEP 6), or any `have`.
    public var hasBitfield = false
    /// Of pieces that it has.
    public var pieceCount = 0
    /// Of those, wanted by us and missing here.
    public var neededPieceCount = 0
    /// It said that it wants nothing (BEP 21).
    public var isUploadOnly = false
    public var metadata = MetadataOffer.unknown

    // What comes from it.
    public var timesUnchokedUs = 0
    public var outstandingRequests = 0
    public var oldestRequest: Instant?
    public var targetDepth = 0
    public var isSnubbed = false
    /// Since the last block.
    public var rejects = 0
    /// Since the last block.
    public var timeouts = 0
    /// All that is asked of it is also asked of others.
    public var asksOnlyDuplicates = false
    public var downRate = ByteRate.zero
    public var bytesDown: Int64 = 0
    /// Payload, also of a block that is not complete.
    public var lastReceived: Instant?
    public var downWait = ChannelWait.nothing

    // What goes to it.
    /// Requests that wait here for an answer.
    public var uploadQueue = 0
    /// Its place among those that want a slot, from 1.
    public var slotRank: Int?
    public var upRate = ByteRate.zero
    public var bytesUp: Int64 = 0
    public var lastSent: Instant?
    public var lastRequestFromIt: Instant?
    public var upWait = ChannelWait.nothing
    public var isSendBufferFull = false

    /// Any message in either direction.
    public var lastActivity: Instant

    public init(
        address: PeerAddress, source: PeerSource, direction: ConnectionDirection, stage: PeerStage,
        since: Instant
    ) {
        self.address = address
        self.source = source
        self.direction = direction
        self.stage = stage
        self.since = since
        self.weChoke = TimedFlag(true, since: since)
        self.theyChoke = TimedFlag(true, since: since)
        self.weInterested = TimedFlag(false, since: since)
        self.theyInterested = TimedFlag(false, since: since)
        self.lastActivity = since
    }

    public var isEstablished: Bool { self.stage >= .handshaken }

    /// Nothing hinders a request: it has unchoked us and we are interested.
    public var canDownload: Bool { self.isEstablished && !self.theyChoke.isSet && self.weInterested.isSet }
}
