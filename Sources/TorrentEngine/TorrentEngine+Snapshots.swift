import EventIO
import Glibc
import PeerPolicy
import RateControl
public import StallDiagnosis
import SwarmCore
public import SwarmTypes
import TorrentStorage
import TrackerProtocol

/// What diagnosis looks at.
extension TorrentEngine {
    /// Of those that are awake.
    public var allSnapshots: [TorrentSnapshot] {
        self.torrents.keys.sorted().compactMap { self.snapshot(of: $0) }
    }

    public func snapshot(of id: TorrentID) -> TorrentSnapshot? {
        self.now = self.loop.now
        guard let torrent = self.torrents[id] else { return self.dormantSnapshot(of: id) }
        var snapshot = TorrentSnapshot(
            id: id, name: torrent.name, state: torrent.diagnosisState, since: torrent.addedAt, now: self.now)
        snapshot.isPrivate = torrent.core.isPrivate
        snapshot.pieces = torrent.core.pieceCounts
        (snapshot.pieces.recentlyVerified, snapshot.pieces.recentlyCorrupt) = torrent.recentPieces(
            at: self.now)
        snapshot.traffic = self.traffic(of: torrent)
        snapshot.counts = self.counts(of: torrent)
        snapshot.disk =
            torrent.store?.failure.map { DiskState($0) } ?? (self.storage.isOverloaded ? .overloaded : .fine)
        snapshot.peers = self.peers(of: torrent)
        snapshot.ledger = torrent.ledger
        snapshot.trackers = torrent.schedule.statuses.map { TrackerSnapshot($0) }
        snapshot.session = self.sessionFacts
        return snapshot
    }

    private func traffic(of torrent: ActiveTorrent) -> Traffic {
        var traffic = Traffic()
        let rates = torrent.core.rates(at: self.now)
        traffic.downRate = rates.down
        traffic.upRate = rates.up
        traffic.blocksReceived = torrent.core.blocksReceived
        traffic.requestsSent = torrent.core.requestsSent
        traffic.requestsTimedOut = torrent.core.requestsTimedOut
        traffic.deepestPipeline = torrent.core.deepestPipeline
        traffic.lastReceived = torrent.core.lastBlockAt
        traffic.lastSent = torrent.core.lastUploadAt
        let all = self.allRates
        func caps(_ limits: [(CapOwner, UploadLimit, ByteRate)]) -> [CapSnapshot] {
            limits.compactMap { owner, limit, rate in
                limit.rate.map { CapSnapshot(owner: owner, limit: $0, rate: rate) }
            }
        }
        var down = [(CapOwner.torrent, torrent.options.downloadLimit, rates.down)]
        var up = [(CapOwner.torrent, torrent.options.uploadLimit, rates.up)]
        if let usage = torrent.options.cap.flatMap({ self.capUsage($0) }) {
            down.append((.tracker(usage.cap.name), usage.cap.download, usage.downloadRate))
            up.append((.tracker(usage.cap.name), usage.cap.upload, usage.uploadRate))
        }
        down.append((.global, self.downloads.limit(of: self.downloads.root), all.down))
        up.append((.global, self.uploads.limit(of: self.uploads.root), all.up))
        traffic.downCaps = caps(down)
        traffic.upCaps = caps(up)
        return traffic
    }

    private func counts(of torrent: ActiveTorrent) -> PeerCounts {
        var counts = PeerCounts()
        counts.known = torrent.core.book.count
        (counts.queued, counts.backingOff) = torrent.waitingPeers(at: self.now)
        counts.connections = torrent.core.peerCount
        counts.maximumConnections = self.settings.maximumPeersPerTorrent
        counts.sessionConnections = self.connectionCount
        counts.maximumSessionConnections = self.settings.maximumConnections
        counts.halfOpen = self.openings.count
        counts.maximumHalfOpen = Self.halfOpenLimit
        (counts.uploadSlotsUsed, counts.uploadSlots) = torrent.core.uploadSlots
        return counts
    }

    private func peers(of torrent: ActiveTorrent) -> [PeerSnapshot] {
        var peers: [PeerSnapshot] = []
        for connection in torrent.allConnections {
            guard let slot = connection.slot,
                var peer = torrent.core.snapshot(
                    of: slot, source: torrent.source(of: connection), at: self.now)
            else { continue }
            if connection.isHeldByDisk { peer.downWait = .disk }
            if connection.isHeldByLimit {
                peer.downWait = .cap(self.owner(connection.downloadLeaf, false, torrent))
            }
            if connection.isReading { peer.upWait = .disk }
            if connection.isWaitingForGrant {
                peer.upWait = .cap(self.owner(connection.uploadLeaf, true, torrent))
            }
            peer.isSendBufferFull = connection.sending != nil
            peers.append(peer)
        }
        for number in self.openings {
            guard let connection = self.connections[number], connection.torrent === torrent else { continue }
            let isDialling = if case .dialling = connection.phase { true } else { false }
            peers.append(
                PeerSnapshot(
                    address: connection.address, source: torrent.source(of: connection),
                    direction: connection.direction, stage: isDialling ? .dialling : .connected,
                    since: connection.startedAt))
        }
        return peers
    }

    /// Whose limit holds a connection.
    private func owner(_ leaf: NodeID?, _ isUpload: Bool, _ torrent: ActiveTorrent) -> CapOwner {
        guard let leaf else { return .peer }
        let holder =
            isUpload
            ? self.uploads.holder(of: leaf, at: self.now) : self.downloads.holder(of: leaf, at: self.now)
        switch holder {
        case self.uploads.root where isUpload, self.downloads.root where !isUpload: return .global
        case torrent.uploadNode where isUpload, torrent.downloadNode where !isUpload: return .torrent
        case nil: return .global
        default: return torrent.options.cap.map { .tracker($0) } ?? .peer
        }
    }

    var sessionFacts: SessionFacts {
        var facts = SessionFacts()
        if let failure = self.listeningFailure {
            let port = self.settings.listenAddresses.first?.port ?? 0
            facts.listening = failure.code == EADDRINUSE ? .portInUse(port) : .failed(failure.description)
        } else if let port = self.listeningPort {
            facts.listening = .open(port: port)
        }
        facts.mapping = PortMapping(self.mapping)
        facts.hadIncoming = self.hadIncoming
        facts.encryption = self.settings.encryption
        (facts.torrentsDialling, facts.torrentsNeverConnected) = self.dialCounts
        facts.isOutOfDescriptors = self.isOutOfDescriptors
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            facts.descriptorLimit = Int(clamping: limit.rlim_cur)
        }
        facts.hasPeerExchange = true
        return facts
    }
}

extension TorrentEngine {
    /// What was once short says nothing of now: as long as it is, each dial and each peer that comes shows it again.
    private static let failureSeconds = 60.0

    private var isOutOfDescriptors: Bool {
        guard let failure = self.localFailure, let at = self.localFailureAt,
            self.now.seconds(since: at) < Self.failureSeconds
        else { return false }
        return failure.code == EMFILE || failure.code == ENFILE
    }

    /// Somebody else than ourselves has reached us.
    var hadIncoming: Bool { self.acceptedCount > self.ownConnectionCount }

    /// Torrents that tried to connect, and those of them that never could. Counted anew once a second at most: a report on
    /// all torrents asks for each.
    private var dialCounts: (tried: Int, never: Int) {
        if let known = self.knownDialCounts, self.now.seconds(since: known.at) < 1 {
            return (known.tried, known.never)
        }
        var (tried, never) = (self.dormant.table.diallers, self.dormant.table.neverConnected)
        for torrent in self.torrents.values where torrent.ledger.attempts > 0 {
            tried += 1
            if torrent.ledger.handshakes == 0 { never += 1 }
        }
        self.knownDialCounts = (self.now, tried, never)
        return (tried, never)
    }
}

extension DiskState {
    init(_ failure: StorageFailure) {
        switch failure.reason {
        case .full, .overQuota: self = .full
        case .readOnly, .notPermitted: self = .readOnly
        case .missing: self = .filesMissing
        case .fileChanged: self = .filesChanged
        default: self = .failing(failure.description)
        }
    }
}

extension TrackerSnapshot {
    init(_ status: TrackerStatus) {
        let state: TrackerState
        var words = ""
        switch status.state {
        case .idle: state = .notAsked
        // What it said last counts until it says something else.
        case .announcing:
            state =
                status.failure.map { .failing(TrackerFailure($0, &words)) }
                ?? (status.hasAnswered ? .working : .announcing)
        case .working: state = .working
        case .failed(let failure): state = .failing(TrackerFailure(failure, &words))
        case .givenUp(let failure): state = .failing(TrackerFailure(failure, &words))
        }
        self.init(url: status.maskedURL, state: state)
        self.words = words.isEmpty ? status.warning?.verbatim ?? "" : words
        self.peersReturned = status.hasAnswered ? status.peersReceived : nil
        self.seeds = status.counts.seeds.map { Int($0) }
        self.leechers = status.counts.leeches.map { Int($0) }
        self.failures = status.failureCount
        self.nextAnnounce = status.nextAnnounce
    }
}

extension TrackerFailure {
    fileprivate init(_ failure: AnnounceFailure, _ words: inout String) {
        switch failure {
        case .refused(let text, _):
            words = text.verbatim
            self = .saidNo
        case .unreachable(let text):
            words = text
            self = .unreachable
        case .timedOut: self = .timedOut
        case .httpStatus(let code): self = .httpStatus(code)
        case .badAnswer(let text):
            words = text
            self = .badAnswer
        case .notAllowed(let text):
            words = text
            self = .other
        case .cancelled: self = .other
        }
    }
}

extension ActiveTorrent {
    var diagnosisState: TorrentState {
        switch self.state {
        case .fetchingMetadata: .fetchingMetadata
        case .checking(let done): .checking(piecesDone: done)
        case .running: self.core.isFinished ? .seeding : .downloading
        case .stopping: .paused
        case .failed(let words): .failed(words)
        }
    }

    func source(of connection: PeerConnection) -> PeerSource {
        guard connection.direction == .outgoing, let key = self.core.book.key(of: connection.address),
            let known = self.core.book.peer(key)
        else { return .incoming }
        return PeerSource(known.sources)
    }

    /// Known addresses that wait for a place, and those that are left alone for a while.
    func waitingPeers(at now: Instant) -> (queued: Int, backingOff: Int) {
        var (queued, backingOff) = (0, 0)
        for peer in self.core.book.all {
            guard case .idle(let until) = peer.stage else { continue }
            if until <= now { queued += 1 } else { backingOff += 1 }
        }
        return (queued, backingOff)
    }
}
