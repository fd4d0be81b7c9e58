import StallDiagnosis
import SwarmTypes
import Testing

/// The cases of the troubleshooting guide that users of the predecessor know, and the chart for "nothing is
/// downloaded" of the most used library, node by node.
@Suite("The cases of the troubleshooting guides")
struct TroubleshootingGuideTests {
    @Test("Choked though interested is expected at first, and a problem after five minutes")
    func choked() {
        let early = torrent { $0.peers = (1...5).map { peer($0, age: 45) } }
        #expect(diagnose(early).code == .waitingForUnchoke)
        #expect(diagnose(early).severity == .expected)
        let late = torrent { $0.peers = (1...5).map { peer($0, age: 301) } }
        #expect(diagnose(late).code == .allChoked)
        #expect(diagnose(late).severity == .problem)
    }

    @Test(
        "Refused, reset, early end, unreachable and deadline are told apart when all peers do it",
        arguments: [
            (.refused, .allRefused), (.resetBeforeHandshake, .allReset),
            (.closedBeforeHandshake, .allClosedEarly),
            (.unreachable, .allUnreachable), (.connectTimeout, .allTimedOut),
            (.handshakeTimeout, .handshakesSilent),
        ] as [(CloseReason, VerdictCode)])
    func connectionErrors(end: CloseReason, code: VerdictCode) {
        let verdict = diagnose(torrent { $0.ledger = ledger(end, end, end) })
        #expect(verdict.code == code)
        #expect(verdict.severity == .problem)
        #expect(verdict.remedy != nil)
    }

    @Test("Half of the connections failing is normal, all of them failing is not")
    func halfOfConnections() {
        let half = torrent {
            $0.peers = (1...10).map { number in
                openPeer(number) { $0.downRate = ByteRate(bytesPerSecond: 1000) }
            }
            $0.traffic.downRate = ByteRate(bytesPerSecond: 10_000)
            $0.traffic.lastReceived = now
            for number in 100..<110 as Range<UInt32> {
                $0.ledger.dialling(address(number), at: instant(900))
                $0.ledger.closed(
                    address(number), number % 2 == 0 ? .refused : .connectTimeout, at: instant(901))
            }
        }
        #expect(diagnose(half).severity == .expected)
        var all = half
        all.peers = []
        all.traffic.downRate = .zero
        #expect(diagnose(all).code == .nobodyConnects)
        #expect(diagnose(all).severity == .problem)
        #expect(
            diagnose(all).headline.hasPrefix(
                "All 10 attempts to connect failed: 5 connect timeout, 5 refused"))
    }

    @Test("No bitfield from any peer is a problem, from one of several it is not the torrent's")
    func bitfields() {
        let none = torrent {
            $0.peers = [peer { $0.hasBitfield = false }, peer(2) { $0.hasBitfield = false }]
        }
        #expect(diagnose(none).code == .noBitfields)
        let one = torrent { $0.peers = [peer(age: 30) { $0.hasBitfield = false }, peer(2, age: 30)] }
        #expect(diagnose(one).code == .waitingForUnchoke)
    }

    @Test("Deadlines that pass all the time are named")
    func deadlines() {
        let verdict = diagnose(
            torrent {
                $0.peers = [openPeer { $0.isSnubbed = true }, openPeer(2) { $0.timeouts = 4 }]
                $0.traffic.requestsTimedOut = 20
            })
        #expect(verdict.code == .requestsTimeOut)
    }

    @Test("A wrong info-hash, nothing that we need and a dead swarm are told apart")
    func torrentHealth() {
        #expect(diagnose(torrent { $0.ledger = ledger(.wrongInfoHash) }).code == .wrongInfoHash)
        #expect(diagnose(torrent { $0.peers = [peer { $0.neededPieceCount = 0 }] }).code == .missingPieces)
        #expect(diagnose(torrent { $0.trackers = [tracker(.working)] }).code == .trackerReturnedNone)
    }

    @Test("The chart's questions lead to its answers", arguments: chart)
    func chartNodes(scenario: VerdictScenario) {
        #expect(diagnose(scenario.torrent).code == scenario.code)
    }
}

private let chart: [VerdictScenario] = [
    .init(.torrentError, "no peers, and an error", .failed("it broke")),
    .init(.queued, "no peers, paused and managed", .queued(place: 1)),
    .init(.paused, "no peers, paused by hand", .paused),
    .init(.noPeerSource, "no tracker and no DHT"),
    .init(.dhtNotReady, "no tracker, and hardly any DHT nodes") { $0.session.dhtNodes = 5 },
    .init(.nobodyFound, "no tracker, and the DHT finds nobody") { $0.session.dhtNodes = 6 },
    .init(.trackerReturnedNone, "the tracker returned nobody") {
        $0.trackers = [tracker(.working) { $0.peersReturned = 0 }]
    },
    .init(.connectionLimit, "peers were returned, none was tried") {
        $0.trackers = [tracker(.working) { $0.peersReturned = 2 }]
        ($0.counts.known, $0.counts.queued) = (2, 2)
        ($0.counts.connections, $0.counts.maximumConnections) = (0, 0)
        ($0.counts.halfOpen, $0.counts.maximumHalfOpen) = (100, 100)
    },
    .init(.allTimedOut, "peers were tried, and are stale") { $0.ledger = ledger(.connectTimeout) },
    .init(.allChoked, "interested, and nobody unchokes: supply and demand") { $0.peers = [peer(age: 600)] },
    .init(.missingPieces, "not interested in anybody: few seeds, all in lock-step") {
        $0.peers = [peer { ($0.neededPieceCount, $0.pieceCount) = (0, 10) }]
    },
    .init(.diskFull, "writing failed") { $0.disk = .full },
    .init(.limitedByCap, "requests are out, reading waits for a limit") {
        $0.peers = [openPeer { ($0.outstandingRequests, $0.downWait) = (3, .cap(.global)) }]
    },
    .init(.diskOverloaded, "requests are out, reading waits for the disk") {
        $0.peers = [openPeer { ($0.outstandingRequests, $0.downWait) = (3, .disk) }]
    },
    .init(.peersSilent, "requests are out, the socket is open, and nothing comes") {
        $0.peers = [
            openPeer {
                $0.outstandingRequests = 3
                ($0.oldestRequest, $0.lastActivity) = (instant(900), instant(900))
            }
        ]
    },
]
