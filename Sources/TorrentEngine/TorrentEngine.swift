public import EventIO
import PeerPolicy
import PeerProtocol
import PortMapping
import RateControl
import SwarmCore
import SwarmTypes
import TorrentStorage
import TrackerClient

/// Our BitTorrent client: drives one `SwarmCore` for each torrent with sockets, trackers and disk.
///
/// An actor on one loop. Callbacks of sockets enter it without a task; payload goes from the socket to the disk's
/// threads and back in chunks, and never through a machine.
public actor TorrentEngine {
    public nonisolated let loop: EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    var settings: EngineSettings
    /// When the loop last called us: one clock reading for all that one call does.
    var now: Instant
    var random = SystemChance()

    // Payload.
    let storage: StorageService
    var buffers: BufferPool { self.storage.buffers }
    /// All connections receive into one chunk after the other.
    var receiveChunk: PayloadChunk
    var receivedInChunk = 0
    let sendList = SendList()
    /// Kept for its memory.
    var wireEvents: [WireEvent] = []

    // Limits.
    var uploads: BucketTree
    var downloads: BucketTree
    var uploaders: [NodeID: Int] = [:]
    var downloaders: [NodeID: Int] = [:]
    var grants: [Grant] = []
    var limitTimer: TimerToken?
    var limitsDue: Instant?
    /// By the name of the cap.
    var trackerNodes: [String: TrackerNodes] = [:]
    var uploadMeter: CounterMeter
    var downloadMeter: CounterMeter
    var capsObservedAt: Instant

    // Connections, by number.
    var connections: [PeerConnection?] = []
    var freeNumbers: [Int] = []
    var connectionCount = 0
    /// Those without a handshake yet.
    var openings: Set<Int> = []
    var heldByDisk: [Int] = []
    /// Connections of which several blocks are read together.
    var batching: [Int] = []
    var batchTimer: TimerToken?
    /// Connections whose requests are being collected for a moment.
    var deferred: [Int] = []
    var listeners: [Listener] = []
    /// Of the listeners, once they are closed.
    var lastPort: UInt16?
    var budget: ConnectionBudget
    /// What keeps the router's port open, and its last answer.
    var mapper: PortMapper?
    var mapping: MappingOutcome?
    var acceptedCount = 0
    /// Of these, the ones that we made ourselves.
    var ownConnectionCount = 0
    var ownAddresses = OwnAddresses()
    /// With port 0.
    var bannedHosts: Set<PeerAddress> = []
    /// The last failure of our own side to make a connection, such as too many open files.
    public internal(set) var localFailure: SystemCallFailure?
    var localFailureAt: Instant?

    let trackers: TrackerClient
    var nextReadToken: UInt64 = 0
    /// Those that are awake. The others are in `dormant`.
    var torrents: [TorrentID: ActiveTorrent] = [:]
    var dormant = DormantState()
    /// Nil when nothing is kept for the next start.
    var record: SessionRecord?
    /// Whether nothing of it is left after the end.
    var removesRecord = false
    var whenStopped: (@Sendable () -> Void)?
    /// At the end, what could be told is.
    var areTrackersTold = false
    public internal(set) var listeningFailure: SystemCallFailure?
    var obfuscated = ObfuscatedTorrents()
    var tickTimer: TimerToken?
    var knownDialCounts: (at: Instant, tried: Int, never: Int)?
    var idleWatch = IdleWatch()
    var observer: (@Sendable (EngineEvent) -> Void)?

    public init(_ settings: EngineSettings, loop: EventLoop) throws(SystemCallFailure) {
        self.settings = settings
        self.loop = loop
        self.now = loop.now
        var limits = StorageService.Limits()
        limits.writeBackBytes = settings.writeBufferBytes
        limits.openFiles = settings.maximumOpenFiles
        limits.threadCount = settings.diskThreads
        self.storage = try StorageService(loop: loop, limits: limits)
        self.trackers = TrackerClient(
            loop: loop, settings: TrackerClientSettings(userAgent: settings.userAgent))
        var connectionLimits = ConnectionBudget.Limits()
        connectionLimits.connections = settings.maximumConnections
        connectionLimits.connectionsPerTorrent = settings.maximumPeersPerTorrent
        self.budget = ConnectionBudget(limits: connectionLimits, at: self.now)
        self.receiveChunk = self.storage.buffers.take(.large)
        self.uploads = BucketTree(limit: settings.uploadLimit, at: self.now)
        self.downloads = BucketTree(limit: settings.downloadLimit, at: self.now)
        self.uploadMeter = CounterMeter(0, at: self.now)
        self.downloadMeter = CounterMeter(0, at: self.now)
        self.capsObservedAt = self.now
    }
}

/// A socket that takes connections. A class, because it owns its descriptor and lies in an array.
final class Listener {
    let socket: ListeningSocket

    init(_ socket: consuming ListeningSocket) { self.socket = socket }
}
