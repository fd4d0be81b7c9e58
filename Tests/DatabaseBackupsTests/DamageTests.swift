import AccessControl
import ChangeJournal
import Foundation
import SQLiteStore
import TestKit
import Testing
import TorrentStorage

/// The databases of `weir serve`, and how each is opened. Answers what is said when it is refused.
private let openings: [(name: String, open: @Sendable (String) -> String?)] = [
    (
        "journal",
        { path in
            do { _ = try ChangeJournal(path: path) } catch { return "\(error)" }
            return nil
        }
    ),
    (
        "access",
        { path in
            let editor = AccessEditor(path: path)
            do {
                if Database.exists(at: path) {
                    _ = try editor.keys()
                } else {
                    _ = try editor.addKey("x", role: .read, secondsSince1970: 1)
                }
            } catch { return "\(error)" }
            return nil
        }
    ),
    (
        "library",
        { path in
            do { _ = try ResumeStore(path: path) } catch { return "\(error)" }
            return nil
        }
    ),
]

/// What is done to the file, and what the sentence has beside its name.
private let damages: [(name: String, words: [String], damage: @Sendable (String) throws -> Void)] = [
    ("truncated", ["damaged", "weir db restore"], { try change($0) { $0.removeLast(5000) } }),
    ("cut within a page", ["damaged", "weir db restore"], { try change($0) { $0.removeLast(1) } }),
    ("emptied", ["damaged", "weir db restore"], { try change($0) { $0 = Data() } }),
    ("shorter than a page", ["damaged", "weir db restore"], { try change($0) { $0 = $0.prefix(100) } }),
    ("a bit of a page's kind", ["damaged", "weir db restore"], { try change($0) { $0[4096] ^= 0x40 } }),
    ("overwritten", ["not an SQLite database", "weir db restore"], { try change($0) { $0[3] ^= 1 } }),
    ("newer", ["newer version", "schema 99", "weir db restore"], { try change($0) { $0[63] = 99 } }),
    ("no schema", ["damaged", "schema version is 0"], { try change($0) { $0[63] = 0 } }),
    (
        "of another program", ["another program", "Configure another path"],
        { path in try change(path) { data in for offset in 68..<72 { data[offset] = 7 } } }
    ),
    (
        "a directory", ["directory"],
        { path in
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
    ),
    (
        "a restore that was interrupted", ["restore", "interrupted", "weir db restore"],
        { try Data([1]).write(to: URL(fileURLWithPath: $0 + ".restoring")) }
    ),
    (
        "a log that is gone", ["log", "-wal", "weir db restore", ".lock"],
        { path in
            try Data("123 open\n".utf8).write(to: URL(fileURLWithPath: path + ".lock"))
            try Data(count: 32768).write(to: URL(fileURLWithPath: path + "-shm"))
        }
    ),
]

private func change(_ path: String, _ body: (inout Data) -> Void) throws {
    var data = Data(try Data(contentsOf: URL(fileURLWithPath: path)))
    body(&data)
    try data.write(to: URL(fileURLWithPath: path))
}

@Suite("Damaged databases")
struct DamageTests {
    @Test(
        "Each is refused with its name and the way out, and left as it is", arguments: openings.indices,
        damages.indices)
    func refused(opening: Int, damage: Int) throws {
        let directory = TemporaryDirectory()
        let path = directory.file("weir.db")
        #expect(openings[opening].open(path) == nil)
        try damages[damage].damage(path)
        let before = try? Data(contentsOf: URL(fileURLWithPath: path))
        let words = try #require(openings[opening].open(path))
        for word in damages[damage].words + [path] {
            #expect(words.contains(word), "\(openings[opening].name), \(damages[damage].name): \(words)")
        }
        #expect((try? Data(contentsOf: URL(fileURLWithPath: path))) == before)
        #expect(openings[opening].open(path) == words, "it is refused once more")
    }

    @Test("Another owner is refused with the first one's process", arguments: openings.indices)
    func owned(opening: Int) throws {
        let directory = TemporaryDirectory()
        let path = directory.file("weir.db")
        #expect(openings[opening].open(path) == nil)
        let owner = try DatabaseReplacement(path: path)
        let isForGuests = openings[opening].name == "access"
        let words: String
        if isForGuests {
            // Commands may write beside the owner; a second service may not.
            #expect(openings[opening].open(path) == nil)
            do {
                _ = try AccessControl(path: path, configuredKey: nil)
                words = ""
            } catch { words = "\(error)" }
        } else {
            words = try #require(openings[opening].open(path))
        }
        #expect(words.contains(path) && words.contains("in use by another process"))
        withExtendedLifetime(owner) {}
    }
}

private let rows = [Migration("rows", ["CREATE TABLE rows (id INTEGER PRIMARY KEY)"])]

@Suite("Databases beside their owner")
struct BesideOwnerTests {
    let directory = TemporaryDirectory()
    var path: String { self.directory.file("weir.db") }

    private var files: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: self.directory.path)) ?? [])
    }

    @Test("Reading makes and changes nothing, with an owner and without one")
    func reading() throws {
        do { try Database(path: self.path, migrations: rows).execute("INSERT INTO rows VALUES (1)") }
        let names = self.files
        let data = try Data(contentsOf: URL(fileURLWithPath: self.path))
        do {
            let reader = try Database(readingAt: self.path, knownSchema: 1)
            #expect(try reader.firstInt64("SELECT count(*) FROM rows") == 1)
            #expect(throws: StoreFailure.self) { try reader.execute("INSERT INTO rows VALUES (2)") }
        }
        #expect(self.files == names)
        let owner = try Database(path: self.path, migrations: rows)
        let reader = try Database(readingAt: self.path, knownSchema: 1)
        try owner.execute("INSERT INTO rows VALUES (2)")
        #expect(try reader.firstInt64("SELECT count(*) FROM rows") == 2)
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == data)
    }

    @Test(
        "Names are names, whatever is in them",
        arguments: ["a b.db", "ü€😀.db", "50%25.db", "a?mode=rw.db", "a#b.db", "a//b.db", "a&b=c.db"])
    func names(name: String) throws {
        for prefix in ["", "/"] {
            let path = prefix + self.directory.file(name)
            do {
                try Database(path: path, migrations: rows).execute(
                    "INSERT INTO rows VALUES (\(prefix.count))")
            }
            let reader = try Database(readingAt: path, knownSchema: 1)
            #expect(try reader.firstInt64("SELECT count(*) FROM rows") == Int64(prefix.count + 1))
        }
    }

    @Test("A guest writes beside the owner, who sees that something changed, and leaves the log to it")
    func guest() throws {
        let owner = try Database(path: self.path, migrations: rows)
        let before = try owner.changeNumber()
        do { try Database(guestAt: self.path, migrations: rows).execute("INSERT INTO rows VALUES (1)") }
        #expect(try owner.changeNumber() != before)
        #expect(FileManager.default.fileExists(atPath: self.path + "-wal"))
        #expect(try owner.firstInt64("SELECT count(*) FROM rows") == 1)
        // A guest makes nothing, and brings nothing up to date.
        #expect(throws: StoreFailure.self) {
            _ = try Database(guestAt: self.directory.file("other.db"), migrations: rows)
        }
        #expect(throws: StoreFailure.self) {
            _ = try Database(guestAt: self.path, migrations: rows + [Migration("more", ["SELECT 1"])])
        }
    }

    @Test("Who goes on after folding the log needs it again")
    func folding() throws {
        let database = try Database(path: self.path, migrations: rows)
        func lock() throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: self.path + ".lock")), as: UTF8.self)
        }
        #expect(try lock() == "\(getpid()) open\n")
        try database.foldLog()
        #expect(try lock() == "\(getpid())\n")
        try database.transaction { () throws(StoreFailure) in
            try database.execute("INSERT INTO rows VALUES (1)")
        }
        #expect(try lock() == "\(getpid()) open\n")
    }
}
