import Glibc
import SQLiteStore
import SwarmTypes
import TestKit
import Testing

@testable import ChangeJournal

@Suite("Change journal, when something fails")
struct JournalFailureTests {
    let directory = TemporaryDirectory()
    var path: String { self.directory.file("journal.db") }

    /// Fails the n-th step of whatever `body` does, for every n until it succeeds.
    /// - Returns: How many steps it takes when nothing fails.
    private func failEachStep(
        _ journal: ChangeJournal, _ body: () throws -> Void, afterEachFailure check: () throws -> Void
    ) throws -> Int {
        for failing in 1..<10_000 {
            var step = 0
            journal.database.beforeStep = { () throws(StoreFailure) in
                step += 1
                if step == failing { throw StoreFailure(.full, path: "injected") }
            }
            defer { journal.database.beforeStep = nil }
            do {
                try body()
                return failing - 1
            } catch {
                journal.database.beforeStep = nil
                #expect(error as? JournalFailure == .store(StoreFailure(.full, path: "injected")))
                try check()
            }
        }
        Issue.record("never succeeded")
        return 0
    }

    @Test("Whichever step of recording fails, nothing is recorded, and the next try succeeds")
    func beginFails() throws {
        let journal = try ChangeJournal(path: self.path)
        let changes = (0..<5).map { change($0, to: .kib(10), in: $0 % 2 == 0 ? "first" : "second") }
        var batch: JournalBatch?
        let steps = try self.failEachStep(journal) {
            batch = try journal.begin(changes, at: at(1))
        } afterEachFailure: { () throws in
            #expect(try journal.openIntents().isEmpty)
            #expect(try journal.originals(.all).isEmpty)
            #expect(try journal.database.firstInt64("SELECT count(*) FROM batches") == 0)
            #expect(try journal.database.firstInt64("SELECT count(*) FROM instances") == 0)
        }
        #expect(steps > 12)
        #expect(try journal.openIntents().map(\.change) == changes)
        #expect(batch?.count == 5)
    }

    @Test("Whichever step of confirming fails, the whole batch stays open")
    func confirmFails() throws {
        let journal = try ChangeJournal(path: self.path)
        let changes = (0..<5).map { change($0, to: .kib(10), restores: $0 == 4) }
        let batch = try journal.begin(changes, at: at(1))
        let before = try journal.originals()
        let outcomes: [IntentState] = [.confirmed, .failed, .drifted, .gone, .confirmed]
        let steps = try self.failEachStep(journal) {
            try journal.confirm(batch, outcomes: outcomes, at: at(2))
        } afterEachFailure: { () throws in
            #expect(try journal.openIntents().count == 5)
            #expect(try journal.originals() == before)
        }
        #expect(steps > 8)
        #expect(try journal.openIntents().isEmpty)
        #expect(try journal.history(limit: 10).map(\.state) == outcomes.reversed())
        #expect(try journal.originals().map(\.key).sorted() == (0..<4).map { key($0) }.sorted())
    }

    @Test("Whichever step of an update fails, no part of it is done")
    func updateFails() throws {
        let journal = try ChangeJournal(path: self.path)
        _ = try journal.begin((0..<4).map { change($0, to: .kib(10)) }, at: at(1))
        let before = try journal.originals(.all)
        let keys = (0..<4).map { key($0) }
        let updates: [() throws -> Void] = [
            { try journal.setOurs(keys.map { ($0, .kib(7)) }) },
            { try journal.setForeign(keys) },
            { try journal.markRestored(keys, at: at(9)) },
            { try journal.forget(keys) },
        ]
        for update in updates {
            var previous = try journal.originals(.all)
            #expect(previous.count == before.count)
            let steps = try self.failEachStep(journal, update) { () throws in
                #expect(try journal.originals(.all) == previous)
            }
            #expect(steps >= 5)
            #expect(try journal.originals(.all) != previous)
            previous = []
        }
    }

    @Test("On a full disk nothing is recorded, it is said, and with space again recording goes on")
    func diskFull() throws {
        let journal = try ChangeJournal(path: self.path)
        _ = try journal.begin([change(0, to: .kib(1))], at: at(1))
        let pages = try #require(try journal.database.firstInt64("PRAGMA page_count"))
        try journal.database.execute("PRAGMA max_page_count = \(pages + 3)")
        let many = (1..<2000).map { change($0, to: .kib(10)) }
        #expect(throws: JournalFailure.store(StoreFailure(.full, path: self.path))) {
            try journal.begin(many, at: at(2))
        }
        #expect(try journal.openIntents().count == 1)
        #expect(try journal.originals().count == 1)
        try journal.database.execute("PRAGMA max_page_count = 1000000")
        _ = try journal.begin(many, at: at(3))
        #expect(try journal.openIntents().count == 2000)
    }

    @Test("A journal that another process holds, or that may not be written, is refused by name")
    func refused() throws {
        let journal = try ChangeJournal(path: self.path)
        #expect(throws: JournalFailure.store(StoreFailure(.locked(byProcess: getpid()), path: self.path))) {
            try ChangeJournal(path: self.path)
        }
        withExtendedLifetime(journal) {}
        #expect(throws: JournalFailure.self) { try ChangeJournal(path: "/sys/kernel/weir/journal.db") }
    }

    @Test("A row that no version of Weir writes is an error, never a missing torrent")
    func unreadable() throws {
        let journal = try ChangeJournal(path: self.path)
        _ = try journal.begin([change(0, to: .kib(1))], at: at(1))
        try journal.database.execute("UPDATE intents SET torrent = x'00', state = 0")
        #expect(throws: JournalFailure.self) { try journal.openIntents() }
        try journal.database.execute("UPDATE intents SET state = 77")
        #expect(throws: JournalFailure.self) { try journal.history(limit: 1) }
    }

    @Test("Outcomes that do not fit the batch are refused whole")
    func outcomeCount() throws {
        let journal = try ChangeJournal(path: self.path)
        let batch = try journal.begin([change(0, to: .kib(1)), change(1, to: .kib(1))], at: at(1))
        #expect(throws: JournalFailure.outcomeCount(expected: 2, found: 1)) {
            try journal.confirm(batch, outcomes: [.confirmed], at: at(2))
        }
        #expect(try journal.openIntents().count == 2)
    }
}
