import ChangeJournal
import Foundation
import SQLiteStore
import SwarmTypes
import TestKit
import Testing

/// The table as Qguardarr 0.3.7 makes it.
private let qguardarrSchema = """
    CREATE TABLE rollback_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, torrent_hash TEXT NOT NULL, old_limit INTEGER NOT NULL,
        new_limit INTEGER NOT NULL, tracker_id TEXT NOT NULL, timestamp REAL NOT NULL, reason TEXT DEFAULT '',
        restored INTEGER DEFAULT 0, created_at DATETIME DEFAULT CURRENT_TIMESTAMP)
    """

@Suite("Adoption of a Qguardarr database")
struct AdoptionTests {
    let directory = TemporaryDirectory()
    var path: String { self.directory.file("rollback.db") }

    /// Rows of (hash, old, new, restored), oldest first, in a file that no Weir has touched.
    private func qguardarr(_ rows: [(String, Int64, Int64, Int64)]) throws {
        let maker = try Database(path: self.directory.file("maker.db"), migrations: [])
        try maker.execute(qguardarrSchema)
        let insert = try maker.prepare(
            """
            INSERT INTO rollback_entries (torrent_hash, old_limit, new_limit, tracker_id, timestamp, restored)
            VALUES (?1, ?2, ?3, 'alpha', 1756900000.25, ?4)
            """)
        for row in rows {
            try insert.bind(row.0, at: 1)
            try insert.bind(row.1, at: 2)
            try insert.bind(row.2, at: 3)
            try insert.bind(row.3, at: 4)
            try insert.run()
        }
        try maker.backup(to: self.path)
    }

    /// What the table holds, read from a copy so that the file itself stays untouched.
    private func rows() throws -> [[String]] {
        let copy = self.directory.file("copy-\(UUID().uuidString).db")
        try FileManager.default.copyItem(atPath: self.path, toPath: copy)
        let database = try Database(
            path: copy, migrations: [Migration("none", [])], foreignTables: ["rollback_entries"])
        let select = try database.prepare("SELECT * FROM rollback_entries ORDER BY id")
        var rows: [[String]] = []
        while try select.step() { rows.append((0..<9).map { select.text($0) }) }
        return rows
    }

    @Test("Rollback goes back to before Qguardarr: the oldest row that was not restored, not the newest")
    func oldest() throws {
        try self.qguardarr([
            (torrent(1).hex, -1, 102_400, 0), (torrent(1).hex, 102_400, 40_960, 0),
            (torrent(2).hex.uppercased(), 50_000, 10_240, 0), (torrent(2).hex, 10_240, 20_480, 0),
            (torrent(3).hex, 70_000, 10_240, 1), (torrent(3).hex, 80_000, 10_240, 0),
            (torrent(4).hex, 90_000, 10_240, 1),
            (torrent(5).hex, 0, 10_240, 0),
        ])
        let journal = try ChangeJournal(path: self.path)
        let report = try journal.adoptQguardarr(asInstance: "home", at: at(9))
        #expect(report?.adopted == 4)
        #expect(report?.skipped == 0)
        let originals = try journal.originals()
        #expect(
            Dictionary(originals.map { ($0.key, $0.original) }) { first, _ in first } == [
                key(1, in: "home"): .unlimited, key(2, in: "home"): .bytesPerSecond(50_000),
                key(3, in: "home"): .bytesPerSecond(80_000), key(5, in: "home"): .unlimited,
            ])
        #expect(
            originals.allSatisfy {
                $0.ours == nil && $0.takenAt == at(1_756_900_000) && $0.tracker == "alpha"
            })
    }

    @Test("It is done once, also when the first change came before it, and later rows are not taken")
    func once() throws {
        try self.qguardarr([(torrent(1).hex, 5000, 1, 0), (torrent(2).hex, 6000, 1, 0)])
        do {
            let journal = try ChangeJournal(path: self.path)
            _ = try journal.begin([change(1, from: .kib(3), to: .kib(1), in: "home")], at: at(1))
            #expect(try journal.adoptQguardarr(asInstance: "home", at: at(2))?.adopted == 1)
            try journal.markRestored([key(2, in: "home")], at: at(3))
        }
        let journal = try ChangeJournal(path: self.path)
        #expect(try journal.adoptQguardarr(asInstance: "home", at: at(4)) == nil)
        #expect(try journal.originals().map(\.original) == [.kib(3)])
    }

    @Test("Qguardarr's table is left exactly as it was")
    func untouched() throws {
        try self.qguardarr([(torrent(1).hex, 5000, 1, 0), ("x", 5, 1, 1), (torrent(2).hex, 6000, 1, 0)])
        let before = try self.rows()
        do {
            let journal = try ChangeJournal(path: self.path)
            _ = try journal.adoptQguardarr(asInstance: "home", at: at(2))
            try journal.forget([key(1, in: "home")])
        }
        #expect(before.count == 3)
        #expect(try self.rows() == before)
    }

    @Test("Hashes that cannot be read and absurd values are counted or kept harmless, never a failure")
    func hostileRows() throws {
        try self.qguardarr([
            ("", 5000, 1, 0), ("not a hash", 5000, 1, 0), (torrent(1).hex + "0", 1, 1, 0),
            (torrent(2).hex, .max, 1, 0), (torrent(3).hex, .min, 1, 0),
            (torrent(4).hex + String(repeating: "a", count: 24), 7, 1, 0),
        ])
        let journal = try ChangeJournal(path: self.path)
        let report = try journal.adoptQguardarr(asInstance: "home", at: at(9))
        #expect(report?.adopted == 3)
        #expect(report?.skipped == 3)
        #expect(try journal.original(of: key(2, in: "home"))?.original == .bytesPerSecond(.max))
        #expect(try journal.original(of: key(3, in: "home"))?.original == .unlimited)
        #expect(try journal.original(of: key(4, in: "home"))?.original == .bytesPerSecond(7))
    }

    @Test("Without Qguardarr's table there is nothing to adopt, now and later")
    func nothing() throws {
        let journal = try ChangeJournal(path: self.path)
        #expect(try journal.adoptQguardarr(asInstance: "home", at: at(9)) == nil)
        #expect(try journal.originals(.all).isEmpty)
    }
}
