import StallDiagnosis
import SwarmTypes
import TestKit

/// Snapshots that no engine would make: every field by chance, often at an extreme.
struct RandomSnapshot {
    var random: SplitMix64

    init(seed: UInt64) { self.random = SplitMix64(seed: seed) }

    mutating func torrent() -> TorrentSnapshot {
        var torrent = TorrentSnapshot(
            id: exampleID, name: self.text(), state: self.state(), since: self.moment(), now: now)
        torrent.isPrivate = self.chance(2)
        torrent.pieces = self.pieces()
        torrent.traffic = self.traffic()
        torrent.counts = self.counts()
        torrent.disk = self.pick([.fine, .fine, .fine, .fine, .overloaded, .full, .failing(self.text())])
        for number in 0..<self.size() { torrent.peers.append(self.peer(UInt32(number))) }
        torrent.ledger = self.ledger()
        for _ in 0..<self.size(upTo: 3) { torrent.trackers.append(self.tracker()) }
        torrent.session = self.session()
        return torrent
    }

    mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &self.random) == 0 }

    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: values.indices, using: &self.random)]
    }

    mutating func size(upTo limit: Int = 12) -> Int {
        self.chance(3) ? 0 : Int.random(in: 0...limit, using: &self.random)
    }

    mutating func number() -> Int {
        self.chance(8) ? self.pick([.min, -1, .max]) : Int.random(in: 0...20, using: &self.random)
    }

    mutating func moment() -> Instant {
        if self.chance(20) { return Instant(nanoseconds: self.pick([.min, .max])) }
        return instant(Double.random(in: 0...1100, using: &self.random))
    }

    mutating func maybe() -> Instant? { self.chance(3) ? nil : self.moment() }

    mutating func rate() -> ByteRate {
        ByteRate(bytesPerSecond: self.pick([0, 0, 0, 100, 1_000_000, .max]))
    }

    mutating func text() -> String {
        self.pick(["", "plain", "\u{1B}[2J\n\r\t\u{0}\u{202E}x", "unregistered", "client banned", "é漢🙂"])
    }

    mutating func flag() -> TimedFlag { TimedFlag(self.chance(2), since: self.moment()) }

    mutating func state() -> TorrentState {
        self.pick([
            .downloading, .downloading, .downloading, .seeding, .seeding, .fetchingMetadata, .paused,
            .queued(place: self.number()), .checking(piecesDone: self.number()), .failed(self.text()),
        ])
    }

    mutating func pieces() -> PieceCounts {
        var pieces = PieceCounts()
        (pieces.total, pieces.have, pieces.missing) = (self.number(), self.number(), self.number())
        (pieces.missingWithNobody, pieces.missingWithOnePeer) = (self.number(), self.number())
        pieces.examplesWithNobody = [self.number()]
        pieces.onlyHolder = self.chance(2) ? address(1) : nil
        pieces.isEverythingRequested = self.chance(3)
        (pieces.recentlyVerified, pieces.recentlyCorrupt) = (
            self.number(), self.chance(2) ? 0 : self.number()
        )
        return pieces
    }

    mutating func cap() -> CapSnapshot {
        CapSnapshot(owner: self.owner(), limit: self.rate(), rate: self.rate())
    }

    mutating func owner() -> CapOwner { self.pick([.peer, .torrent, .tracker(self.text()), .global]) }

    mutating func wait() -> ChannelWait { self.pick([.nothing, .nothing, .cap(self.owner()), .disk]) }

    mutating func traffic() -> Traffic {
        var traffic = Traffic()
        (traffic.downRate, traffic.upRate) = (self.rate(), self.rate())
        (traffic.lastReceived, traffic.lastSent) = (self.maybe(), self.maybe())
        for _ in 0..<self.size(upTo: 3) { traffic.downCaps.append(self.cap()) }
        for _ in 0..<self.size(upTo: 3) { traffic.upCaps.append(self.cap()) }
        (traffic.requestsSent, traffic.blocksReceived) = (self.number(), self.number())
        traffic.requestsTimedOut = self.number()
        return traffic
    }

    mutating func counts() -> PeerCounts {
        var counts = PeerCounts()
        (counts.known, counts.queued, counts.backingOff) = (self.number(), self.number(), self.number())
        (counts.connections, counts.maximumConnections) = (self.number(), self.number())
        (counts.halfOpen, counts.maximumHalfOpen) = (self.number(), self.number())
        (counts.uploadSlotsUsed, counts.uploadSlots) = (self.number(), self.number())
        counts.nextRotation = self.maybe()
        return counts
    }

    mutating func peer(_ number: UInt32) -> PeerSnapshot {
        var peer = PeerSnapshot(
            address: self.chance(9) ? address6(UInt64(number)) : address(number), source: .tracker,
            direction: self.pick([.incoming, .outgoing]),
            stage: self.pick([.dialling, .connected, .handshaken, .bitfield, .transferring]),
            since: self.moment())
        peer.clientName = self.text()
        (peer.weChoke, peer.theyChoke) = (self.flag(), self.flag())
        (peer.weInterested, peer.theyInterested) = (self.flag(), self.flag())
        peer.hasBitfield = !self.chance(4)
        (peer.pieceCount, peer.neededPieceCount) = (self.number(), self.number())
        peer.isUploadOnly = self.chance(5)
        peer.metadata = self.pick([.unknown, .none, .offered, .rejected, .requested(at: self.moment())])
        (peer.timesUnchokedUs, peer.outstandingRequests) = (self.number(), self.number())
        (peer.oldestRequest, peer.targetDepth) = (self.maybe(), self.number())
        (peer.isSnubbed, peer.rejects, peer.timeouts) = (self.chance(4), self.number(), self.number())
        (peer.asksOnlyDuplicates, peer.downRate, peer.upRate) = (self.chance(4), self.rate(), self.rate())
        (peer.bytesDown, peer.bytesUp) = (Int64(self.number()), Int64(self.number()))
        (peer.lastReceived, peer.lastSent, peer.lastRequestFromIt) = (
            self.maybe(), self.maybe(), self.maybe()
        )
        (peer.downWait, peer.upWait) = (self.wait(), self.wait())
        (peer.uploadQueue, peer.slotRank) = (self.number(), self.chance(2) ? nil : self.number())
        (peer.isSendBufferFull, peer.lastActivity) = (self.chance(3), self.moment())
        return peer
    }

    mutating func ledger() -> PeerLedger {
        var ledger = PeerLedger(capacity: 40)
        for number in 0..<UInt32(self.size(upTo: 40)) {
            let peer = address(number * 2).with(port: self.chance(9) ? 0 : 6881)
            if self.chance(2) { ledger.dialling(peer, at: self.moment()) }
            if self.chance(2) { ledger.connected(peer, direction: .incoming, at: self.moment()) }
            if self.chance(2) { ledger.reached(self.pick(PeerStage.allCases), by: peer, at: self.moment()) }
            if !self.chance(3) {
                ledger.closed(peer, self.pick(endings), at: self.moment(), retryAt: self.maybe())
            }
        }
        return ledger
    }

    mutating func tracker() -> TrackerSnapshot {
        var tracker = TrackerSnapshot(
            url: self.text(),
            state: self.pick([
                .notAsked, .announcing, .working, .disabled, .failing(.saidNo), .failing(.timedOut),
                .failing(.httpStatus(self.number())),
            ]))
        tracker.words = self.text()
        (tracker.peersReturned, tracker.seeds) = (self.number(), self.chance(2) ? nil : self.number())
        (tracker.leechers, tracker.failures) = (self.chance(2) ? nil : self.number(), self.number())
        tracker.nextAnnounce = self.maybe()
        return tracker
    }

    mutating func session() -> SessionFacts {
        var session = SessionFacts()
        session.listening = self.pick([.off, .open(port: 1), .portInUse(2), .failed(self.text())])
        session.hadIncoming = self.chance(2)
        session.encryption = self.pick([.prefer, .require, .off])
        (session.torrentsDialling, session.torrentsNeverConnected) = (self.number(), self.number())
        (session.isOutOfDescriptors, session.descriptorLimit) = (self.chance(9), self.number())
        session.dhtNodes = self.chance(2) ? nil : self.number()
        return session
    }
}

private let endings: [CloseReason] = [
    .refused, .refused, .refused, .unreachable, .connectTimeout, .localFailure(code: 24),
    .localFailure(code: .min), .resetBeforeHandshake, .handshakeTimeout, .badHandshake, .wrongInfoHash,
    .encryptionRequired, .ownConnection, .banned, .closedByPeer, .inactive, .corruptData, .bothSeeds,
    .frameTooLong(announced: .max), .socketFailure(code: .max), .torrentStopped,
]
