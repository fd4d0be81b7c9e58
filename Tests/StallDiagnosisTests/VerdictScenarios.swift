import StallDiagnosis
import SwarmTypes

/// A torrent in one state, and the verdict that it must get.
struct VerdictScenario: Sendable, CustomStringConvertible {
    let name: String
    let code: VerdictCode
    let torrent: TorrentSnapshot

    init(
        _ code: VerdictCode, _ name: String, _ state: TorrentState = .downloading,
        _ change: (inout TorrentSnapshot) -> Void = { _ in }
    ) {
        self.name = name
        self.code = code
        self.torrent = StallDiagnosisTests.torrent(state, change)
    }

    var description: String { "\(self.code.code): \(self.name)" }
}

let stoppedScenarios: [VerdictScenario] = [
    .init(.torrentError, "it stopped by itself", .failed("cannot rename")),
    .init(.diskFull, "the disk is full while it runs") { $0.disk = .full },
    .init(.diskFull, "it stopped for a full disk", .failed("no space")) { $0.disk = .full },
    .init(.diskReadOnly, "the folder cannot be written") { $0.disk = .readOnly },
    .init(.diskFailing, "the disk fails") { $0.disk = .failing("input/output error") },
    .init(.filesMissing, "the files are gone", .seeding) { $0.disk = .filesMissing },
    .init(.filesChanged, "somebody wrote into a file", .seeding) { $0.disk = .filesChanged },
    .init(.paused, "paused by hand, whatever the disk", .paused) { $0.disk = .full },
    .init(.queued, "third in the queue", .queued(place: 3)),
    .init(.checking, "half verified", .checking(piecesDone: 50)),
    .init(.nothingWanted, "all that is selected is here") { $0.pieces.missing = 0 },
]

let movingScenarios: [VerdictScenario] = [
    .init(.progressing, "blocks come") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 100_000)
        $0.traffic.lastReceived = instant(999)
        $0.peers = [openPeer()]
        $0.ledger = ledger(.refused, .connectTimeout)
    },
    .init(.limitedByCap, "the tracker's cap is used up") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 100_000)
        $0.traffic.downCaps = [
            CapSnapshot(owner: .global, limit: ByteRate(bytesPerSecond: 900_000), rate: .zero),
            CapSnapshot(
                owner: .tracker("example"), limit: ByteRate(bytesPerSecond: 105_000),
                rate: ByteRate(bytesPerSecond: 100_000)),
        ]
    },
    .init(.limitedByCap, "every request waits for a bucket") {
        $0.peers = [openPeer { $0.downWait = .cap(.global) }]
    },
    .init(.diskOverloaded, "blocks come faster than the disk writes") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 100_000)
        $0.disk = .overloaded
    },
    .init(.diskOverloaded, "nothing comes because the disk is behind") {
        $0.peers = [openPeer { $0.downWait = .disk }]
        $0.disk = .overloaded
    },
    .init(.corruptData, "more pieces fail than pass") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 100_000)
        $0.pieces.recentlyCorrupt = 5
        $0.pieces.recentlyVerified = 2
    },
    .init(.corruptData, "every peer was banned for its data") {
        $0.ledger = ledger(.corruptData, .corruptData, reached: .transferring)
    },
    .init(.lastPiecesOnePeer, "one slow peer has the rest") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 2000)
        $0.traffic.lastReceived = instant(998)
        $0.pieces.missing = 2
        $0.pieces.missingWithOnePeer = 2
        $0.pieces.onlyHolder = address(1)
        $0.peers = [openPeer { $0.downRate = ByteRate(bytesPerSecond: 2000) }]
    },
    .init(.progressing, "the rest is with one peer, and it is fast") {
        $0.traffic.downRate = ByteRate(bytesPerSecond: 2_000_000)
        $0.pieces.missing = 2
        $0.pieces.missingWithOnePeer = 2
    },
]

let machineScenarios: [VerdictScenario] = [
    .init(.tooManyOpenFiles, "connecting failed for descriptors") {
        $0.ledger = ledger(.localFailure(code: 24), .localFailure(code: 24))
    },
    .init(.tooManyOpenFiles, "the session ran out of descriptors") {
        $0.session.isOutOfDescriptors = true
        $0.session.descriptorLimit = 64
    },
    .init(.localPortsExhausted, "no local port") { $0.ledger = ledger(.localFailure(code: 99)) },
    .init(.localFirewall, "the firewall here forbids it") { $0.ledger = ledger(.localFailure(code: 1)) },
    .init(.localFailure, "another error of the machine") { $0.ledger = ledger(.localFailure(code: 105)) },
    .init(.noNetwork, "peers and tracker are out of reach") {
        $0.ledger = ledger(.unreachable, .unreachable)
        $0.trackers = [tracker(.failing(.nameNotFound))]
    },
    .init(.noNetwork, "the network is down") { $0.ledger = ledger(.localFailure(code: 100)) },
    .init(.noIPv6Route, "only IPv6 peers, none can be reached") {
        for number in 1...3 as ClosedRange<UInt64> {
            $0.ledger.dialling(address6(number), at: instant(900))
            $0.ledger.closed(address6(number), .unreachable, at: instant(901))
        }
        $0.trackers = [tracker(.working)]
    },
    .init(.outboundBlocked, "three torrents and no connection") {
        $0.ledger = ledger(.connectTimeout, .connectTimeout, .refused)
        $0.session.torrentsDialling = 3
        $0.session.torrentsNeverConnected = 3
    },
    .init(.allTimedOut, "two torrents are too few to blame the line") {
        $0.ledger = ledger(.connectTimeout, .connectTimeout)
        $0.session.torrentsDialling = 2
        $0.session.torrentsNeverConnected = 2
    },
    .init(.allTimedOut, "another torrent connects, so the line is well") {
        $0.ledger = ledger(.connectTimeout, .connectTimeout)
        $0.session.torrentsDialling = 5
        $0.session.torrentsNeverConnected = 4
    },
]

let sourceScenarios: [VerdictScenario] = [
    .init(.noPeerSource, "no tracker, no DHT, no peer by hand"),
    .init(.privateWithoutTracker, "private, and its tracker is switched off") {
        $0.isPrivate = true
        $0.trackers = [tracker(.disabled)]
        $0.session.dhtNodes = 300
    },
    .init(.dhtNotReady, "only the DHT, with three nodes") { $0.session.dhtNodes = 3 },
    .init(.nobodyFound, "only the DHT, which works") { $0.session.dhtNodes = 300 },
    .init(.trackerNotAsked, "the first announce is under way") { $0.trackers = [tracker(.announcing)] },
    .init(.trackerUnregistered, "the tracker does not know it") {
        $0.isPrivate = true
        $0.trackers = [tracker(.failing(.saidNo), words: "Torrent not registered with this tracker.")]
    },
    .init(.trackerUnregistered, "also while we seed with peers connected", .seeding) {
        $0.trackers = [tracker(.failing(.saidNo), words: "unregistered torrent")]
        $0.peers = [peer()]
    },
    .init(.trackerUnregistered, "private, and the peers of old refuse") {
        $0.isPrivate = true
        $0.ledger = ledger(.refused)
        $0.trackers = [tracker(.failing(.saidNo), words: "unregistered torrent")]
    },
    .init(.allRefused, "public, and only one tracker does not know it") {
        $0.ledger = ledger(.refused)
        $0.trackers = [tracker(.failing(.saidNo), words: "unregistered torrent")]
    },
    .init(.trackerRefusesClient, "the tracker bans the client") {
        $0.trackers = [tracker(.failing(.saidNo), words: "Your client is not on our whitelist")]
    },
    .init(.trackerRefusesAccount, "the pass key is wrong") {
        $0.trackers = [tracker(.failing(.saidNo), words: "Passkey not found")]
    },
    .init(.trackerSaysNo, "words that nobody knows") {
        $0.trackers = [tracker(.failing(.saidNo), words: "come back tomorrow")]
    },
    .init(.trackerHTTPError, "502") { $0.trackers = [tracker(.failing(.httpStatus(502)))] },
    .init(.trackerBadAnswer, "a login page") { $0.trackers = [tracker(.failing(.badAnswer))] },
    .init(.trackerCertificate, "an old certificate") { $0.trackers = [tracker(.failing(.certificate))] },
    .init(.trackerNameNotFound, "no such name") { $0.trackers = [tracker(.failing(.nameNotFound))] },
    .init(.trackerTimedOut, "no answer") { $0.trackers = [tracker(.failing(.timedOut))] },
    .init(.trackerUnreachable, "refused") { $0.trackers = [tracker(.failing(.refused))] },
    .init(.trackerBackingOff, "down for hours, next try in half an hour") {
        $0.trackers = [
            tracker(.failing(.timedOut)) {
                $0.failures = 9
                $0.nextAnnounce = instant(2800)
            }
        ]
    },
    .init(.trackerReturnedNone, "the tracker knows nobody else") {
        $0.trackers = [
            tracker(.failing(.timedOut)),
            tracker(.working) {
                $0.peersReturned = 0
                $0.nextAnnounce = instant(2000)
            },
        ]
    },
    .init(.onlyOurselves, "the tracker returned our own address") {
        $0.ledger = ledger(.ownConnection)
        $0.trackers = [tracker(.working)]
    },
    .init(.noUsableAddress, "port 0") {
        $0.ledger.noted(address(1).with(port: 0), source: .tracker, at: instant(900))
    },
    .init(.connectionLimit, "the session is full") {
        $0.ledger.queued(address(1), at: instant(900))
        $0.counts.sessionConnections = 500
        $0.counts.maximumSessionConnections = 500
    },
]

let reachingScenarios: [VerdictScenario] = [
    .init(.connecting, "one is being dialled") { $0.ledger.dialling(address(1), at: instant(998)) },
    .init(.connecting, "three failed, others were not tried yet") {
        $0.ledger = ledger(.refused, .refused, .refused)
        $0.ledger.noted(address(1), source: .tracker, at: instant(900))
    },
    .init(.connecting, "ten refused in the first seconds, one is being dialled") {
        $0.since = instant(990)
        $0.ledger = ledger(
            .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused
        )
        $0.ledger.dialling(address(1), at: instant(999))
    },
    .init(.allRefused, "ten failed, others were not tried yet") {
        $0.ledger = ledger(
            .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused
        )
        $0.ledger.noted(address(1), source: .tracker, at: instant(900))
    },
    .init(.allRefused, "the only peer refused twice, and is dialled a third time") {
        $0.ledger = ledger(.refused)
        $0.ledger.dialling(address(100), at: instant(999))
        $0.peers = [
            PeerSnapshot(
                address: address(100), source: .tracker, direction: .outgoing, stage: .dialling,
                since: instant(999))
        ]
    },
    .init(.handshakesSilent, "the only peer is dialled again, after it was silent") {
        $0.ledger = ledger(.handshakeTimeout)
        $0.ledger.dialling(address(100), at: instant(999))
    },
    .init(.noBitfields, "the only peer is dialled again, after it said nothing") {
        $0.ledger = ledger(.inactive, reached: .handshaken)
        $0.ledger.dialling(address(100), at: instant(999))
    },
    .init(.tooManyOpenFiles, "the only peer is dialled again, after descriptors had run out") {
        $0.ledger = ledger(.localFailure(code: 24))
        $0.ledger.dialling(address(100), at: instant(999))
    },
    .init(.allUnreachable, "the only peer is dialled again, after there was no way") {
        $0.ledger = ledger(.unreachable)
        $0.ledger.dialling(address(100), at: instant(999))
    },
    .init(.connectionLimit, "two failed, and there is no place to try the others") {
        $0.ledger = ledger(.refused, .refused)
        $0.ledger.queued(address(1), at: instant(900))
        ($0.counts.halfOpen, $0.counts.maximumHalfOpen) = (100, 100)
    },
    .init(.connecting, "known to the engine only") { $0.counts.known = 3 },
    .init(.allRefused, "the only peer refuses") { $0.ledger = ledger(.refused) },
    .init(.allRefused, "nine of ten refuse") {
        $0.ledger = ledger(
            .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused, .refused,
            .connectTimeout)
    },
    .init(.allUnreachable, "no way to them, the tracker works") {
        $0.ledger = ledger(.unreachable, .unreachable)
        $0.trackers = [tracker(.working)]
    },
    .init(.allTimedOut, "nobody answers") { $0.ledger = ledger(.connectTimeout, .connectTimeout) },
    .init(.allReset, "reset at once") { $0.ledger = ledger(.resetBeforeHandshake) },
    .init(.allClosedEarly, "early end") { $0.ledger = ledger(.closedBeforeHandshake) },
    .init(.handshakesSilent, "accepted and silent") { $0.ledger = ledger(.handshakeTimeout) },
    .init(.notBitTorrent, "a web server") { $0.ledger = ledger(.badHandshake) },
    .init(.peersSpeakPlain, "we require encryption") {
        $0.session.encryption = .require
        $0.ledger = ledger(.encryptionRequired)
    },
    .init(.peersRequireEncryption, "we never encrypt, and they leave at once") {
        $0.session.encryption = .off
        $0.ledger = ledger(.closedBeforeHandshake, .resetBeforeHandshake)
    },
    .init(.encryptionFailed, "the key exchange breaks") {
        $0.ledger = ledger(.encryptionFailed(.keyExchange))
    },
    .init(.wrongInfoHash, "they share something else") { $0.ledger = ledger(.wrongInfoHash) },
    .init(.closedAfterHandshake, "full or banned") {
        $0.ledger = ledger(.closedByPeer, reached: .handshaken)
    },
    .init(.allBanned, "a filter rule") { $0.ledger = ledger(.banned) },
    .init(.protocolErrors, "a frame of 4 GiB") {
        $0.ledger = ledger(.frameTooLong(announced: .max), reached: .handshaken)
    },
    .init(.nobodyConnects, "every attempt fails differently") {
        $0.ledger = ledger(.refused, .connectTimeout, .handshakeTimeout, .resetBeforeHandshake)
    },
    .init(.noBitfields, "silent after the handshake until we gave up") {
        $0.ledger = ledger(.inactive, .inactive, reached: .handshaken)
    },
    .init(.noBitfields, "silent after the handshake, and tried again in a minute") {
        $0.ledger = ledger(.inactive, .inactive, reached: .handshaken, retryIn: 60)
    },
    .init(.allChoked, "choked us until it fell silent") {
        $0.ledger = ledger(.inactive, reached: .interested)
    },
    .init(.requestsTimeOut, "unchoked us and fell silent") {
        $0.ledger = ledger(.inactive, reached: .unchoked)
    },
    .init(.everybodyLeft, "they had sent, and left") {
        $0.ledger = ledger(.closedByPeer, .inactive, reached: .transferring, retryIn: 60)
    },
    .init(.everybodyLeft, "half of them were never reached, as is normal") {
        $0.ledger = ledger(.refused, .connectTimeout)
        for number in 1...2 as ClosedRange<UInt32> {
            $0.ledger.connected(address(number), direction: .outgoing, at: instant(100))
            $0.ledger.transferred(down: 1, with: address(number), at: instant(101))
            $0.ledger.closed(address(number), .closedByPeer, at: instant(900))
        }
    },
]
