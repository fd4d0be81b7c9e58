import StallDiagnosis
import SwarmTypes
import Testing

@Suite("The verdict on a torrent")
struct TorrentVerdictTests {
    @Test("Each cause is named", arguments: allScenarios)
    func naming(scenario: VerdictScenario) {
        let verdict = diagnose(scenario.torrent)
        #expect(verdict.code == scenario.code, "\(verdict.headline)")
        #expect(verdict.remedy == verdict.code.remedy)
        #expect(verdict.headline.hasSuffix("."), "\(verdict.headline)")
        #expect(diagnose(scenario.torrent) == verdict)
    }

    @Test("Every cause but the unexplained one has a scenario, and there are more than thirty")
    func completeness() {
        let covered = Set(allScenarios.map(\.code))
        #expect(Set(VerdictCode.allCases).subtracting(covered) == [.unexplained])
        #expect(covered.count >= 30)
    }

    @Test(
        "A problem has a remedy, and what is expected asks for nothing urgent",
        arguments: VerdictCode.allCases)
    func remedies(code: VerdictCode) {
        if code.severity == .problem { #expect(code.remedy != nil) }
        #expect(code.code.allSatisfy { $0.isLowercase || $0 == "_" || $0.isNumber })
        #expect(code.meaning.hasSuffix("."))
        #expect(code.remedy?.hasSuffix(".") ?? true)
    }

    @Test("The evidence of a choked torrent is its numbers")
    func chokeEvidence() {
        let verdict = diagnose(torrent { $0.peers = [peer(age: 400), peer(2, age: 10)] })
        #expect(verdict.code == .allChoked)
        #expect(value("connected_peers", verdict) == .count(2))
        #expect(value("choking_peers", verdict) == .count(2))
        #expect(value("longest_choke", verdict) == .seconds(400))
        #expect(verdict.headline == "Each of the 2 peers with what we need chokes us, the longest for 6 min.")
        #expect(verdict.contributors.map(\.reason) == [.choked])
        #expect(verdict.contributors.first?.severity == .problem)
    }

    @Test("Our own address counts once, and not the port from which we came to ourselves")
    func ownAddresses() {
        var both = ledger(.ownConnection)
        both.connected(address(200).with(port: 40_000), direction: .incoming, at: instant(910))
        both.closed(address(200).with(port: 40_000), .ownConnection, at: instant(911))
        let verdict = diagnose(
            torrent {
                $0.ledger = both
                $0.trackers = [tracker(.working)]
            })
        #expect(verdict.code == .onlyOurselves && value("own_addresses", verdict) == .count(1))
    }

    @Test("A tracker's words are in the headline, and cannot steer a terminal")
    func trackerWords() {
        let words = "Unregistered\u{1B}[31m torrent\n"
        let verdict = diagnose(torrent { $0.trackers = [tracker(.failing(.saidNo), words: words)] })
        #expect(verdict.code == .trackerUnregistered)
        #expect(
            verdict.headline
                == "The tracker does not know this torrent: \"Unregistered\\u001b[31m torrent\\n\".")
        #expect(value("tracker_words", verdict) == .text(words))
    }

    @Test("A hundred refused connections beside one that sends is a healthy torrent")
    func failuresAreNormal() {
        var busy = torrent {
            $0.traffic.downRate = ByteRate(bytesPerSecond: 1)
            $0.peers = [openPeer()]
        }
        let before = diagnose(busy)
        for number in 200..<300 as Range<UInt32> {
            busy.ledger.dialling(address(number), at: instant(900))
            busy.ledger.closed(address(number), .refused, at: instant(901))
            #expect(diagnose(busy).code == before.code)
        }
        #expect(value("failed_peers", diagnose(busy)) == .count(100))
    }

    @Test("Who fails to come in tells nothing about whom we can reach")
    func incomingFailures() {
        var lonely = torrent { $0.ledger = ledger(.refused) }
        for number in 1...20 as ClosedRange<UInt32> {
            lonely.ledger.connected(address(number), direction: .incoming, at: instant(900))
            lonely.ledger.closed(address(number), .badHandshake, at: instant(901))
        }
        #expect(diagnose(lonely).code == .allRefused)
    }

    private func value(_ name: String, _ verdict: TorrentVerdict) -> Fact.Value? {
        verdict.evidence.first { $0.name == name }?.value
    }
}
