import StallDiagnosis
import SwarmTypes
import TestKit
import Testing

@Suite("What every diagnosis promises")
struct DiagnosisPropertyTests {
    @Test("Any snapshot gets one verdict, the same each time, and each peer is counted once")
    func totality() {
        for seed in UInt64(0)..<1500 {
            var random = RandomSnapshot(seed: seed)
            let torrent = random.torrent()
            let report = DiagnosisReport(torrent)
            #expect(DiagnosisReport(torrent) == report)
            let connected = Set(torrent.peers.map(\.address))
            let others = torrent.ledger.entries.count { !connected.contains($0.address) }
            let counted = report.verdict.contributors.reduce(0) { $0 + $1.count }
            #expect(counted == torrent.peers.count + others, "seed \(seed)")
            #expect(report.findings.count == counted)
            #expect(!report.verdict.headline.isEmpty)
        }
    }

    @Test("The numbers of the evidence are the snapshot's")
    func evidence() {
        for seed in UInt64(0)..<1500 {
            var random = RandomSnapshot(seed: seed)
            let torrent = random.torrent()
            let established = torrent.peers.filter(\.isEstablished)
            for fact in diagnose(torrent).evidence {
                let expected: Fact.Value? =
                    switch fact.name {
                    case "connected_peers": .count(established.count)
                    case "known_peers": .count(torrent.counts.known)
                    case "missing_pieces": .count(torrent.pieces.missing)
                    case "have_pieces": .count(torrent.pieces.have)
                    case "pieces_with_nobody": .count(torrent.pieces.missingWithNobody)
                    case "recently_corrupt": .count(torrent.pieces.recentlyCorrupt)
                    case "down_rate": .bytes(torrent.traffic.downRate.bytesPerSecond)
                    case "up_rate": .bytes(torrent.traffic.upRate.bytesPerSecond)
                    case "timeouts": .count(torrent.traffic.requestsTimedOut)
                    case "useful_peers": .count(established.count { $0.neededPieceCount > 0 })
                    case "unchoking_peers":
                        .count(established.count { $0.neededPieceCount > 0 && $0.canDownload })
                    case "torrents_never_connected": .count(torrent.session.torrentsNeverConnected)
                    case "upload_slots": .count(torrent.counts.uploadSlots)
                    case "tracker_leeches": torrent.trackers.compactMap(\.leechers).max().map { .count($0) }
                    default: fact.value
                    }
                #expect(fact.value == expected, "seed \(seed) \(fact.name)")
            }
        }
    }

    @Test("The order in which peers are listed changes no verdict")
    func order() {
        for seed in UInt64(0)..<400 {
            var random = RandomSnapshot(seed: seed)
            var torrent = random.torrent()
            let before = diagnose(torrent)
            torrent.peers.shuffle(using: &random.random)
            let after = diagnose(torrent)
            #expect(after.code == before.code, "seed \(seed)")
            #expect(after.contributors.map(\.count) == before.contributors.map(\.count))
        }
    }

    @Test("One more failed peer never turns what moves into a problem")
    func unrelatedFailure() {
        let moving: Set<VerdictCode> = [.progressing, .limitedByCap, .uploading, .uploadCapped]
        var seen = 0
        for seed in UInt64(0)..<3000 {
            var random = RandomSnapshot(seed: seed)
            var torrent = random.torrent()
            let before = diagnose(torrent).code
            guard moving.contains(before), torrent.traffic.downRate > .zero || torrent.traffic.upRate > .zero
            else { continue }
            seen += 1
            torrent.ledger.dialling(address(5000), at: instant(990))
            torrent.ledger.closed(
                address(5000), random.pick([.refused, .badHandshake, .localFailure(code: 24)]), at: now)
            #expect(diagnose(torrent).code == before, "seed \(seed)")
        }
        #expect(seen >= 200)
    }

    @Test("No rendering holds a control character or a mark that turns the writing")
    func visibility() {
        for seed in UInt64(0)..<600 {
            var random = RandomSnapshot(seed: seed)
            let report = DiagnosisReport(random.torrent())
            let lines =
                report.lines() + report.logBlock() + [report.verdict.oneLine] + report.findings.map(\.line)
            for line in lines {
                #expect(!line.unicodeScalars.contains { isHidden($0) }, "seed \(seed): \(line)")
            }
            phrases(report.tree) { phrase in
                #expect(!phrase.unicodeScalars.contains { isHidden($0) }, "seed \(seed): \(phrase)")
            }
        }
    }

    private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
    }

    private func phrases(_ tree: ReportValue, _ body: (String) -> Void) {
        switch tree {
        case .list(let values): for value in values { phrases(value, body) }
        case .record(let members):
            for member in members {
                if member.name == "phrase" || member.name == "headline", case .text(let text) = member.value {
                    body(text)
                }
                phrases(member.value, body)
            }
        default: break
        }
    }
}
