import ChangeJournal
import SwarmTypes
import TestKit
import Testing

@Suite("Change journal, many torrents", .serialized)
struct JournalSizeTests {
    let directory = TemporaryDirectory()

    /// The first cycle over a large client. The time allowed is for an optimised build; without optimisation
    /// only the result is judged.
    @Test("A batch of 27,000 is recorded in less than 250 ms, confirmed, and read back row by row")
    func manyTorrents() throws {
        let journal = try ChangeJournal(path: self.directory.file("journal.db"))
        let changes = (0..<27_000).map { change($0, from: .kib(1), to: .kib(10)) }
        let clock = ContinuousClock()
        var batch: JournalBatch?
        let beginning = try clock.measure { batch = try journal.begin(changes, at: at(1)) }
        let recorded = try #require(batch)
        let confirming = try clock.measure {
            try journal.confirm(recorded, outcomes: changes.map { _ in .confirmed }, at: at(2))
        }
        var rows = 0
        let reading = try clock.measure { try journal.forEachOriginal(.unrestored) { _ in rows += 1 } }
        #expect(rows == 27_000)
        #expect(try journal.openIntents().isEmpty)
        print("27,000 changes: begin \(beginning), confirm \(confirming), read originals \(reading)")
        #if !DEBUG
            #expect(beginning < .milliseconds(250))
        #endif
    }
}
