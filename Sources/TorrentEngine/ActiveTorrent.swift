import EventIO
import MetainfoCoding
import PeerProtocol
import RateControl
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TorrentStorage
import TrackerClient
import TrackerProtocol

/// One torrent that runs: its machine, its storage and its connections. Lives on the engine's loop only.
final class ActiveTorrent {
    enum State: Hashable {
        case fetchingMetadata
        case checking(piecesDone: Int)
        case running
        case stopping
        /// Ended by itself; the words say of what.
        case failed(String)
    }

    var core: SwarmCore
    var state: State
    let addedAt: Instant
    /// Nil until the metadata of a magnet link is there.
    var metainfo: Metainfo?
    var name: String
    var store: TorrentStore?
    var schedule: AnnounceSchedule
    var announceTimer: TimerToken?
    /// Constant for the session (BEP 7).
    let announceKey: UInt32
    var ledger = PeerLedger()
    /// Wanted pieces; nil for all.
    var selection: Bitfield?
    /// The size of those; nil for all.
    var wantedBytes: Int64?

    let uploadNode: NodeID
    let downloadNode: NodeID

    private var connections: [PeerConnection?] = []
    var actions: [SwarmAction] = []
    var isPerforming = false
    /// Slots to which something was said, or that have something to upload.
    var touched: [PeerSlot] = []
    private var isTouched: [Bool] = []
    /// By token, the connection that waits for a read.
    var reads: [UInt64: Int] = [:]
    /// Dials under way.
    var dialling = 0
    var link: MagnetLink?
    var tickets: [AnnounceOrder.ID: TrackerClient.Ticket] = [:]
    var isStoreStopped = false
    /// Pieces of the last minute, the newest last, and whether their hash was right; a few hundred at most.
    private var recentPieces: [(at: Instant, isRight: Bool)] = []
    /// What was asked of it; changes while it runs.
    var options: AddOptions
    /// Takes what is left of it when it has ended.
    var whenEnded: (@Sendable (EndedTorrent) -> Void)?
    /// Nothing of it is to be recorded any more.
    var isForgotten = false
    /// Its files go when it ends.
    var removesFiles = false
    /// What it had on disk as it ended.
    var lastPieces: SavedPieces?
    var endFailure: String?
    /// Where its metainfo can be read again; nil for a torrent that stays awake.
    var place: MetainfoPlace?
    /// Since when it could sleep; nil while it could not.
    var idleSince: Instant?
    var recorded = RecordedState()
    /// What the record says of it, until it is opened.
    var stored: StoredTorrent?
    var recovery = RecoverySchedule()
    var recoveryTimer: TimerToken?
    /// What to do again when it could not be opened.
    var tryAgain: ((isolated TorrentEngine, ActiveTorrent) -> Void)?
    /// Pieces that were had once, and are missing or others now; of no piece as long as there is none.
    var lostPieces = Bitfield(count: 0)

    init(
        core: SwarmCore, state: State, options: AddOptions, name: String, schedule: AnnounceSchedule,
        announceKey: UInt32, uploadNode: NodeID, downloadNode: NodeID, at now: Instant
    ) {
        self.core = core
        self.state = state
        self.stored = options.stored
        var options = options
        options.stored = nil
        self.options = options
        self.name = name
        self.schedule = schedule
        self.announceKey = announceKey
        self.uploadNode = uploadNode
        self.downloadNode = downloadNode
        self.addedAt = now
        self.place = options.place
    }

    /// Takes part in its swarm.
    var isRunning: Bool {
        !self.options.checksOnly && (self.state == .running || self.state == .fetchingMetadata)
    }

    func connection(at slot: PeerSlot) -> PeerConnection? {
        slot.index < self.connections.count ? self.connections[slot.index] : nil
    }

    var allConnections: [PeerConnection] { self.connections.compactMap { $0 } }

    func attach(_ connection: PeerConnection, at slot: PeerSlot) {
        while self.connections.count <= slot.index {
            self.connections.append(nil)
            self.isTouched.append(false)
        }
        self.connections[slot.index] = connection
    }

    func detach(_ connection: PeerConnection) {
        guard let slot = connection.slot, self.connection(at: slot) === connection else { return }
        self.connections[slot.index] = nil
    }

    func setPieceCount(_ count: Int) {
        for connection in self.allConnections { connection.scanner.setPieceCount(count) }
    }

    func noteHashed(isRight: Bool, at now: Instant) {
        if self.recentPieces.count >= 512 { self.recentPieces.removeFirst(256) }
        self.recentPieces.append((now, isRight))
    }

    /// Of the last minute.
    func recentPieces(at now: Instant) -> (verified: Int, corrupt: Int) {
        let recent = self.recentPieces.filter { now.seconds(since: $0.at) < 60 }
        let verified = recent.count { $0.isRight }
        return (verified, recent.count - verified)
    }

    func touch(_ slot: PeerSlot) {
        guard slot.index < self.isTouched.count, !self.isTouched[slot.index] else { return }
        self.isTouched[slot.index] = true
        self.touched.append(slot)
    }

    func takeTouched() -> [PeerSlot] {
        let slots = self.touched
        self.touched = []
        for slot in slots { self.isTouched[slot.index] = false }
        return slots
    }
}
