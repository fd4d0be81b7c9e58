import StallDiagnosis
import SwarmTypes
import Testing

@Suite("What people and programs are shown")
struct RenderingTests {
    /// Two connected peers and two that refuse, with a foreign escape sequence wherever one can be.
    private let report = DiagnosisReport(
        torrent {
            $0.name = "a\u{1B}[2Jb"
            $0.peers = [
                peer(age: 400) {
                    $0.clientName = "Client\r1.0"
                    $0.targetDepth = 8
                },
                peer(2, age: 30) { ($0.hasBitfield, $0.neededPieceCount) = (false, 0) },
            ]
            $0.ledger = ledger(.refused, .refused, retryIn: 300)
            $0.trackers = [
                tracker(.working, words: "new\nrules") {
                    ($0.peersReturned, $0.seeds, $0.leechers) = (4, 1, 3)
                    $0.nextAnnounce = instant(1030)
                }
            ]
            $0.traffic.requestsSent = 3
            $0.traffic.deepestPipeline = 2
        })

    @Test("The line under the progress bar ends with the remedy only where there is a problem")
    func oneLine() {
        #expect(
            self.report.verdict.oneLine
                == "The only peer with what we need chokes us, the longest for 6 min. Demand is higher than "
                + "supply: wait. A reachable port and a higher upload cap help.")
        let early = diagnose(torrent { $0.peers = [peer(age: 30)] })
        #expect(
            early.oneLine
                == "The only peer with what we need chokes us still, the longest for 30 s; up to 5 min are normal."
        )
    }

    @Test("The answer to why: verdict, evidence, remedy, peers by reason, trackers in their own words")
    func whyLines() {
        let expected = """
            a\\u001b[2Jb (abababababababababababababababababababab)
              The only peer with what we need chokes us, the longest for 6 min.
              code: all_choked, severity: problem
              evidence: 2 peers connected; 1 of them has what we need; 1 of these chokes us; the longest for 6 min; \
            we gave them 0 B
              what to do: Demand is higher than supply: wait. A reachable port and a higher upload cap help.
            Peers: 4, of them 2 connected
              2 × refused [expected]: It answered that nobody listens there: offline, or the port is closed.
                  192.0.2.100:6881: refused; that was 80 s ago; next try in 5 min
                  and 1 more
              1 × choked [problem]: It chokes us: it gives its slots to others.
                  192.0.2.1:6881: choked for 6 min; never unchoked us; we gave it 0 B
              1 × no_bitfield_yet [watch]: It did not say what it has.
                  192.0.2.2:6881: no bitfield for 30 s
            Trackers: 1
              https://tracker.example/announce: works; it says: "new\\nrules"; 4 peers in its last answer; 1 seed; \
            3 leeches; asked again in 30 s
            """
        #expect(self.report.lines(examples: 1).joined(separator: "\n") == expected)
    }

    @Test("The block for the log: flags, bitfield, pipeline and activity of each peer, then the statistics")
    func logBlock() {
        let expected = """
            === PEER DIAGNOSTICS: a\\u001b[2Jb ===
            Verdict: The only peer with what we need chokes us, the longest for 6 min. [all_choked]
            Peer 192.0.2.1:6881 (Client\\r1.0): choked, choked for 6 min; never unchoked us; we gave it 0 B
              State: they_choke=true, we_interested=true, we_choke=true, they_interested=false
              Bitfield: has 100 pieces, 90 that we need
              Pipeline: 0 of 8 requests pending
              Can download: false
              Last activity: 400.0 s ago
            and 1 more
            Reasons: 2 refused, 1 choked, 1 no_bitfield_yet
            Progress: 10/100 pieces (10.0 %)
            Pipeline: 3 requests sent, 0 blocks received, 0 timeouts, deepest: 2
            Peers: 2 connected, 0 active, 0 pending requests
            Attempts: 2 made, 0 handshakes, 0 incoming
            === END PEER DIAGNOSTICS ===
            """
        #expect(self.report.logBlock(peers: 1).joined(separator: "\n") == expected)
        #expect(DiagnosisReport(torrent()).logBlock()[2] == "No peer is connected")
    }

    @Test("The tree has stable names, and foreign text as it came")
    func tree() throws {
        let tree = self.report.tree
        #expect(tree["name"] == .text("a\u{1B}[2Jb"))
        #expect(tree["id"] == .text(exampleID.hex))
        #expect(tree["verdict"]?["code"] == .text("all_choked"))
        #expect(tree["verdict"]?["severity"] == .text("problem"))
        #expect(tree["pieces"]?["missing"] == .integer(90))
        guard case .list(let peers)? = tree["peers"], case .list(let others)? = tree["not_connected"],
            case .list(let trackers)? = tree["trackers"]
        else { throw NotThere() }
        #expect(peers.map { $0["reason"] } == [.text("choked"), .text("no_bitfield_yet")])
        #expect(peers.map { $0["pieces"] } == [.integer(100), .null])
        #expect(peers[0]["they_choke"] == .flag(true))
        #expect(peers[0]["last_activity"] == .number(400))
        #expect(others.map { $0["address"] } == [.text("192.0.2.100:6881"), .text("192.0.2.101:6881")])
        #expect(others[0]["last_outcome"] == .text("refused") && others[0]["attempts"] == .integer(1))
        #expect(trackers[0]["words"] == .text("new\nrules"))
        #expect(trackers[0]["announce_in"] == .number(30))
        #expect(tree["closures"]?["refused"] == .integer(2))
    }

    @Test(
        "Text that could steer a terminal is spelled out, and cut when it is too long",
        arguments: [
            ("plain é 漢 🙂", "plain é 漢 🙂"), ("a\r\n\tb", "a\\r\\n\\tb"), ("\u{1B}[0m", "\\u001b[0m"),
            ("\u{9B}\u{7F}\u{0}", "\\u009b\\u007f\\u0000"), ("a\u{202E}b\u{2066}", "a\\u202eb\\u2066"),
            ("\u{2028}\u{FEFF}\u{200B}", "\\u2028\\ufeff\\u200b"), ("\u{E0041}", "\\ue0041"),
        ])
    func visible(text: String, shown: String) {
        #expect(visibleText(text) == shown)
        #expect(visibleText(String(repeating: "x", count: 10), limit: 4) == "xxxx…")
    }

    @Test(
        "Durations, rates and shares read well at every size",
        arguments: [
            (119.9, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (7500, "2 h 5 min"),
            (172_800, "2 days"), (-5, "0 s"),
        ] as [(Double, String)])
    func durations(seconds: Double, spelled: String) {
        let late = torrent { $0.peers = [peer { $0.theyChoke.since = now.advanced(bySeconds: -seconds) }] }
        let fact = diagnose(peer: late.peers[0], in: late).evidence.first { $0.name == "choked_for" }
        #expect(fact?.phrase == "choked for \(spelled)")
    }

    @Test(
        "Rates are in powers of 1024 with one decimal",
        arguments: [
            (1023, "1023 B/s"), (1024, "1.0 KiB/s"), (1_048_575, "1.0 MiB/s"), (1_572_864, "1.5 MiB/s"),
            (.max, "8388608.0 TiB/s"),
        ] as [(Int64, String)])
    func rates(bytes: Int64, spelled: String) {
        let moving = torrent { $0.traffic.downRate = ByteRate(bytesPerSecond: bytes) }
        #expect(diagnose(moving).headline == "Receives \(spelled).")
    }

    @Test("What moves is told with how many take part")
    func parts() {
        let moving = torrent {
            $0.traffic.downRate = ByteRate(bytesPerSecond: 3072)
            $0.peers = [
                openPeer { ($0.downRate, $0.lastReceived) = (ByteRate(bytesPerSecond: 3072), now) }, peer(2),
                peer(3),
            ]
        }
        #expect(diagnose(moving).headline == "Receives 3.0 KiB/s from 1 of 3 peers; 2 choke us.")
        let seeding = torrent(.seeding) {
            $0.traffic.upRate = ByteRate(bytesPerSecond: 512)
            $0.peers = [leech { ($0.upRate, $0.lastSent) = (ByteRate(bytesPerSecond: 512), now) }]
        }
        #expect(diagnose(seeding).headline == "Sends 512 B/s to 1 of 1 peer.")
    }

    @Test("Nearly all is never shown as all")
    func shares() {
        let checking = torrent(.checking(piecesDone: 99_999)) { $0.pieces.total = 100_000 }
        #expect(diagnose(checking).headline == "The data on disk is being verified: 99.9 %.")
    }
}

private struct NotThere: Error {}
