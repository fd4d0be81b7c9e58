public import SwarmTypes

public enum TorrentState: Hashable, Sendable {
    case paused
    /// Waits for its turn; the place is from 1.
    case queued(place: Int)
    case checking(piecesDone: Int)
    case fetchingMetadata
    case downloading
    case seeding
    /// Stopped by itself; the words say of what.
    case failed(String)
}

public struct PieceCounts: Hashable, Sendable {
    public var total = 0
    public var have = 0
    /// Wanted, and not here yet.
    public var missing = 0
    /// Of the missing ones, how many no connected peer has, and the first few of them.
    public var missingWithNobody = 0
    public var examplesWithNobody: [Int] = []
    /// Of the missing ones, how many exactly one connected peer has; that peer, where it is the same for all.
    public var missingWithOnePeer = 0
    public var onlyHolder: PeerAddress?
    /// Every block that is left has been asked of somebody.
    public var isEverythingRequested = false
    /// During the last minute.
    public var recentlyVerified = 0
    public var recentlyCorrupt = 0
    /// Since the start.
    public var corrupt = 0

    public init() {}
}

/// A rate limit on the path of the torrent, in one direction.
public struct CapSnapshot: Hashable, Sendable {
    public var owner: CapOwner
    public var limit: ByteRate
    /// Of everything below it.
    public var rate: ByteRate

    public init(owner: CapOwner, limit: ByteRate, rate: ByteRate) {
        self.owner = owner
        self.limit = limit
        self.rate = rate
    }

    /// A bucket that is used to nine tenths is what holds things back.
    public var isSaturated: Bool {
        Double(self.rate.bytesPerSecond) >= 0.9 * Double(self.limit.bytesPerSecond)
    }
}

public struct Traffic: Hashable, Sendable {
    public var downRate = ByteRate.zero
    public var upRate = ByteRate.zero
    /// Payload of any peer, also of a block that is not complete.
    public var lastReceived: Instant?
    public var lastSent: Instant?
    public var downCaps: [CapSnapshot] = []
    public var upCaps: [CapSnapshot] = []

    // Of blocks, since the start.
    public var requestsSent = 0
    public var blocksReceived = 0
    public var requestsTimedOut = 0
    public var deepestPipeline = 0

    public init() {}
}

/// What the engine's list of peers holds; the ledger may know fewer.
public struct PeerCounts: Hashable, Sendable {
    public var known = 0
    public var queued = 0
    public var backingOff = 0

    // Who limits new connections.
    public var connections = 0
    public var maximumConnections = 0
    public var sessionConnections = 0
    public var maximumSessionConnections = 0
    public var halfOpen = 0
    public var maximumHalfOpen = 0
    public var uploadSlotsUsed = 0
    public var uploadSlots = 0
    public var nextRotation: Instant?

    public init() {}
}

public enum DiskState: Hashable, Sendable {
    case fine
    /// Writing is behind, and reading from peers waits for it.
    case overloaded
    case full
    case readOnly
    case filesMissing
    /// A file is not what we wrote.
    case filesChanged
    case failing(String)
}

public enum Listening: Hashable, Sendable {
    case off
    case open(port: UInt16)
    case portInUse(UInt16)
    case failed(String)
}

/// What all torrents share.
public struct SessionFacts: Hashable, Sendable {
    public var listening = Listening.off
    /// Off also until the router has answered.
    public var mapping = PortMapping.off
    /// Any torrent ever had an incoming connection.
    public var hadIncoming = false
    public var encryption = EncryptionPolicy.prefer
    /// Torrents that tried at least one peer, and those of them for which no attempt ever succeeded.
    public var torrentsDialling = 0
    public var torrentsNeverConnected = 0
    /// A socket or file could not be opened lately for want of descriptors.
    public var isOutOfDescriptors = false
    public var descriptorLimit = 0
    /// Nil when the DHT is off.
    public var dhtNodes: Int?
    public var hasPeerExchange = false
    public var hasLocalDiscovery = false

    public init() {}
}

/// Everything the diagnosis of one torrent looks at, at one instant.
public struct TorrentSnapshot: Hashable, Sendable {
    public var id: TorrentID
    /// As in the torrent: shown escaped.
    public var name: String
    public var state: TorrentState
    public var isPrivate = false
    /// When it began to run.
    public var since: Instant
    public var pieces = PieceCounts()
    public var traffic = Traffic()
    public var counts = PeerCounts()
    public var disk = DiskState.fine
    /// Every connection, also those that are being opened.
    public var peers: [PeerSnapshot] = []
    public var ledger = PeerLedger()
    public var trackers: [TrackerSnapshot] = []
    public var session = SessionFacts()
    public var now: Instant

    public init(id: TorrentID, name: String, state: TorrentState, since: Instant, now: Instant) {
        self.id = id
        self.name = name
        self.state = state
        self.since = since
        self.now = now
    }
}
