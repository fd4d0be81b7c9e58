import StallDiagnosis
import SwarmTypes
import Testing

@Suite("The reason of a peer")
struct PeerReasonTests {
    @Test("Each reason of a connection is named, with evidence", arguments: connectedScenarios)
    func connected(scenario: PeerScenario) {
        let finding = diagnose(peer: scenario.peer, in: scenario.torrent)
        #expect(finding.reason == scenario.reason)
        #expect(finding.severity == scenario.severity)
        #expect(finding.address == scenario.peer.address)
        #expect(!finding.evidence.isEmpty)
        #expect(finding.remedy == scenario.reason.remedy)
    }

    @Test("Each reason of a peer without connection is named", arguments: ledgerScenarios)
    func notConnected(scenario: LedgerScenario) throws {
        let entry = try #require(scenario.torrent.ledger.entries.first)
        let finding = diagnose(entry: entry, in: scenario.torrent)
        #expect(finding.reason == scenario.reason)
        if let end = entry.closeReason {
            #expect(finding.evidence.contains { $0.name == "last_outcome" }, "\(end)")
            #expect(finding.evidence.first { $0.name == "outcome_age" }?.value != nil)
        }
    }

    @Test("Every reason has a scenario, a stable code and a meaning")
    func completeness() {
        let covered = Set(connectedScenarios.map(\.reason)).union(ledgerScenarios.map(\.reason))
        #expect(Set(PeerReason.allCases) == covered)
        for reason in PeerReason.allCases {
            #expect(reason.code.allSatisfy { $0.isLowercase || $0 == "_" })
            #expect(reason.meaning.hasSuffix(".") && reason.remedy?.hasSuffix(".") ?? true)
        }
    }

    @Test("Both directions of one connection can be asked for")
    func directions() {
        let both = leech {
            $0.neededPieceCount = 5
            $0.weChoke = TimedFlag(true, since: instant(900))
        }
        #expect(diagnoseReceiving(from: both, in: torrent()).reason == .chokedNothingGiven)
        #expect(diagnoseSending(to: both, in: torrent()).reason == .noSlot)
        #expect(diagnose(peer: both, in: torrent()).reason == .chokedNothingGiven)
        #expect(diagnose(peer: both, in: torrent(.seeding)).reason == .noSlot)
    }

    @Test("A failed peer shows how often it failed, how far it came and when it is tried again")
    func history() throws {
        var ledger = PeerLedger()
        for attempt in 0..<3 {
            ledger.dialling(address(1), at: instant(Double(attempt) * 100))
            ledger.connected(address(1), direction: .outgoing, at: instant(Double(attempt) * 100))
            ledger.reached(.handshaken, by: address(1), at: instant(Double(attempt) * 100))
            ledger.closed(
                address(1), .closedByPeer, at: instant(Double(attempt) * 100), retryAt: instant(1090))
        }
        let entry = try #require(ledger[address(1)])
        let finding = diagnose(entry: entry, in: torrent())
        #expect(
            finding.line
                == "192.0.2.1:6881: closed by peer; that was 13 min ago; 3 times in a row; "
                + "got as far as handshaken; next try in 90 s")
    }

    @Test("A queued peer shows the limit that it waits behind")
    func limits() throws {
        let full = torrent {
            $0.ledger.queued(address(1), at: instant(900))
            ($0.counts.connections, $0.counts.maximumConnections) = (60, 60)
            ($0.counts.halfOpen, $0.counts.maximumHalfOpen) = (3, 100)
        }
        let finding = diagnose(entry: try #require(full.ledger.entries.first), in: full)
        #expect(finding.evidence.map(\.phrase) == ["60 of 60 connections of this torrent in use"])
    }
}
