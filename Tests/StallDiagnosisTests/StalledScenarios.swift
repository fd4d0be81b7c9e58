import StallDiagnosis
import SwarmTypes

let metadataScenarios: [VerdictScenario] = [
    .init(.metadataOnTheWay, "asked a second ago", .fetchingMetadata) {
        $0.peers = [peer { $0.metadata = .requested(at: instant(999)) }]
    },
    .init(.metadataNotOffered, "nobody has the extension", .fetchingMetadata) {
        $0.peers = [peer { $0.metadata = .none }]
    },
    .init(.metadataRefused, "the one that has the extension has no metadata", .fetchingMetadata) {
        $0.peers = [peer { $0.metadata = .none }, peer(2) { $0.metadata = .rejected }]
    },
    .init(.metadataCorrupt, "what came has another hash", .fetchingMetadata) {
        $0.peers = [peer { $0.metadata = .none }]
        $0.ledger = ledger(.badMetadata, reached: .handshaken)
    },
    .init(.metadataSilent, "asked two minutes ago", .fetchingMetadata) {
        $0.peers = [peer(age: 130) { $0.metadata = .requested(at: instant(880)) }]
    },
    .init(.allRefused, "a magnet link whose peers refuse", .fetchingMetadata) {
        $0.ledger = ledger(.refused)
    },
]

let stalledScenarios: [VerdictScenario] = [
    .init(.waitingForBitfields, "the first peer has just shaken hands") {
        $0.peers = [peer(age: 2) { $0.hasBitfield = false }]
    },
    .init(.waitingForBitfields, "a fresh one beside one without use") {
        $0.peers = [
            peer { $0.neededPieceCount = 0 },
            peer(2, age: 2) { ($0.hasBitfield, $0.neededPieceCount) = (false, 0) },
        ]
    },
    .init(.noBitfields, "nobody says what it has") {
        $0.peers = [peer { $0.hasBitfield = false }, peer(2) { $0.hasBitfield = false }]
    },
    .init(.missingPieces, "all peers are stuck at the same place") {
        $0.peers = [peer { ($0.pieceCount, $0.neededPieceCount) = (98, 0) }]
        $0.pieces.have = 98
        $0.pieces.missing = 2
        $0.pieces.missingWithNobody = 2
        $0.pieces.examplesWithNobody = [17, 44]
    },
    .init(.seedsNotReached, "the same, and the tracker counts seeds") {
        $0.peers = [peer { $0.neededPieceCount = 0 }]
        $0.pieces.missingWithNobody = 90
        $0.trackers = [tracker(.working) { $0.seeds = 3 }]
    },
    .init(.connecting, "the first peer has nothing, others are being dialled") {
        $0.since = instant(990)
        $0.peers = [peer(age: 5) { $0.neededPieceCount = 0 }]
        $0.ledger.dialling(address(2), at: instant(999))
    },
    .init(.notInterested, "we forgot to say that we want it") {
        $0.peers = [peer { $0.weInterested = TimedFlag(false, since: instant(900)) }]
    },
    .init(.waitingForUnchoke, "its bitfield has just come") {
        $0.peers = [peer(age: 1) { $0.weInterested = TimedFlag(false, since: instant(999)) }]
    },
    .init(.requestsOnTheWay, "it has just unchoked us") { $0.peers = [openPeer(age: 1)] },
    .init(.requestsOnTheWay, "the last blocks are asked of another") {
        $0.pieces.isEverythingRequested = true
        $0.peers = [openPeer()]
    },
    .init(.waitingForUnchoke, "connected for four minutes") {
        $0.peers = [peer(age: 240), peer(2, age: 10)]
    },
    .init(.waitingForUnchoke, "choked for long, but one had given us a slot a minute ago") {
        $0.peers = [
            peer(age: 900),
            peer(2, age: 900) {
                $0.theyChoke = TimedFlag(true, since: instant(940))
                $0.timesUnchokedUs = 2
            },
        ]
    },
    .init(.allChoked, "five minutes and nobody unchokes") { $0.peers = [peer(age: 300), peer(2, age: 10)] },
    .init(.chokedNothingGiven, "leeches choke who gives nothing") {
        $0.peers = [peer(age: 300) { $0.pieceCount = 50 }]
    },
    .init(.allChoked, "leeches choke although we gave") {
        $0.peers = [
            peer(age: 300) {
                $0.pieceCount = 50
                $0.bytesUp = 1
            }
        ]
    },
    .init(.requestsOnTheWay, "asked a second ago") {
        $0.peers = [
            openPeer(age: 2) {
                $0.outstandingRequests = 4
                $0.oldestRequest = instant(999)
                $0.lastActivity = instant(999)
            }
        ]
    },
    .init(.requestsTimeOut, "unchoked, then stalled") {
        $0.peers = [
            openPeer {
                $0.isSnubbed = true
                $0.outstandingRequests = 1
                $0.timeouts = 3
            }
        ]
    },
    .init(.requestsTimeOut, "deadlines pass all the time") {
        $0.traffic.requestsSent = 40
        $0.traffic.requestsTimedOut = 30
        $0.traffic.blocksReceived = 4
        $0.peers = [
            openPeer {
                $0.outstandingRequests = 4
                $0.oldestRequest = instant(999)
                $0.lastActivity = instant(999)
            }
        ]
    },
    .init(.allRejecting, "it rejects all that we ask") { $0.peers = [openPeer { $0.rejects = 12 }] },
    .init(.peersSilent, "requests are out, the line is dead") {
        $0.peers = [
            openPeer {
                $0.outstandingRequests = 4
                $0.oldestRequest = instant(930)
                $0.lastActivity = instant(930)
            }
        ]
    },
    .init(.nothingRequested, "unchoked, and we ask nothing") { $0.peers = [openPeer()] },
]

let seedingScenarios: [VerdictScenario] = [
    .init(.uploading, "bytes go out", .seeding) {
        $0.traffic.upRate = ByteRate(bytesPerSecond: 5000)
        $0.traffic.lastSent = instant(999)
        $0.trackers = [tracker(.failing(.saidNo), words: "unregistered torrent")]
    },
    .init(.uploadCapped, "as fast as the tracker's cap lets", .seeding) {
        $0.traffic.upRate = ByteRate(bytesPerSecond: 5000)
        $0.traffic.upCaps = [
            CapSnapshot(
                owner: .tracker("example"), limit: ByteRate(bytesPerSecond: 5000),
                rate: ByteRate(bytesPerSecond: 5000))
        ]
    },
    .init(.uploadCapped, "a cap of zero", .seeding) {
        $0.traffic.upCaps = [CapSnapshot(owner: .global, limit: .zero, rate: .zero)]
        $0.peers = [
            leech {
                $0.uploadQueue = 3
                $0.upWait = .cap(.global)
            }
        ]
    },
    .init(.portInUse, "the port is taken", .seeding) { $0.session.listening = .portInUse(6881) },
    .init(.notListening, "the port cannot be opened", .seeding) {
        $0.session.listening = .failed("permission denied")
    },
    .init(.notConnectable, "leeches exist and nobody ever came in", .seeding) {
        $0.session.listening = .open(port: 6881)
        $0.trackers = [tracker(.working) { $0.leechers = 4 }]
    },
    .init(.nobodyWantsIt, "no leeches anywhere", .seeding) {
        $0.session.listening = .open(port: 6881)
        $0.trackers = [tracker(.working) { $0.leechers = 0 }]
    },
    .init(.waitingForLeeches, "connectable, the tracker does not count", .seeding) {
        $0.session.listening = .open(port: 6881)
        $0.session.hadIncoming = true
        $0.trackers = [tracker(.working)]
    },
    .init(.trackerNotAsked, "the first announce is under way", .seeding) {
        $0.trackers = [tracker(.announcing)]
    },
    .init(.trackerTimedOut, "nobody comes, and the tracker is down", .seeding) {
        $0.trackers = [tracker(.failing(.timedOut))]
    },
    .init(.allPeersSeeds, "everybody connected is complete", .seeding) { $0.peers = [peer(), peer(2)] },
    .init(.allPeersSeeds, "they left because both sides are complete", .seeding) {
        $0.session.listening = .open(port: 6881)
        $0.ledger = ledger(.bothSeeds, .closedByPeer, reached: .handshaken)
    },
    .init(.nobodyInterested, "a leech wants nothing of us", .seeding) {
        $0.peers = [leech { $0.theyInterested = TimedFlag(false, since: instant(900)) }]
    },
    .init(.noUploadSlot, "all slots are taken", .seeding) {
        $0.counts.uploadSlots = 4
        $0.counts.uploadSlotsUsed = 4
        $0.peers = [leech { $0.weChoke = TimedFlag(true, since: instant(900)) }]
    },
    .init(.nobodyAsks, "a slot and no request", .seeding) { $0.peers = [leech()] },
    .init(.peersReadSlowly, "its window is full", .seeding) {
        $0.peers = [
            leech {
                $0.uploadQueue = 3
                $0.isSendBufferFull = true
            }
        ]
    },
    .init(.readingDisk, "the disk is slow", .seeding) {
        $0.peers = [
            leech {
                $0.uploadQueue = 3
                $0.upWait = .disk
            }
        ]
    },
    .init(.aboutToSend, "it has just asked", .seeding) {
        $0.peers = [
            leech {
                $0.uploadQueue = 3
                $0.lastRequestFromIt = instant(999.9)
            }
        ]
    },
    .init(.requestsNotServed, "it asked a minute ago", .seeding) {
        $0.peers = [
            leech {
                $0.uploadQueue = 3
                $0.lastRequestFromIt = instant(930)
            }
        ]
    },
    .init(.allRefused, "connectable, and the leeches refuse", .seeding) {
        $0.session.listening = .open(port: 6881)
        $0.session.hadIncoming = true
        $0.ledger = ledger(.refused)
    },
]

let allScenarios =
    stoppedScenarios + movingScenarios + machineScenarios + sourceScenarios + reachingScenarios
    + metadataScenarios + stalledScenarios + seedingScenarios
