import ChangeJournal
import SQLiteStore
import SwarmTypes
import TestKit
import Testing

@Suite("Change journal")
struct ChangeJournalTests {
    let directory = TemporaryDirectory()

    private func open() throws -> ChangeJournal { try ChangeJournal(path: self.directory.file("journal.db")) }

    private func apply(_ changes: [JournalChange], to journal: ChangeJournal, at time: WallTime = at(1))
        throws
    {
        let batch = try journal.begin(changes, at: time)
        try journal.confirm(batch, outcomes: changes.map { _ in .confirmed }, at: time)
    }

    @Test("What is begun is open after a restart, exactly as it was given")
    func openAfterRestart() throws {
        let changes = [
            change(1, from: .unlimited, to: .kib(10)),
            change(1, from: .kib(3), to: .unlimited, in: "other", restores: true),
            change(2, from: .bytesPerSecond(0), to: .bytesPerSecond(.max)),
        ]
        _ = try self.open().begin(changes, at: at(77))
        let found = try self.open().openIntents()
        #expect(found.map(\.change) == changes)
        #expect(found.allSatisfy { $0.at == at(77) && $0.state == .open })
    }

    @Test("The original is the limit before the first change, whatever follows")
    func originalStays() throws {
        let journal = try self.open()
        try self.apply([change(1, from: .kib(500), to: .kib(100))], to: journal)
        try self.apply([change(1, from: .kib(100), to: .kib(40))], to: journal)
        try self.apply([change(1, from: .kib(999), to: .kib(40))], to: journal)
        let original = try #require(try self.reopened(journal).original(of: key(1)))
        #expect(original.original == .kib(500))
        #expect(original.ours == .kib(40))
        #expect(original.restoredAt == nil)
    }

    private func reopened(_ journal: consuming ChangeJournal) throws -> ChangeJournal { journal }

    @Test("An intent that was never confirmed keeps the original, and is not taken for ours")
    func unconfirmed() throws {
        let journal = try self.open()
        for state in [IntentState.failed, .drifted, .gone] {
            let batch = try journal.begin([change(1, from: .kib(8), to: .kib(4))], at: at(1))
            try journal.confirm(batch, outcomes: [state], at: at(2))
            #expect(try journal.original(of: key(1))?.ours == nil)
            #expect(try journal.original(of: key(1))?.original == .kib(8))
        }
        #expect(try journal.history(limit: 9).map(\.state) == [.gone, .drifted, .failed])
    }

    @Test("A confirmed change that gives the torrent back ends our answering; a later one starts anew")
    func givenBack() throws {
        let journal = try self.open()
        try self.apply([change(1, from: .kib(500), to: .kib(100))], to: journal)
        try self.apply([change(1, from: .kib(100), to: .kib(500), restores: true)], to: journal, at: at(9))
        #expect(try journal.originals().isEmpty)
        #expect(try journal.originals(.all).map(\.restoredAt) == [at(9)])

        try self.apply([change(1, from: .unlimited, to: .kib(30))], to: journal, at: at(10))
        let again = try #require(try journal.originals().first)
        #expect(again.original == .unlimited)
        #expect(again.takenAt == at(10))
        #expect(again.ours == .kib(30))
    }

    @Test("A give-back that was not confirmed leaves the torrent in the rollback")
    func notGivenBack() throws {
        let journal = try self.open()
        try self.apply([change(1, from: .kib(500), to: .kib(100))], to: journal)
        let batch = try journal.begin([change(1, from: .kib(100), to: .kib(500), restores: true)], at: at(2))
        try journal.confirm(batch, outcomes: [.failed], at: at(3))
        #expect(try journal.originals().map(\.original) == [.kib(500)])
    }

    @Test("The same torrent in two instances is two originals, and instances are kept by name")
    func instances() throws {
        let journal = try self.open()
        try self.apply(
            [
                change(1, from: .kib(1), to: .kib(9), in: "b"),
                change(1, from: .kib(2), to: .kib(9), in: "a"),
            ], to: journal)
        #expect(try journal.original(of: key(1, in: "a"))?.original == .kib(2))
        #expect(try journal.original(of: key(1, in: "b"))?.original == .kib(1))
        #expect(try journal.original(of: key(1, in: "c")) == nil)
        #expect(try journal.originals().count == 2)
    }

    @Test("Marks: ours, foreign, restored and forgotten each change only what they say")
    func marks() throws {
        let journal = try self.open()
        try self.apply((0..<4).map { change($0, from: .kib(5), to: .kib(9)) }, to: journal)
        try journal.setOurs([(key(0), .unlimited)])
        try journal.setForeign([key(1)])
        try journal.markRestored([key(2)], at: at(4))
        try journal.markRestored([key(2)], at: at(5))
        try journal.forget([key(3), key(9), key(0, in: "nowhere")])
        let all = Dictionary(try journal.originals(.all).map { ($0.key, $0) }) { first, _ in first }
        #expect(all.count == 3)
        #expect(all[key(0)]?.ours == .unlimited && all[key(0)]?.isForeign == false)
        #expect(all[key(1)]?.ours == .kib(9) && all[key(1)]?.isForeign == true)
        #expect(all[key(2)]?.restoredAt == at(4))
        try journal.setForeign([key(1)], false)
        #expect(try journal.original(of: key(1))?.isForeign == false)
    }

    @Test("An intent keeps its first outcome, and settling one twice does not miscount")
    func settledOnce() throws {
        let journal = try self.open()
        let batch = try journal.begin([change(1, to: .kib(1)), change(2, to: .kib(1))], at: at(1))
        for state in [IntentState.failed, .confirmed] {
            try journal.settle([IntentOutcome(intent: batch.intent(0), state: state)], at: at(2))
        }
        #expect(try journal.openIntents().map(\.intent) == [batch.intent(1)])
        #expect(try journal.history(limit: 9).map(\.state) == [.open, .failed])
        #expect(try journal.original(of: key(1))?.ours == nil)
    }

    @Test("History is newest first, bounded, and can be of one torrent")
    func history() throws {
        let journal = try self.open()
        for round in 0..<5 {
            try self.apply(
                [change(1, to: .kib(Int64(round))), change(2, to: .kib(7))], to: journal, at: at(Int64(round))
            )
        }
        #expect(try journal.history(limit: 3).count == 3)
        #expect(try journal.history(limit: 0).isEmpty)
        let one = try journal.history(limit: 100, torrent: torrent(1))
        #expect(one.map(\.change.to) == (0..<5).reversed().map { .kib(Int64($0)) })
        #expect(one.map(\.at) == (0..<5).reversed().map { at(Int64($0)) })
    }

    @Test("Settings survive a restart, each instance has its own, and nil takes one away")
    func settings() throws {
        do {
            let journal = try self.open()
            try journal.set(.isPaused, to: "true")
            try journal.set(.rolloutPercentage, to: "10")
            try journal.set(.rolloutPercentage, to: "50")
            try journal.set(.refusedCredentials(instance: "a"), to: "feed")
        }
        let journal = try self.open()
        #expect(try journal.setting(.isPaused) == "true")
        #expect(try journal.setting(.rolloutPercentage) == "50")
        #expect(try journal.setting(.refusedCredentials(instance: "a")) == "feed")
        #expect(try journal.setting(.refusedCredentials(instance: "b")) == nil)
        try journal.set(.isPaused, to: nil)
        #expect(try journal.setting(.isPaused) == nil)
    }

    @Test("Pruning drops what is old and settled; open intents and unrestored originals stay for ever")
    func prune() throws {
        let journal = try self.open()
        let day: Int64 = 86_400
        try self.apply(
            [change(1, from: .kib(3), to: .kib(1)), change(2, to: .kib(1))], to: journal, at: at(0))
        try journal.markRestored([key(2)], at: at(0))
        let open = try journal.begin([change(3, to: .kib(1))], at: at(0))
        try self.apply([change(4, to: .kib(1))], to: journal, at: at(20 * day))
        #expect(try journal.prune(at: at(31 * day)) == 2)
        #expect(try journal.openIntents().map(\.intent) == [open.intent(0)])
        #expect(try journal.history(limit: 9).count == 2)
        #expect(Set(try journal.originals(.all).map(\.key)) == [key(1), key(3), key(4)])
        #expect(try journal.original(of: key(1))?.original == .kib(3))
        try journal.confirm(open, outcomes: [.confirmed], at: at(31 * day))
        #expect(try journal.openIntents().isEmpty)
    }

    @Test("Pruning keeps the newest hundred thousand rows, and numbers are never given twice")
    func pruneRows() throws {
        let journal = try self.open()
        for round in 0..<6 {
            try self.apply((0..<20_000).map { change($0 % 100, to: .kib(Int64(round))) }, to: journal)
        }
        #expect(try journal.prune(at: at(2)) == 20_000)
        #expect(try journal.history(limit: .max).count == 100_000)
        #expect(try journal.prune(at: at(40 * 86_400)) == 100_000)
        let next = try journal.begin([change(1, to: .kib(1))], at: at(3))
        #expect(try journal.openIntents().map(\.intent) == [next.intent(0)])
        #expect(next.intent(0).rawValue == 120_001)
    }

    @Test("A backup holds the originals and can be opened as a journal")
    func backup() throws {
        let journal = try self.open()
        try self.apply([change(1, from: .kib(3), to: .kib(1))], to: journal)
        try journal.backup(to: self.directory.file("copy.db"))
        let copy = try ChangeJournal(path: self.directory.file("copy.db"))
        #expect(try copy.originals() == journal.originals())
    }

    /// Against a model: any order of changes, outcomes, marks and restarts.
    @Test("The rollback plan is always each torrent's limit from before the first change", arguments: 0..<200)
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var journal = try self.open()
        var expected: [JournalKey: UploadLimit] = [:]
        var current: [JournalKey: UploadLimit] = [:]
        for round in 0..<Int.random(in: 1...8, using: &random) {
            let numbers = (0..<6).filter { _ in Bool.random(using: &random) }
            let changes = numbers.map { number in
                let restores = expected[key(number)] != nil && Int.random(in: 0..<4, using: &random) == 0
                let from = current[key(number)] ?? .kib(Int64(100 + number))
                let to =
                    restores
                    ? expected[key(number)] ?? .unlimited : .kib(Int64.random(in: 1...50, using: &random))
                return change(number, from: from, to: to, restores: restores)
            }
            for change in changes where expected[change.key] == nil { expected[change.key] = change.from }
            let batch = try journal.begin(changes, at: at(Int64(round)))
            if Bool.random(using: &random) {
                (journal) = try ChangeJournal(
                    path: self.directory.file("\(seed)-\(round).db"), replacing: journal)
            }
            let outcomes = changes.map { _ in
                IntentState.allCases.dropFirst().randomElement(using: &random) ?? .failed
            }
            try journal.confirm(batch, outcomes: outcomes, at: at(Int64(round)))
            for (change, outcome) in zip(changes, outcomes) where outcome == .confirmed {
                current[change.key] = change.to
                if change.restoresOriginal { expected[change.key] = nil }
            }
            let plan = try journal.originals()
            #expect(Dictionary(plan.map { ($0.key, $0.original) }) { first, _ in first } == expected)
            #expect(Set(plan.map(\.key)).count == plan.count)
        }
    }
}

extension ChangeJournal {
    /// The same journal in a new file, as after a backup was restored.
    fileprivate convenience init(path: String, replacing old: ChangeJournal) throws {
        try old.backup(to: path)
        try self.init(path: path)
    }
}
