import SQLiteStore
import SwarmTypes
import TestKit
import Testing

@testable import ChangeJournal

@Suite("Change journal, many torrents", .serialized)
struct JournalSizeTests {
    let directory = TemporaryDirectory()

    /// The first cycle over a large client. The time allowed is for an optimised build, and the best of three
    /// files counts; without optimisation only the result is judged.
    @Test("A batch of 27,000 is recorded in less than 250 ms, confirmed, and read back row by row")
    func manyTorrents() throws {
        let changes = (0..<27_000).map { change($0, from: .kib(1), to: .kib(10)) }
        let clock = ContinuousClock()
        var best = Duration.seconds(60)
        for file in 0..<3 {
            let path = self.directory.file("journal-\(file).db")
            let journal = try ChangeJournal(path: path)
            var batch: JournalBatch?
            let beginning = try clock.measure { batch = try journal.begin(changes, at: at(1)) }
            best = min(best, beginning)
            let recorded = try #require(batch)
            let confirming = try clock.measure {
                try journal.confirm(recorded, outcomes: changes.map { _ in .confirmed }, at: at(2))
            }
            var rows = 0
            let reading = try clock.measure { try journal.forEachOriginal(.unrestored) { _ in rows += 1 } }
            #expect(rows == 27_000)
            #expect(try journal.openIntents().isEmpty)
            let checking = try clock.measure { try journal.database.checkIntegrity() }
            print(
                """
                27,000 changes: begin \(beginning), confirm \(confirming), read originals \(reading), check the \
                file \(checking)
                """)
        }
        #if !DEBUG
            #expect(best < .milliseconds(250))
        #endif
    }

    @Test("A journal with a long history opens at once")
    func opening() throws {
        let path = self.directory.file("journal.db")
        do {
            let journal = try ChangeJournal(path: path)
            for round in 0..<4 {
                let batch = try journal.begin(
                    (0..<25_000).map { change($0, to: .kib(10)) }, at: at(Int64(round)))
                try journal.confirm(
                    batch, outcomes: (0..<25_000).map { _ in .confirmed }, at: at(Int64(round)))
            }
        }
        var open: [JournalEntry]?
        let opening = try ContinuousClock().measure { open = try ChangeJournal(path: path).openIntents() }
        #expect(open == [])
        print("100,000 rows of history: opened in \(opening)")
        #if !DEBUG
            #expect(opening < .milliseconds(50))
        #endif
    }
}
