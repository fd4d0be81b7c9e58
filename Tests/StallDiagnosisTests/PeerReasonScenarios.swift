import StallDiagnosis
import SwarmTypes

/// One connection, and the reason that it must get.
struct PeerScenario: Sendable, CustomStringConvertible {
    let reason: PeerReason
    let severity: Severity
    let name: String
    let torrent: TorrentSnapshot
    let peer: PeerSnapshot

    init(
        _ reason: PeerReason, _ severity: Severity, _ name: String, _ peer: PeerSnapshot,
        in torrent: TorrentSnapshot = StallDiagnosisTests.torrent()
    ) {
        self.reason = reason
        self.severity = severity
        self.name = name
        self.peer = peer
        self.torrent = torrent
    }

    var description: String { "\(self.reason.code): \(self.name)" }
}

private let magnet = torrent(.fetchingMetadata)
private let seeding = torrent(.seeding)

let connectedScenarios: [PeerScenario] = [
    .init(.dialling, .expected, "for a second", peer(age: 1) { $0.stage = .dialling }),
    .init(.handshaking, .watch, "silent for 12 s", peer(age: 12) { $0.stage = .connected }),
    .init(
        .sending, .expected, "a block a second ago",
        openPeer {
            $0.downRate = ByteRate(bytesPerSecond: 1)
            $0.lastReceived = instant(999)
        }),
    .init(.metadataUnknown, .watch, "no extension handshake in 100 s", peer(), in: magnet),
    .init(.metadataNotOffered, .watch, "has no ut_metadata", peer { $0.metadata = .none }, in: magnet),
    .init(.metadataRejected, .watch, "rejected", peer { $0.metadata = .rejected }, in: magnet),
    .init(
        .metadataRequested, .problem, "asked a minute ago",
        peer { $0.metadata = .requested(at: instant(940)) }, in: magnet),
    .init(.noBitfieldYet, .expected, "after 5 s", peer(age: 5) { $0.hasBitfield = false }),
    .init(.noBitfieldYet, .watch, "after 10 s", peer(age: 10) { $0.hasBitfield = false }),
    .init(.noBitfieldYet, .problem, "after a minute", peer(age: 60) { $0.hasBitfield = false }),
    .init(.nothingWeNeed, .expected, "has what we have", peer { $0.neededPieceCount = 0 }),
    .init(
        .weNotInterested, .watch, "not told for 100 s",
        peer { $0.weInterested = TimedFlag(false, since: instant(900)) }),
    .init(.choked, .expected, "for 59 s", peer(age: 59)),
    .init(.choked, .watch, "for a minute", peer(age: 60)),
    .init(.choked, .problem, "for five minutes", peer(age: 300)),
    .init(.choked, .expected, "a leech, too early to tell", peer(age: 59) { $0.pieceCount = 50 }),
    .init(.chokedNothingGiven, .watch, "a leech that got nothing", peer(age: 60) { $0.pieceCount = 50 }),
    .init(.rateLimited, .expected, "by the tracker", openPeer { $0.downWait = .cap(.tracker("a")) }),
    .init(.diskBusy, .watch, "writes are behind", openPeer { $0.downWait = .disk }),
    .init(.snubbed, .watch, "a request ran out of time", openPeer { $0.isSnubbed = true }),
    .init(.rejecting, .watch, "two rejects", openPeer { $0.rejects = 2 }),
    .init(.rejecting, .problem, "ten rejects", openPeer { $0.rejects = 10 }),
    .init(
        .endGameDuplicate, .expected, "others are asked too",
        openPeer {
            ($0.outstandingRequests, $0.asksOnlyDuplicates) = (1, true)
            ($0.oldestRequest, $0.lastActivity) = (instant(999), instant(999))
        }),
    .init(
        .socketIdle, .watch, "silent for 30 s",
        openPeer {
            $0.outstandingRequests = 1
            ($0.oldestRequest, $0.lastActivity) = (instant(970), instant(970))
        }),
    .init(
        .requestsOutstanding, .expected, "asked a second ago",
        openPeer {
            $0.outstandingRequests = 1
            ($0.oldestRequest, $0.lastActivity) = (instant(999), instant(900))
        }),
    .init(
        .nothingLeftToAsk, .expected, "everything is asked of others", openPeer(),
        in: torrent { $0.pieces.isEverythingRequested = true }),
    .init(.nothingRequested, .expected, "has just unchoked us", openPeer(age: 1)),
    .init(.nothingRequested, .problem, "unchoked for 100 s", openPeer()),

    .init(
        .receiving, .expected, "a block a second ago",
        leech { ($0.upRate, $0.lastSent) = (ByteRate(bytesPerSecond: 1), instant(999)) }, in: seeding),
    .init(.peerIsSeed, .expected, "has all", peer(), in: seeding),
    .init(.peerIsSeed, .expected, "wants no more", leech { $0.isUploadOnly = true }, in: seeding),
    .init(
        .notInterested, .expected, "wants nothing",
        leech { $0.theyInterested = TimedFlag(false, since: instant(950)) }, in: seeding),
    .init(
        .noSlot, .expected, "fifth for four slots",
        leech { ($0.weChoke, $0.slotRank) = (TimedFlag(true, since: instant(900)), 5) },
        in: torrent(.seeding) { ($0.counts.uploadSlots, $0.counts.uploadSlotsUsed) = (4, 4) }),
    .init(
        .noSlot, .watch, "waits although a slot is free",
        leech { $0.weChoke = TimedFlag(true, since: instant(900)) },
        in: torrent(.seeding) { $0.counts.uploadSlots = 4 }),
    .init(.noRequest, .watch, "has a slot for 100 s", leech(), in: seeding),
    .init(
        .capped, .expected, "by everything",
        leech { ($0.uploadQueue, $0.upWait) = (1, .cap(.global)) }, in: seeding),
    .init(
        .sendBufferFull, .expected, "reads slowly",
        leech { ($0.uploadQueue, $0.isSendBufferFull) = (1, true) }, in: seeding),
    .init(
        .readingDisk, .watch, "the disk is slow", leech { ($0.uploadQueue, $0.upWait) = (1, .disk) },
        in: seeding),
    .init(
        .requestNotServed, .watch, "asked 20 s ago",
        leech { ($0.uploadQueue, $0.lastRequestFromIt) = (1, instant(980)) }, in: seeding),
]

/// How a connection ended or did not begin, and the reason that its peer must get.
struct LedgerScenario: Sendable, CustomStringConvertible {
    let reason: PeerReason
    let name: String
    let torrent: TorrentSnapshot

    init(
        _ reason: PeerReason, _ name: String, _ state: TorrentState = .downloading,
        _ change: (inout TorrentSnapshot) -> Void
    ) {
        self.reason = reason
        self.name = name
        self.torrent = StallDiagnosisTests.torrent(state, change)
    }

    init(_ reason: PeerReason, _ end: CloseReason, reached stage: PeerStage? = nil) {
        self.init(reason, "\(end)") { $0.ledger = ledger(end, reached: stage) }
    }

    var description: String { "\(self.reason.code): \(self.name)" }
}

let ledgerScenarios: [LedgerScenario] = [
    .init(.noAddressUsable, "port 0") {
        $0.ledger.noted(address(1).with(port: 0), source: .tracker, at: instant(900))
    },
    .init(.queued, "never tried") { $0.ledger.noted(address(1), source: .dht, at: instant(900)) },
    .init(.queued, "waits for a place") { $0.ledger.queued(address(1), at: instant(900)) },
    .init(.dialling, "under way") { $0.ledger.dialling(address(1), at: instant(999)) },
    .init(.handshaking, "came in, no handshake yet") {
        $0.ledger.connected(address(1), direction: .incoming, at: instant(999))
    },
    .init(.backingOff, "had sent, is tried again in a minute") {
        $0.ledger = ledger(.closedByPeer, reached: .transferring, retryIn: 60)
    },
    .init(.utpFailed, "no answer over uTP") {
        $0.ledger.dialling(address(1), transport: .utp, at: instant(900))
        $0.ledger.closed(address(1), .connectTimeout, at: instant(905))
    },
    .init(.encryptionNeeded, "we never encrypt") {
        $0.session.encryption = .off
        $0.ledger = ledger(.resetBeforeHandshake)
    },
    .init(.refused, .refused), .init(.unreachable, .unreachable), .init(.connectTimeout, .connectTimeout),
    .init(.localFailure, .localFailure(code: 24)),
    .init(.resetBeforeHandshake, .resetBeforeHandshake),
    .init(.closedBeforeHandshake, .closedBeforeHandshake),
    .init(.handshakeTimeout, .handshakeTimeout), .init(.notBitTorrent, .badHandshake),
    .init(.encryptionRefused, .encryptionRequired),
    .init(.encryptionFailed, .encryptionFailed(.negotiation)),
    .init(.wrongInfoHash, .wrongInfoHash), .init(.ownConnection, .ownConnection),
    .init(.duplicate, .duplicateConnection), .init(.notInTorrent, .notInTorrent),
    .init(.closedAfterHandshake, .closedByPeer, reached: .handshaken),
    .init(.closedAfterHandshake, .resetByPeer, reached: .interested),
    .init(.wentAway, .closedByPeer, reached: .unchoked),
    .init(.wentAway, .socketFailure(code: 32), reached: .transferring),
    .init(.inactive, .inactive, reached: .bitfield), .init(.bothSeeds, .bothSeeds, reached: .bitfield),
    .init(.banned, .banned), .init(.bannedForCorruption, .corruptData, reached: .transferring),
    .init(.badMetadata, .badMetadata, reached: .handshaken),
    .init(.noPlace, .tooManyConnections), .init(.notUseful, .notUseful, reached: .bitfield),
    .init(.weStopped, .torrentStopped), .init(.weStopped, .torrentRemoved), .init(.weStopped, .shutDown),
    .init(.brokeProtocol, .frameTooLong(announced: .max)),
    .init(.brokeProtocol, .badLength(message: 4, length: 3)), .init(.brokeProtocol, .outOfRange(message: 6)),
    .init(.brokeProtocol, .badBitfield), .init(.brokeProtocol, .unexpectedMessage(14)),
    .init(.brokeProtocol, .badExtensionMessage), .init(.brokeProtocol, .unrequestedBlock),
    .init(.brokeProtocol, .tooManyBadRequests),
]
