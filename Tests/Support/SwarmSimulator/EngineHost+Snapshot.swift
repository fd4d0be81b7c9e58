import PeerPolicy
import PeerProtocol
public import StallDiagnosis
import SwarmCore
import SwarmTypes

/// What diagnosis looks at, put together as `TorrentEngine` does.
extension EngineHost {
    /// Tells the ledger how far each connected peer has come.
    func noteStages() {
        for connection in self.connections.compactMap(\.self) {
            if let slot = connection.slot { self.noteStage(connection, slot) }
        }
    }

    func noteStage(_ connection: EngineConnection, _ slot: PeerSlot) {
        guard let peer = self.core.snapshot(of: slot, source: self.source(of: connection), at: self.now)
        else {
            return
        }
        self.ledger.reached(peer.stage, by: connection.address, at: self.now)
        let old = self.ledger[connection.address]
        self.ledger.transferred(
            down: peer.bytesDown - (old?.bytesDown ?? 0), up: peer.bytesUp - (old?.bytesUp ?? 0),
            with: connection.address, at: self.now)
    }

    private func source(of connection: EngineConnection) -> PeerSource {
        connection.isOutgoing ? self.ledger[connection.address]?.source ?? .tracker : .incoming
    }

    public var snapshot: TorrentSnapshot {
        var snapshot = TorrentSnapshot(
            id: self.core.id, name: "simulated", state: self.state, since: self.startedAt, now: self.now)
        snapshot.isPrivate = self.core.isPrivate
        snapshot.pieces = self.pieces
        snapshot.traffic = self.traffic
        snapshot.counts = self.counts
        snapshot.disk = self.diskFailure ?? .fine
        snapshot.peers = self.peers
        snapshot.ledger = self.ledger
        if self.announces { snapshot.trackers = [self.tracker] }
        snapshot.session = self.session
        return snapshot
    }

    private var pieces: PieceCounts {
        var pieces = self.core.pieceCounts
        let recent = self.checkTimes.filter { self.now.seconds(since: $0.at) <= 60 }
        pieces.recentlyCorrupt = recent.count { !$0.isRight }
        pieces.recentlyVerified = recent.count(where: \.isRight)
        return pieces
    }

    private var traffic: Traffic {
        var traffic = Traffic()
        let rates = self.core.rates(at: self.now)
        (traffic.downRate, traffic.upRate) = rates
        traffic.blocksReceived = self.core.blocksReceived
        traffic.requestsSent = self.core.requestsSent
        traffic.requestsTimedOut = self.core.requestsTimedOut
        traffic.deepestPipeline = self.core.deepestPipeline
        traffic.lastReceived = self.core.lastBlockAt
        traffic.lastSent = self.core.lastUploadAt
        return traffic
    }

    private var counts: PeerCounts {
        var counts = PeerCounts()
        counts.known = self.core.book.count
        for peer in self.core.book.all {
            guard case .idle(let until) = peer.stage else { continue }
            if until > self.now { counts.backingOff += 1 } else { counts.queued += 1 }
        }
        counts.connections = self.core.peerCount
        counts.maximumConnections = self.core.settings.maximumPeers
        counts.sessionConnections = self.peersOrOpenings + self.otherConnections
        counts.maximumSessionConnections = Self.maximumConnections
        counts.halfOpen = self.peersOrOpenings - self.core.peerCount
        counts.maximumHalfOpen = 100
        (counts.uploadSlotsUsed, counts.uploadSlots) = self.core.uploadSlots
        return counts
    }

    private var peers: [PeerSnapshot] {
        self.connections.compactMap(\.self).compactMap { connection in
            guard let slot = connection.slot else {
                let isDialling = if case .dialling = connection.phase { true } else { false }
                return PeerSnapshot(
                    address: connection.address, source: self.source(of: connection),
                    direction: connection.isOutgoing ? .outgoing : .incoming,
                    stage: isDialling ? .dialling : .connected, since: connection.startedAt)
            }
            var peer = self.core.snapshot(of: slot, source: self.source(of: connection), at: self.now)
            if connection.reading != nil { peer?.upWait = .disk }
            peer?.isSendBufferFull = (connection.end?.queuedBytes ?? 0) > 0
            return peer
        }
    }

    private var tracker: TrackerSnapshot {
        let tracker = self.world.tracker
        var snapshot = TrackerSnapshot(url: "http://tracker.example/announce", state: tracker.state)
        snapshot.words = tracker.words
        snapshot.seeds = tracker.seeds
        snapshot.leechers = tracker.leechers
        snapshot.peersReturned = self.lastAnswerCount
        return snapshot
    }

    private var session: SessionFacts {
        var session = self.sessionFacts
        session.hadIncoming = self.hadIncoming
        session.encryption = self.encryption
        session.torrentsDialling = self.ledger.attempts > 0 ? 1 : 0
        session.torrentsNeverConnected = self.ledger.attempts > 0 && self.ledger.handshakes == 0 ? 1 : 0
        session.hasPeerExchange = true
        return session
    }
}
