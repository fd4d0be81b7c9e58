import Foundation
import StallDiagnosis
import Testing

/// The tables of `Documentation/Diagnosis.md`.
private struct DiagnosisTables {
    /// Cells by code, in the order of the text.
    var verdicts: [(code: String, cells: [String])] = []
    var reasons: [(code: String, cells: [String])] = []
    var doctor: [(code: String, cells: [String])] = []

    init() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Documentation/Diagnosis.md")
        var section = ""
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            guard line.hasPrefix("| `") else { continue }
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let row = (cells[0].replacing("`", with: ""), Array(cells.dropFirst()))
            switch section {
            case "Torrents": self.verdicts.append(row)
            case "Peers": self.reasons.append(row)
            default: self.doctor.append(row)
            }
        }
    }
}

@Suite("The documentation of the diagnosis")
struct DocumentationTests {
    @Test("It lists every verdict with its severity, meaning and remedy, in the order of the code")
    func verdicts() throws {
        let rows = try DiagnosisTables().verdicts
        #expect(rows.map(\.code) == VerdictCode.allCases.map(\.code))
        for (code, row) in zip(VerdictCode.allCases, rows) {
            #expect(row.cells == [code.severity.code, code.meaning, row.cells[2], code.remedy ?? ""])
        }
    }

    @Test("It lists every reason of a peer with its meaning and remedy, in the order of the code")
    func reasons() throws {
        let rows = try DiagnosisTables().reasons
        #expect(rows.map(\.code) == PeerReason.allCases.map(\.code))
        for (reason, row) in zip(PeerReason.allCases, rows) {
            #expect(row.cells == [reason.meaning, row.cells[1], reason.remedy ?? ""])
        }
    }

    @Test("It lists every finding of the doctor, in the order of the code")
    func doctor() throws {
        let rows = try DiagnosisTables().doctor
        #expect(rows.map(\.code) == DoctorCode.allCases.map(\.code))
        for (code, row) in zip(DoctorCode.allCases, rows) {
            #expect(row.cells == [code.severity.code, code.meaning, row.cells[2], code.remedy ?? ""])
        }
    }

    @Test("It names the evidence of every scenario")
    func evidence() throws {
        let tables = try DiagnosisTables()
        let verdicts = Dictionary(uniqueKeysWithValues: tables.verdicts)
        for scenario in allScenarios {
            let cell = verdicts[scenario.code.code]?[2] ?? ""
            let common: Set<String> = ["backing_off", "retry_in", "tracker_words"]
            for fact in diagnose(scenario.torrent).evidence
            where !(cell.contains("failed_peers") && common.contains(fact.name)) {
                #expect(cell.contains("`\(fact.name)`"), "\(scenario)")
            }
        }
        let reasons = Dictionary(uniqueKeysWithValues: tables.reasons)
        for scenario in connectedScenarios {
            let cell = reasons[scenario.reason.code]?[1] ?? ""
            for fact in diagnose(peer: scenario.peer, in: scenario.torrent).evidence {
                #expect(cell.contains("`\(fact.name)`"), "\(scenario)")
            }
        }
    }
}
