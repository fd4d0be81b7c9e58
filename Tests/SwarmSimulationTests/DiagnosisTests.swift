import StallDiagnosis
import SwarmCore
import SwarmSimulator
import SwarmTypes
import Testing

@Suite("Diagnosis in a simulated swarm")
struct DiagnosisTests {
    @Test("Names the cause it was given", arguments: Cause.all)
    func names(_ cause: Cause) {
        let verdict = cause.run()
        #expect(
            cause.verdicts.contains(verdict.code), "\(verdict.headline) \(verdict.evidence.map(\.phrase))")
        if let reason = cause.reason {
            let found = verdict.contributors.map(\.reason)
            #expect(found.contains(reason), "\(found)")
        }
    }

    @Test("Knows at least 95 of a hundred of many causes, and leaves none unexplained")
    func share() {
        let verdicts = Cause.all.map { ($0, $0.run().code) }
        let right = verdicts.count { $0.verdicts.contains($1) }
        #expect(Cause.all.count >= 30)
        #expect(right * 100 >= 95 * verdicts.count, "\(right) of \(verdicts.count)")
        #expect(!verdicts.contains { $0.1 == .unexplained })
    }
}

extension Cause {
    static let all = beforeHandshake + afterHandshake + requests + trackers + ownSide + seeding

    private static let beforeHandshake: [Cause] = [
        .among(.refuses, [.allRefused], .refused, after: 60),
        .among(.unreachable, [.allUnreachable], .unreachable, after: 60),
        .among(.dropsDials, [.allTimedOut], .connectTimeout, after: 60),
        .among(.resetsAtOnce, [.allReset], .resetBeforeHandshake, after: 60),
        .among(.closesAtOnce, [.allClosedEarly], .closedBeforeHandshake, after: 60),
        .among(.saysNothing, [.handshakesSilent], .handshakeTimeout, after: 60),
        .among(.speaksHTTP, [.notBitTorrent], .notBitTorrent, after: 60),
        .among(.wrongTorrent, [.wrongInfoHash], .wrongInfoHash, after: 60, encryption: .off),
        .among(.wantsEncryption, [.peersRequireEncryption], .encryptionNeeded, after: 60, encryption: .off),
        .among(.breaksEncryption, [.encryptionFailed], .encryptionFailed, after: 60, encryption: .require),
        Cause(
            "plain peers dial one that requires encryption", [.peersSpeakPlain], .encryptionRefused, after: 30
        ) {
            world in
            world.tracker.onlyNames = []
            let engine = EngineHost(0, in: world, encryption: .require)
            world.add(engine)
            for _ in 0..<3 {
                let odd = OddHost(world.hosts.count, in: world, .honest)
                world.add(odd)
                odd.dial(engine.address)
            }
            return engine
        },
        .alone("IPv6 without a route", .noIPv6Route) { world, _ in
            world.tracker.onlyNames = (1...3).map {
                PeerAddress(high: 0x2001_0db8 << 32, low: $0, port: 6881)
            }
        },
        .alone("only addresses that are none", .noUsableAddress) { world, _ in
            world.tracker.onlyNames = [SwarmSimulation.address(9).with(port: 0)]
        },
        .alone("only its own address", .onlyOurselves) { world, engine in
            world.tracker.onlyNames = [engine.address]
        },
    ]

    private static let afterHandshake: [Cause] = [
        .among(.closesAfterHandshake, [.closedAfterHandshake], .closedAfterHandshake, after: 60),
        .among(.handshakeOnly, [.noBitfields], .noBitfieldYet, after: 100),
        // They are dialled again after they fell silent.
        .among(.handshakeOnly, [.noBitfields, .waitingForBitfields], after: 200),
        .among(.noBitfield, [.noBitfields], .noBitfieldYet, after: 400),
        .among(.noBitfield, [.waitingForBitfields], .noBitfieldYet, after: 8),
        .among(.hasNothing, [.missingPieces], .nothingWeNeed, after: 60),
        .among(
            .hasNothing, [.seedsNotReached], .nothingWeNeed, after: 60,
            { world, _ in world.tracker.seeds = 4 }),
        .among(.badBitfield, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.pieceOutOfRange, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.fastWithoutFast, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.oversizedFrame, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.badLengthFrame, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.badExtension, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.asksNonsense, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.exchangesTooOften, [.protocolErrors], .brokeProtocol, after: 60),
        .among(.offersNoMetadata, [.metadataNotOffered], .metadataNotOffered, after: 60, start: .magnet),
        .among(.rejectsMetadata, [.metadataRefused], .metadataRejected, after: 60, start: .magnet),
        .among(.keepsMetadata, [.metadataSilent], .metadataRequested, after: 100, start: .magnet),
    ]

    private static let requests: [Cause] = [
        .among(.chokesForEver, [.waitingForUnchoke], .choked, after: 30),
        .among(.chokesForEver, [.allChoked], .choked, after: 400),
        .among(
            .chokesAsLeech, [.chokedNothingGiven], .chokedNothingGiven, after: 400,
            start: .pieces(somePieces([3, 4]))),
        .among(.chokesAfterUnchoke, [.waitingForUnchoke], .choked, after: 60),
        .among(.stalls, [.requestsTimeOut], .snubbed, after: 100),
        .among(.stallsSilently, [.requestsTimeOut, .peersSilent], .snubbed, after: 100),
        .among(.stallsSilently, [.requestsTimeOut], after: 190),
        .among(.rejectsAll, [.allRejecting], .rejecting, after: 100),
        .among(.corruptsAll, [.corruptData], after: 60),
        .among(.floodsUnrequested, [.protocolErrors], .brokeProtocol, after: 60),
        .beside("a good seed", .progressing, after: 15) { _, _ in },
        Cause("one slow seed", [.lastPiecesOnePeer], .sending, after: 15) { world in
            let engine = EngineHost(0, in: world)
            world.add(engine)
            world.add(EngineHost(1, in: world, start: .everything, line: SimulatedLine(up: 10_000)))
            return engine
        },
        Cause("more seeds than blocks", [.requestsOnTheWay], .nothingLeftToAsk, after: 6) { world in
            var pieces = Bitfield(allSet: 16)
            pieces.clear(3)
            let engine = EngineHost(0, in: world, start: .pieces(pieces))
            world.add(engine)
            for number in 1...8 {
                world.add(EngineHost(number, in: world, start: .everything, line: SimulatedLine(up: 2000)))
            }
            return engine
        },
        Cause("seeds that went off", [.everybodyLeft], .wentAway, after: 5) { world in
            let seed = EngineHost(0, in: world, start: .everything, line: SimulatedLine(up: 20_000))
            seed.announces = false
            world.add(seed)
            let engine = EngineHost(1, in: world)
            world.add(engine)
            world.run(seconds: 8)
            seed.pause()
            return engine
        },
    ]

    private static let trackers: [Cause] = [
        .tracker("unregistered", .trackerUnregistered, .saidNo, words: "Unregistered torrent"),
        .tracker("client", .trackerRefusesClient, .saidNo, words: "Your client is not allowed"),
        .tracker("account", .trackerRefusesAccount, .saidNo, words: "Invalid passkey"),
        .tracker("no", .trackerSaysNo, .saidNo, words: "Go away"),
        .tracker("status 503", .trackerHTTPError, .httpStatus(503)),
        .tracker("rubbish", .trackerBadAnswer, .badAnswer),
        .tracker("certificate", .trackerCertificate, .certificate),
        .tracker("name", .trackerNameNotFound, .nameNotFound),
        .tracker("timeout", .trackerTimedOut, .timedOut),
        .tracker("unreachable", .trackerUnreachable, .unreachable),
        .alone("tracker: nobody", .trackerReturnedNone) { _, _ in },
        .alone("tracker: none", .noPeerSource) { _, engine in engine.announces = false },
        .alone("tracker: none for a private one", .privateWithoutTracker, isPrivate: true) { _, engine in
            engine.announces = false
        },
    ]

    private static let ownSide: [Cause] = [
        .alone("paused", .paused) { _, engine in engine.pause() },
        .alone("queued", .queued) { _, engine in engine.state = .queued(place: 2) },
        .alone("checking", .checking) { _, engine in engine.state = .checking(piecesDone: 3) },
        .beside("disk full", .diskFull, after: 30) { _, engine in engine.failDisk(.full) },
        .beside("disk read-only", .diskReadOnly, after: 30) { _, engine in engine.failDisk(.readOnly) },
        .beside("disk failing", .diskFailing, after: 30) { _, engine in engine.failDisk(.failing("I/O error"))
        },
        .beside("files missing", .filesMissing, after: 30) { _, engine in engine.failDisk(.filesMissing) },
        .beside("files changed", .filesChanged, after: 30) { _, engine in engine.failDisk(.filesChanged) },
        .among(.honest, [.tooManyOpenFiles], .localFailure, after: 20, { $1.dialFailure = 24 }),
        .among(.honest, [.localPortsExhausted], .localFailure, after: 20, { $1.dialFailure = 99 }),
        .among(.honest, [.localFirewall], .localFailure, after: 20, { $1.dialFailure = 1 }),
        .among(.honest, [.noNetwork], .localFailure, after: 20, { $1.dialFailure = 101 }),
        .among(.honest, [.localFailure], .localFailure, after: 20, { $1.dialFailure = 12 }),
        .alone("no connection allowed", .connectionLimit) { world, engine in
            engine.otherConnections = 500
            world.tracker.onlyNames = [SwarmSimulation.address(5)]
        },
    ]

    private static let seeding: [Cause] = [
        .seeding("nobody is there", .waitingForLeeches),
        .seeding("nobody wants it", .nobodyWantsIt) { world, _ in world.tracker.leechers = 0 },
        .seeding("no port", .notListening) { _, engine in
            engine.sessionFacts.listening = .failed("no permission")
        },
        .seeding("port in use", .portInUse) { _, engine in engine.sessionFacts.listening = .portInUse(6881) },
        .seeding("behind a firewall", .notConnectable) { world, engine in
            world.tracker.leechers = 3
            engine.isFirewalled = true
        },
        .seeding("leeches want nothing", .nobodyInterested, among: .notInterested),
        .seeding("leeches ask for nothing", .nobodyAsks, among: .interestedOnly),
        .seeding("other seeds", .allPeersSeeds, among: .honest),
        .seeding("a leech", .uploading, after: 20) { world, engine in
            engine.line.upBytesPerSecond = 20_000
            world.add(EngineHost(world.hosts.count, in: world))
        },
    ]

    private static func somePieces(_ pieces: [Int]) -> Bitfield {
        var bits = Bitfield(count: 16)
        for piece in pieces { bits.set(piece) }
        return bits
    }
}
