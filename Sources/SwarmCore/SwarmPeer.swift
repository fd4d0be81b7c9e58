import PeerProtocol
import PieceSelection
import RateControl
public import StallDiagnosis
public import SwarmTypes

/// What the handshake said of a peer.
public struct PeerFacts: Hashable, Sendable {
    public var address: PeerAddress
    public var direction: ConnectionDirection
    public var id: PeerID
    public var supportsFast: Bool
    public var supportsExtensions: Bool
    public var isEncrypted: Bool

    public init(
        address: PeerAddress, direction: ConnectionDirection, id: PeerID, supportsFast: Bool,
        supportsExtensions: Bool, isEncrypted: Bool
    ) {
        self.address = address
        self.direction = direction
        self.id = id
        self.supportsFast = supportsFast
        self.supportsExtensions = supportsExtensions
        self.isEncrypted = isEncrypted
    }
}

/// One of the four flags of a connection (BEP 3), and since when it is as it is.
public struct Flag: Hashable, Sendable {
    public private(set) var isSet: Bool
    public private(set) var since: Instant

    init(_ isSet: Bool, since: Instant) {
        self.isSet = isSet
        self.since = since
    }

    /// Answers whether it was different.
    @discardableResult
    mutating func set(_ isSet: Bool, at now: Instant) -> Bool {
        guard isSet != self.isSet else { return false }
        self.isSet = isSet
        self.since = now
        return true
    }
}

/// What a swarm knows of one connected peer.
struct SwarmPeer: Sendable {
    let facts: PeerFacts
    /// By which bans and the picker know it.
    let key: PeerKey
    let joinedAt: Instant

    /// What it has: as it said it while the torrent's pieces were unknown, or as bits.
    var claim = PieceClaim.unsaid
    var has: Bitfield
    var isSeed = false
    /// It said that it wants nothing (BEP 21).
    var isUploadOnly = false

    var weChoke: Flag
    var theyChoke: Flag
    var weAreInterested: Flag
    var theyAreInterested: Flag
    /// How often it has unchoked us.
    var unchokeCount = 0
    var isOptimistic = false
    /// Since when it is choked, unchoked, or unchoked by lot.
    var roleSince: Instant

    // What we ask of it.
    var outstanding = OutstandingRequests()
    var pipeline = RequestPipeline()
    /// Blocks that it may still send although we gave them up: the next such blocks are no misdeed.
    var forgiven = 0
    var unaskedCount = 0
    var rejectCount = 0
    /// After a reject without a choke, or a timeout, nothing is asked of it for a time that doubles with each.
    var pauseSeconds = 0.0
    var asksAgainAt: Instant?
    var timeoutCount = 0
    /// Pieces it lets us ask for while it chokes us (BEP 6).
    var allowedFast: [UInt32] = []

    // What it asks of us.
    var wanted = RequestQueue()
    var badRequestCount = 0
    /// The pieces we let it ask for while we choke it (BEP 6).
    var grantedFast: [UInt32] = []
    var lastRequestAt: Instant?

    // Bytes and times.
    var downloaded: Int64 = 0
    var uploaded: Int64 = 0
    var downloadMeter: RateMeter
    var uploadMeter: RateMeter
    var lastReceivedAt: Instant
    var lastSentAt: Instant
    var lastBlockAt: Instant?
    var lastUploadAt: Instant?

    // Extensions (BEP 10).
    var extensions = ExtensionHandshake()
    /// Since when it owes us a piece of the info dictionary, and whether it has said no; until it gives one.
    var metadataAskedAt: Instant?
    var hasRejectedMetadata = false
    /// How often it asked us for a piece of it, and how often it lost a piece (BEP 54).
    var metadataRequests = 0
    var lostCount = 0
    /// From the peer's own mouth, for peer exchange.
    var listeningPort: UInt16?
    var exchange: PeerExchangeSchedule

    init(_ facts: PeerFacts, key: PeerKey, pieceCount: Int, isPrivate: Bool, at now: Instant) {
        self.facts = facts
        self.key = key
        self.joinedAt = now
        // It has been choked for ever: its first change need not wait.
        self.roleSince = now.advanced(bySeconds: -3600)
        self.has = Bitfield(count: pieceCount)
        self.weChoke = Flag(true, since: now)
        self.theyChoke = Flag(true, since: now)
        self.weAreInterested = Flag(false, since: now)
        self.theyAreInterested = Flag(false, since: now)
        self.exchange = PeerExchangeSchedule(isPrivate: isPrivate, establishedAt: now)
        self.downloadMeter = RateMeter(at: now)
        self.uploadMeter = RateMeter(at: now)
        self.lastReceivedAt = now
        self.lastSentAt = now
    }

    /// Where others can reach it; an incoming connection's port is not the one it listens on.
    var dialAddress: PeerAddress? {
        if self.facts.direction == .outgoing { return self.facts.address }
        return self.listeningPort.map { self.facts.address.with(port: $0) }
    }
}

/// What a peer said of its pieces before anybody knew how many there are.
enum PieceClaim: Hashable, Sendable {
    case unsaid
    case nothing
    case all
    case bits([UInt8])
    case pieces([UInt32])
    /// It is in the bit field.
    case counted

    /// More single pieces than that are not remembered: who has many sends a bit field.
    static let mostPieces = 1 << 16

    /// One piece more. The list is taken out meanwhile: else each of a flood of messages would copy all of it.
    mutating func add(_ piece: UInt32) {
        switch self {
        case .unsaid, .nothing: self = .pieces([piece])
        case .pieces(var pieces):
            guard pieces.count < Self.mostPieces else { return }
            self = .nothing
            pieces.append(piece)
            self = .pieces(pieces)
        case .bits(var bytes):
            guard Int(piece) / 8 < bytes.count else { return }
            self = .nothing
            bytes[Int(piece) / 8] |= 128 >> UInt8(piece % 8)
            self = .bits(bytes)
        case .all, .counted: break
        }
    }
}
