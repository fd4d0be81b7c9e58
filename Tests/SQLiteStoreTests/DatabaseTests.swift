import Foundation
import Glibc
import SQLiteStore
import TestKit
import Testing

private let items = [
    Migration("items", ["CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, data BLOB)"])
]

private func failure(_ body: () throws -> Void) -> StoreFailure? {
    do {
        try body()
        return nil
    } catch {
        return error as? StoreFailure
    }
}

@Suite("Database")
struct DatabaseTests {
    let directory = TemporaryDirectory()
    var path: String { self.directory.file("weir.db") }

    private func open(_ migrations: [Migration] = items) throws -> Database {
        try Database(path: self.path, migrations: migrations, busyTimeoutMilliseconds: 0)
    }

    private func fill(rows: Int64) throws {
        let database = try self.open()
        try database.transaction { () throws(StoreFailure) in
            let insert = try database.prepare("INSERT INTO items (name, data) VALUES (?1, ?2)")
            for row in 0..<rows {
                try insert.bind("item \(row)", at: 1)
                try insert.bind([UInt8](repeating: UInt8(truncatingIfNeeded: row), count: 200), at: 2)
                try insert.run()
            }
        }
    }

    @Test("Values come back as they were bound, also the empty and the absent ones")
    func values() throws {
        let database = try self.open()
        let insert = try database.prepare("INSERT INTO items (id, name, data) VALUES (?1, ?2, ?3)")
        for (id, name, data) in [(1, "a\u{0}é😀", [0, 255, 1]), (Int64.max, "", []), (Int64.min, "x", [7])] {
            try insert.bind(id, at: 1)
            try insert.bind(name, at: 2)
            try insert.bind(data.map { UInt8($0) }, at: 3)
            try insert.run()
        }
        let select = try database.prepare("SELECT id, name, data, NULL FROM items ORDER BY id")
        var seen: [(Int64, String, [UInt8])] = []
        while try select.step() {
            seen.append((select.int64(0), select.text(1), select.withBlob(2) { [UInt8]($0) }))
            #expect(select.optionalInt64(3) == nil)
            #expect(select.optionalInt64(0) == select.int64(0))
        }
        #expect(seen.map(\.0) == [Int64.min, 1, Int64.max])
        #expect(seen.map(\.1) == ["x", "a\u{0}é😀", ""])
        #expect(seen.map(\.2) == [[7], [0, 255, 1], []])
    }

    @Test("A transaction that throws leaves nothing, one that returns leaves all")
    func rollback() throws {
        struct Refused: Error {}
        let database = try self.open()
        #expect(throws: Refused.self) {
            try database.transaction(orThrow: { _ in Refused() }) { () throws(Refused) in
                do { try database.execute("INSERT INTO items (id) VALUES (1)") } catch { throw Refused() }
                throw Refused()
            }
        }
        #expect(try database.firstInt64("SELECT count(*) FROM items") == 0)
        try database.transaction { () throws(StoreFailure) in
            try database.execute("INSERT INTO items (id) VALUES (1)")
        }
        #expect(try database.firstInt64("SELECT count(*) FROM items") == 1)
    }

    @Test("The log is written ahead and synced, and foreign keys hold")
    func pragmas() throws {
        let database = try self.open()
        let mode = try database.prepare("PRAGMA journal_mode")
        #expect(try mode.step())
        #expect(mode.text(0) == "wal")
        #expect(try database.firstInt64("PRAGMA synchronous") == 2)
        #expect(try database.firstInt64("PRAGMA foreign_keys") == 1)
        #expect(try database.firstInt64("PRAGMA cache_size") == -512)
    }

    @Test("A missing directory is made, closed to others, as is the file")
    func directories() throws {
        let path = self.directory.file("a/b/weir.db")
        _ = try Database(path: path, migrations: items)
        var status = stat()
        #expect(stat(self.directory.file("a/b"), &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("Migrations are applied once each, in order, and what was there stays")
    func migrations() throws {
        let more = items + [Migration("colour", ["ALTER TABLE items ADD COLUMN colour TEXT DEFAULT 'red'"])]
        try self.fill(rows: 3)
        for _ in 0..<2 {
            let database = try self.open(more)
            #expect(try database.firstInt64("SELECT count(*) FROM items WHERE colour = 'red'") == 3)
            #expect(try database.firstInt64("PRAGMA user_version") == 2)
        }
    }

    @Test("A migration that fails is named and leaves the old schema as it was")
    func failedMigration() throws {
        try self.fill(rows: 2)
        let broken = items + [Migration("colours", ["CREATE TABLE colours (id)", "NO SQL"])]
        let failed = failure { _ = try self.open(broken) }
        #expect(failed?.description.contains("migration 'colours'") == true)
        let database = try self.open()
        #expect(try database.firstInt64("SELECT count(*) FROM items") == 2)
        #expect(try database.firstInt64("SELECT count(*) FROM sqlite_schema WHERE name = 'colours'") == 0)
    }

    @Test("A newer database is refused and left as it is")
    func newer() throws {
        try self.fill(rows: 1)
        _ = try self.open(items + [Migration("next", ["CREATE TABLE next (id)"])])
        let before = try Data(contentsOf: URL(fileURLWithPath: self.path))
        let failed = failure { _ = try self.open() }
        #expect(failed?.reason == .newerSchema(found: 2, known: 1))
        #expect(failed?.description.contains(self.path) == true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == before)
    }

    @Test("Another program's database is refused unless its tables are expected")
    func foreign() throws {
        let maker = try Database(path: self.path, migrations: items)
        try maker.execute("PRAGMA application_id = 0")
        #expect(failure { _ = try Database(path: self.path + "2", migrations: items) } == nil)
        withExtendedLifetime(maker) {}
        try reopenedAsForeign()
        func reopenedAsForeign() throws {
            let copy = self.directory.file("copy.db")
            try maker.backup(to: copy)
            let failed = failure { _ = try Database(path: copy, migrations: []) }
            #expect(failed?.reason == .foreign(tables: ["items"]))
            _ = try Database(path: copy, migrations: [], foreignTables: ["items"])
        }
    }

    @Test("A file that is no database is refused and left as it is")
    func noDatabase() throws {
        let text = Data(repeating: 65, count: 5000)
        try text.write(to: URL(fileURLWithPath: self.path))
        #expect(failure { _ = try self.open() }?.reason == .notADatabase)
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == text)
    }

    @Test(
        "A database cut short at any page is refused and left as it is",
        arguments: [0, 1, 100, 2048, 4096, 8192, 40960])
    func cutShort(length: Int) throws {
        try self.fill(rows: 500)
        let whole = try Data(contentsOf: URL(fileURLWithPath: self.path))
        try #require(whole.count > 40960)
        try whole.prefix(length).write(to: URL(fileURLWithPath: self.path))
        let failed = failure { _ = try self.open() }
        switch failed?.reason {
        case .damaged, .notADatabase: break
        default: Issue.record("opened, or another failure: \(String(describing: failed))")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)).count == length)
    }

    @Test("A database without its last byte, or without its log, is refused and left as it is")
    func partOfIt() throws {
        try self.fill(rows: 500)
        let whole = try Data(contentsOf: URL(fileURLWithPath: self.path))
        let short = whole.dropLast()
        try short.write(to: URL(fileURLWithPath: self.path))
        guard case .damaged = failure({ _ = try self.open() })?.reason else {
            Issue.record("a database was opened without its last byte")
            return
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == short)

        let (first, copy) = (self.directory.file("first.db"), self.directory.file("copy.db"))
        let open = try Database(path: first, migrations: items)
        for suffix in ["", ".lock", "-shm"] {
            try FileManager.default.copyItem(atPath: first + suffix, toPath: copy + suffix)
        }
        #expect(failure { _ = try Database(path: copy, migrations: items) }?.reason == .logMissing)
        try FileManager.default.removeItem(atPath: copy + "-shm")
        guard case .damaged = failure({ _ = try Database(path: copy, migrations: items) })?.reason else {
            Issue.record("a database was opened without its log and its index")
            return
        }
        // Once it is folded, the file alone is whole.
        try open.foldLog()
        for suffix in ["", ".lock"] {
            try FileManager.default.removeItem(atPath: copy + suffix)
            try FileManager.default.copyItem(atPath: first + suffix, toPath: copy + suffix)
        }
        let again = try Database(path: copy, migrations: items)
        #expect(try again.firstInt64("SELECT count(*) FROM items") == 0)
        withExtendedLifetime(open) {}
    }

    @Test("Overwritten pages are found by the integrity check", arguments: 0..<40)
    func overwritten(seed: UInt64) throws {
        try self.fill(rows: 500)
        var random = SplitMix64(seed: seed)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: self.path))
        // A page's first eight bytes are its kind and the counts that hold it together.
        let page = Int.random(in: 1..<bytes.count / 4096, using: &random)
        for offset in 0..<8 { bytes[page * 4096 + offset] = UInt8.random(in: 128...255, using: &random) }
        try bytes.write(to: URL(fileURLWithPath: self.path))
        let failed = failure { try self.open().checkIntegrity() }
        guard case .damaged = failed?.reason else {
            Issue.record("not found: \(String(describing: failed))")
            return
        }
    }

    @Test("A second owner is refused at once, with the first one's process; afterwards it may")
    func locked() throws {
        let first = try self.open()
        let failed = failure { _ = try self.open() }
        #expect(failed?.reason == .locked(byProcess: getpid()))
        withExtendedLifetime(first) {}
    }

    @Test("The lock ends with its owner")
    func unlocked() throws {
        _ = try self.open()
        _ = try self.open()
    }

    @Test("A full disk is told apart, and the transaction leaves nothing")
    func full() throws {
        let database = try self.open()
        let pages = try #require(try database.firstInt64("PRAGMA page_count"))
        try database.execute("PRAGMA max_page_count = \(pages + 5)")
        let failed = failure {
            try database.transaction { () throws(StoreFailure) in
                let insert = try database.prepare("INSERT INTO items (data) VALUES (zeroblob(3000))")
                for _ in 0..<50 { try insert.run() }
            }
        }
        #expect(failed?.reason == .full)
        #expect(try database.firstInt64("SELECT count(*) FROM items") == 0)
        try database.execute("INSERT INTO items (id) VALUES (1)")
    }

    @Test(
        "Where nothing may be written, that is said",
        arguments: ["/sys/kernel/weir.db", "/sys/weir/weir.db", "/proc/weir.db"])
    func unwritable(path: String) {
        let failed = failure { _ = try Database(path: path, migrations: items) }
        switch failed?.reason {
        case .readOnly, .cannotOpen: break
        default: Issue.record("\(String(describing: failed))")
        }
        #expect(failed?.path == path)
    }

    @Test("A file in the place of a directory, and a directory in the place of the file, are said")
    func wrongKinds() throws {
        try Data([1]).write(to: URL(fileURLWithPath: self.directory.file("plain")))
        try FileManager.default.createDirectory(
            atPath: self.directory.file("folder"), withIntermediateDirectories: false)
        for path in [self.directory.file("plain/weir.db"), self.directory.file("folder")] {
            guard case .cannotOpen = failure({ _ = try Database(path: path, migrations: items) })?.reason
            else {
                Issue.record("\(path) was taken")
                continue
            }
        }
    }

    @Test("A backup holds what was committed, is one whole file, and the source stays in use")
    func backup() throws {
        try self.fill(rows: 300)
        let database = try self.open()
        try database.execute("DELETE FROM items WHERE id > 200")
        let copy = self.directory.file("copy.db")
        for _ in 0..<2 { try database.backup(to: copy) }
        try database.execute("DELETE FROM items")
        let restored = try Database(path: copy, migrations: items)
        #expect(try restored.firstInt64("SELECT count(*) FROM items") == 200)
        try restored.checkIntegrity()
        #expect(!FileManager.default.fileExists(atPath: copy + ".part"))
    }

    @Test("A backup that cannot be written leaves no part behind")
    func failedBackup() throws {
        let database = try self.open()
        #expect(failure { try database.backup(to: self.directory.file("missing/copy.db")) } != nil)
        let blocked = self.directory.file("blocked")
        try FileManager.default.createDirectory(atPath: blocked + "/in", withIntermediateDirectories: true)
        #expect(failure { try database.backup(to: blocked) } != nil)
        #expect(!FileManager.default.fileExists(atPath: blocked + ".part"))
    }

    @Test("A database that is removed when it is closed leaves nothing, and its name is free at once")
    func removal() throws {
        let path = self.directory.file("passing/weir.db")
        do {
            let database = try Database(path: path, migrations: items)
            database.removeWhenClosed()
            guard case .locked = failure({ _ = try Database(path: path, migrations: items) })?.reason else {
                Issue.record("it was opened twice")
                return
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: self.directory.file("passing")) == [])
        let next = try Database(path: path, migrations: items)
        #expect(try next.firstInt64("SELECT count(*) FROM items") == 0)
    }
}
