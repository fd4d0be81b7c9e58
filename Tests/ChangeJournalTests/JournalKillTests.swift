import Glibc
import SQLiteStore
import SwarmTypes
import TestKit
import Testing

@testable import ChangeJournal

private let batchSize = 60

/// What the child does until it is killed: batch after batch, half of them confirmed. After each call that
/// returned it appends one byte to a file, which is its word that the call's effect is durable.
private func recordForever(in directory: String, killAtStep fatalStep: Int) throws {
    let journal = try ChangeJournal(path: directory + "/journal.db")
    let word = open(directory + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var step = 0
    journal.database.beforeStep = { () throws(StoreFailure) in
        step += 1
        if step == fatalStep { kill(getpid(), SIGKILL) }
    }
    for round in 0..<1000 {
        let changes = (0..<batchSize).map { change(round * 30 + $0, from: .kib(Int64(round)), to: .kib(10)) }
        let batch = try journal.begin(changes, at: at(Int64(round)))
        write(word, "b", 1)
        try journal.confirm(
            batch, outcomes: [IntentState](repeating: .confirmed, count: batchSize), at: at(1))
        write(word, "c", 1)
    }
}

@Suite("Change journal, killed", .serialized)
struct JournalKillTests {
    /// Steps 1 to about 250 cover a whole begin and confirm; the others fall into later rounds.
    @Test(
        "Killed at any step, the journal opens, holds whole batches only, and all that was acknowledged",
        arguments: 0..<24)
    func killed(seed: Int) async throws {
        let directory = TemporaryDirectory()
        let path = directory.path
        let fatalStep = seed < 8 ? 1 + seed : 9 + seed * seed * 5
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, fatalStep = fatalStep as Int] in
            try recordForever(in: path, killAtStep: fatalStep)
        }
        let acknowledged = try acknowledgements(in: path)
        let journal = try ChangeJournal(path: directory.file("journal.db"))
        try journal.database.checkIntegrity()

        let history = try journal.history(limit: .max)
        let batches = Dictionary(grouping: history, by: \.batch)
        #expect(batches.values.allSatisfy { $0.count == batchSize })
        #expect(batches.values.allSatisfy { batch in Set(batch.map(\.state)).count == 1 })
        #expect(batches.count >= acknowledged.begun && batches.count <= acknowledged.begun + 1)
        let confirmed = batches.values.count { $0.first?.state == .confirmed }
        #expect(confirmed >= acknowledged.confirmed && confirmed <= acknowledged.confirmed + 1)
        #expect(try journal.openIntents().count == batchSize * (batches.count - confirmed))

        // Batches overlap by half: a torrent's original is what its first batch found.
        let firstFrom = Dictionary(history.reversed().map { ($0.change.key, $0.change.from) }) { first, _ in
            first
        }
        let originals = try journal.originals()
        #expect(Dictionary(originals.map { ($0.key, $0.original) }) { first, _ in first } == firstFrom)
        _ = try journal.begin([change(1_000_000, to: .kib(1))], at: at(5))
    }

    private func acknowledgements(in directory: String) throws -> (begun: Int, confirmed: Int) {
        let file = open(directory + "/acknowledged", O_RDONLY)
        guard file >= 0 else { return (0, 0) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &bytes, bytes.count)
        let read = bytes.prefix(max(0, count))
        return (read.count { $0 == UInt8(ascii: "b") }, read.count { $0 == UInt8(ascii: "c") })
    }
}
