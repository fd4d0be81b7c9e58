import PeerPolicy
import PeerProtocol
public import StallDiagnosis
public import SwarmCore
public import SwarmTypes
import TestKit

/// A host that runs our own machine: the same driver as `TorrentEngine`, in virtual time.
public final class EngineHost: SimulatedHost {
    /// What of the torrent a host has at first.
    public enum Start: Sendable {
        case nothing, everything
        /// Not even its metadata.
        case magnet
        case pieces(Bitfield)
    }

    public let number: Int
    public var address: PeerAddress { SwarmSimulation.address(self.number) }
    public var line: SimulatedLine
    public var core: SwarmCore
    var random: SplitMix64
    unowned let world: SwarmSimulation
    let start: Start
    public var encryption: EncryptionPolicy
    /// Of the blocks it sends, those it makes wrong: a liar with a good client.
    public var corruptShare = 0.0
    public var state: TorrentState = .paused
    public var supportsFast = true
    /// Nobody from outside reaches it.
    public var isFirewalled = false
    public var announces = true
    /// This machine makes no connection: `errno`.
    public var dialFailure: Int32?
    /// Connections of other torrents of the client, which may have 500 in all.
    public var otherConnections = 0
    /// What the whole client would know.
    public var sessionFacts = SessionFacts()
    public internal(set) var diskFailure: DiskState?

    var actions: [SwarmAction] = []
    var isPerforming = false
    var touched: [Int] = []
    /// By number; nil where the connection has ended.
    var connections: [EngineConnection?] = []
    var bySlot: [Int: Int] = [:]
    var disk: VirtualDisk
    public internal(set) var ledger = PeerLedger()
    public internal(set) var hadIncoming = false
    public internal(set) var startedAt: Instant
    public internal(set) var finishedAt: Instant?
    var lastAnswerCount: Int?
    var checkTimes: [(at: Instant, isRight: Bool)] = []

    // For tests.
    public internal(set) var violations: [String] = []
    public internal(set) var payloadReceived: Int64 = 0
    /// Who sent a wrong block that lay on the disk when its piece was checked.
    public internal(set) var liarsMet: Set<Int> = []
    /// By the other host's address without port, when it was unchoked.
    public internal(set) var unchokes: [(at: Instant, host: PeerAddress)] = []
    /// At any second.
    public internal(set) var mostUnchoked = 0
    public internal(set) var sentRequests = 0

    public init(
        _ number: Int, in world: SwarmSimulation, start: Start = .nothing,
        line: SimulatedLine = SimulatedLine(),
        settings: SwarmSettings = SwarmSettings(), encryption: EncryptionPolicy = .off,
        isPrivate: Bool = false
    ) {
        self.number = number
        self.world = world
        self.start = start
        self.line = line
        self.encryption = encryption
        self.random = SplitMix64(seed: world.random.next())
        self.disk = VirtualDisk(world.geometry)
        self.startedAt = world.now
        var settings = settings
        settings.listeningPort = 6881
        self.sessionFacts.listening = .open(port: 6881)
        self.core = SwarmCore(
            id: world.torrent, ownID: PeerID.own(using: &self.random), isPrivate: isPrivate,
            settings: settings,
            at: world.now)
    }

    public var isRunning: Bool {
        switch self.state {
        case .downloading, .seeding, .fetchingMetadata: true
        default: false
        }
    }
    var now: Instant { self.world.now }

    public func started(in world: SwarmSimulation) {
        self.startedAt = self.now
        let count = world.geometry.pieceCount
        let have: Bitfield =
            switch self.start {
            case .nothing, .magnet: Bitfield(count: count)
            case .everything: Bitfield(allSet: count)
            case .pieces(let pieces): pieces
            }
        if case .magnet = self.start {
            self.state = .fetchingMetadata
        } else {
            self.core.begin(
                world.geometry, have: have, at: self.now, using: &self.random, into: &self.actions)
            self.state = self.core.isFinished ? .seeding : .downloading
        }
        if self.core.isFinished { self.finishedAt = self.now }
        self.performActions()
        world.tracker.register(self.address)
        let phase = Double.random(in: 0..<1, using: &self.random)
        world.fire(.tick, of: self, afterSeconds: phase)
        world.fire(.announce, of: self, afterSeconds: phase)
    }

    public func fired(_ timer: HostTimer) {
        switch timer {
        case .tick: self.tick()
        case .announce: self.announce()
        case .pieceRead(let end, let id): self.wasRead(end, id)
        case .hashed(let piece): self.hashed(piece)
        case .redial(let address): if self.isRunning { self.dial(address, .off) }
        case .keepAlive: break
        }
    }

    private func tick() {
        self.world.fire(.tick, of: self, afterSeconds: 1)
        for connection in self.connections.compactMap(\.self) where connection.slot == nil {
            if self.now.seconds(since: connection.startedAt) >= EngineConnection.openingSeconds {
                self.openingTimedOut(connection)
            }
        }
        guard self.isRunning else { return }
        if self.core.peerCount > 0 {
            self.core.tick(at: self.now, using: &self.random, into: &self.actions)
            self.performActions()
            self.mostUnchoked = max(self.mostUnchoked, self.core.uploadSlots.used)
            self.noteStages()
        }
        self.dialCandidates()
    }

    private func announce() {
        guard self.announces else { return }
        self.world.fire(.announce, of: self, afterSeconds: self.world.tracker.intervalSeconds)
        guard self.isRunning,
            let peers = self.world.tracker.announce(from: self.address, using: &self.random)
        else { return }
        self.lastAnswerCount = peers.count
        for address in peers { self.heardOf(address, .tracker) }
        self.dialCandidates()
    }

    public func heardOf(_ address: PeerAddress, _ source: PeerSource) {
        let sources: PeerSources = source == .tracker ? .tracker : source == .byHand ? .manual : .exchange
        self.core.book.add(address, from: sources, at: self.now)
        // Also what is no address of a peer: diagnosis tells that the tracker names such.
        self.ledger.noted(address, source: source, at: self.now)
    }

    /// The numbers of the hosts that this one has banned.
    public var banned: Set<Int> {
        Set(
            self.world.hosts.map(\.number).filter {
                self.core.book.isBanned(SwarmSimulation.address($0))
            })
    }

    /// Ends all connections and takes no part until `resume`.
    public func pause() {
        self.state = .paused
        for connection in self.connections.compactMap(\.self) { self.close(connection, .torrentStopped) }
    }

    public func resume() {
        self.state = self.core.isFinished ? .seeding : .downloading
    }

    public func failDisk(_ failure: DiskState) { self.disk.failure = failure }
}
