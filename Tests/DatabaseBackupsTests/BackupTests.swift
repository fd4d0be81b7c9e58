import AccessControl
import ChangeJournal
import Foundation
import SQLiteStore
import TestKit
import Testing
import TorrentStorage

@testable import DatabaseBackups

private let rows = [Migration("rows", ["CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)"])]

/// Three databases with a row each, and where their backup goes.
private struct Installation {
    let directory = TemporaryDirectory()
    let databases: [KeptDatabase]

    init() throws {
        let directory = self.directory
        self.databases = ["journal", "access", "library"].map {
            KeptDatabase(name: $0, path: directory.file("\($0)/\($0).sqlite"), schemaVersion: 1)
        }
        for database in self.databases { try write("before", to: database.path) }
    }

    var folder: String { self.directory.file("backup") }

    func texts() throws -> [String] { try self.databases.map { try read($0.path) } }

    func backUp(to folder: String? = nil) throws -> BackupManifest {
        try makeBackup(of: self.databases, in: folder ?? self.folder, weirVersion: "1", at: 7)
    }

    func restore(
        _ folder: String? = nil, used: Set<String> = ["journal", "access", "library"],
        beforeStep: ((String) throws(BackupFailure) -> Void)? = nil
    ) throws(BackupFailure) -> BackupRestoring.Outcome {
        var restoring = BackupRestoring(self.databases, stamp: "S")
        restoring.beforeStep = beforeStep
        return try restoring.restore(folder ?? self.folder, used: used)
    }

    /// The bytes of all files of the databases' folders but the locks, by name.
    func files() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for database in self.databases {
            let folder = URL(fileURLWithPath: database.path).deletingLastPathComponent()
            for file in try FileManager.default.contentsOfDirectory(atPath: folder.path)
            where !file.hasSuffix(".lock") {
                files[file] = try Data(contentsOf: folder.appendingPathComponent(file))
            }
        }
        return files
    }

    /// What rows the old databases have that lie beside the present ones, through their logs.
    func kept() throws -> Set<String> {
        var texts: Set<String> = []
        for (name, _) in try self.files() where name.contains(".before-") && !name.hasSuffix("-wal") {
            guard let database = self.databases.first(where: { name.hasPrefix($0.name) }),
                !name.hasSuffix("-shm")
            else { continue }
            let path = URL(fileURLWithPath: database.path).deletingLastPathComponent()
                .appendingPathComponent(name).path
            texts.insert("\(database.name) \(try read(path))")
        }
        return texts
    }
}

private func write(_ text: String, to path: String) throws {
    let database = try Database(path: path, migrations: rows)
    try database.transaction { () throws(StoreFailure) in
        let insert = try database.prepare("INSERT OR REPLACE INTO rows (id, text) VALUES (1, ?1)")
        try insert.bind(text, at: 1)
        try insert.run()
    }
}

private func read(_ path: String) throws -> String {
    let database = try Database(readingAt: path, knownSchema: 1)
    let statement = try database.prepare("SELECT text FROM rows")
    return try statement.step() ? statement.text(0) : ""
}

private func failure(_ body: () throws -> Void) -> BackupFailure? {
    do {
        try body()
        return nil
    } catch {
        return error as? BackupFailure
    }
}

private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
}

@Suite("Backups")
struct BackupTests {
    @Test("A backup is made while the databases are in use, is private, and says what is in it")
    func made() throws {
        let installation = try Installation()
        let open = try installation.databases.map { try Database(path: $0.path, migrations: rows) }
        try open[0].execute("UPDATE rows SET text = 'in the log'")
        let manifest = try installation.backUp()
        try open[0].execute("UPDATE rows SET text = 'later'")
        #expect(manifest.databases.map(\.name) == ["journal", "access", "library"])
        #expect(manifest.databases.allSatisfy { $0.schemaVersion == 1 && $0.byteCount > 0 })
        #expect(try read(installation.folder + "/journal.db") == "in the log")
        #expect(try verifyBackup(installation.folder, installation.databases) == manifest)
        #expect(try mode(installation.folder) == 0o700)
        for file in ["journal.db", "access.db", "library.db", "manifest.json"] {
            #expect(try mode("\(installation.folder)/\(file)") == 0o600)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: installation.folder).count == 4)
        withExtendedLifetime(open) {}
    }

    @Test("A backup replaces nothing, and what a killed one left behind is in nobody's way")
    func place() throws {
        let installation = try Installation()
        try FileManager.default.createDirectory(
            atPath: installation.folder + ".part", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: installation.folder + ".part/journal.db.part"))
        _ = try installation.backUp()
        #expect(failure { _ = try installation.backUp() } == .alreadyThere(installation.folder))
        #expect(!FileManager.default.fileExists(atPath: installation.folder + ".part"))
    }

    @Test("A damaged database is not backed up, and nothing is left of the attempt")
    func damagedSource() throws {
        let installation = try Installation()
        let path = installation.databases[1].path
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for offset in 4096..<4104 { bytes[offset] = 0xEE }
        try bytes.write(to: URL(fileURLWithPath: path))
        guard case .store(let problem) = failure({ _ = try installation.backUp() }) else {
            Issue.record("a damaged database was backed up")
            return
        }
        #expect(problem.code == "database_damaged")
        #expect(problem.path == path)
        for suffix in ["", ".part"] {
            #expect(!FileManager.default.fileExists(atPath: installation.folder + suffix))
        }
    }

    @Test("A restore brings back what was, and keeps what is, its log too")
    func restored() throws {
        let installation = try Installation()
        _ = try installation.backUp()
        for database in installation.databases { try write("after", to: database.path) }
        let outcome = try installation.restore()
        #expect(outcome.replaced.map(\.name) == ["journal", "access", "library"])
        #expect(try installation.texts() == ["before", "before", "before"])
        #expect(try installation.kept() == ["journal after", "access after", "library after"])
        for database in installation.databases {
            #expect(try mode(database.path) == 0o600)
            // It opens as usual, and goes on.
            try write("again", to: database.path)
        }
    }

    @Test("Where there was nothing a restore makes it, as on another machine")
    func elsewhere() throws {
        let installation = try Installation()
        _ = try installation.backUp()
        let other = try Installation()
        for database in other.databases {
            try FileManager.default.removeItem(
                at: URL(fileURLWithPath: database.path).deletingLastPathComponent())
        }
        let outcome = try other.restore(installation.folder, used: ["journal", "access"])
        #expect(outcome.replaced.map(\.old) == [nil, nil])
        #expect(outcome.leftOut == ["library"])
        #expect(try read(other.databases[0].path) == "before")
        #expect(!FileManager.default.fileExists(atPath: other.databases[2].path))
    }

    @Test("As long as somebody has one of the databases open nothing is touched")
    func inUse() throws {
        let installation = try Installation()
        _ = try installation.backUp()
        for database in installation.databases {
            let open = try Database(path: database.path, migrations: rows)
            let before = try installation.files()
            guard case .store(let problem) = failure({ _ = try installation.restore() }) else {
                Issue.record("restored below an open database")
                continue
            }
            #expect(problem.code == "database_locked")
            #expect(try installation.files() == before)
            withExtendedLifetime(open) {}
        }
    }

    @Test(
        "A backup with anything wrong is refused before anything is touched",
        arguments: [
            "no manifest", "no JSON", "newer format", "no format", "path in a name", "missing", "cut",
            "flipped",
            "longer", "newer schema", "foreign", "unknown name", "other hash", "empty",
        ])
    func badBackup(damage: String) throws {
        let installation = try Installation()
        _ = try installation.backUp()
        let before = try installation.files()
        let manifest = URL(fileURLWithPath: installation.folder + "/manifest.json")
        let file = URL(fileURLWithPath: installation.folder + "/access.db")
        var text = String(decoding: try Data(contentsOf: manifest), as: UTF8.self)
        var bytes = try Data(contentsOf: file)
        var isDatabase = false
        switch damage {
        case "no manifest": try FileManager.default.removeItem(at: manifest)
        case "no JSON": text = "{\"format\":"
        case "newer format": text = text.replacing("\"format_version\":1", with: "\"format_version\":2")
        case "no format": text = text.replacing("weir-backup", with: "backup")
        case "path in a name": text = text.replacing("\"access\"", with: "\"../access\"")
        case "unknown name": text = text.replacing("access", with: "other")
        case "other hash": text = text.replacing("\"sha256\":\"", with: "\"sha256\":\"0")
        case "missing": try FileManager.default.removeItem(at: file)
        case "cut": bytes.removeLast(4096)
        case "flipped": bytes[5000] ^= 1
        case "longer": bytes.append(0)
        case "empty": bytes = Data()
        default:
            let sql = damage == "foreign" ? "PRAGMA application_id = 1" : "PRAGMA user_version = 2"
            let database = try Database(path: file.path, migrations: rows)
            try database.execute(sql)
            isDatabase = true
        }
        if isDatabase {
            let (count, hash) = try digest(ofFile: file.path)
            var entries = try #require(BackupManifest(Array(text.utf8)))
            entries.databases[1].sha256 = hash
            entries.databases[1].byteCount = count
            try Data(entries.bytes).write(to: manifest)
        } else {
            if damage != "missing" { try bytes.write(to: file) }
            if damage != "no manifest" { try Data(text.utf8).write(to: manifest) }
        }
        guard case .badBackup(_, let why) = failure({ _ = try installation.restore() }) else {
            Issue.record("restored with \(damage)")
            return
        }
        #expect(!why.isEmpty)
        #expect(try installation.files() == before)
        #expect(try installation.texts() == ["before", "before", "before"])
    }

    @Test(
        "Killed between any two steps a restore loses nothing, nobody opens what is half done, and it can be run again"
    )
    func killed() throws {
        struct Steps { var count = 0 }
        // Learns how many steps there are, and what they are called.
        var names: [String] = []
        let first = try Installation()
        _ = try first.backUp()
        try leaveOpen(first)
        _ = try first.restore { (name: String) throws(BackupFailure) in names.append(name) }
        #expect(names.count > 20)

        for step in names.indices {
            let installation = try Installation()
            _ = try installation.backUp()
            try leaveOpen(installation)
            var count = 0
            let ended = failure {
                _ = try installation.restore { (_: String) throws(BackupFailure) in
                    defer { count += 1 }
                    if count == step { throw .emptyBackup(folder: "killed") }
                }
            }
            #expect(ended == .emptyBackup(folder: "killed"))
            let hasBegun = step >= (names.firstIndex(of: "announce") ?? 0) + 1
            var refused = 0
            for database in installation.databases {
                // Each database is the old one or the new one.
                #expect(FileManager.default.fileExists(atPath: database.path))
                do {
                    _ = try Database(path: database.path, migrations: rows)
                } catch {
                    refused += 1
                    #expect(error.reason == .restoreInterrupted)
                }
            }
            let isOver = step == names.count - 1
            if hasBegun, !isOver { #expect(refused > 0, "step \(step), \(names[step])") }
            if !hasBegun { #expect(refused == 0, "step \(step), \(names[step])") }

            let outcome = try installation.restore()
            #expect(outcome.replaced.count == 3)
            #expect(try installation.texts() == ["before", "before", "before"], "step \(step)")
            let kept = try installation.kept()
            #expect(
                kept.isSuperset(of: ["journal after", "access after", "library after"]),
                "step \(step), \(names[step]): \(kept)")
            for database in installation.databases { try write("again", to: database.path) }
            let names = try installation.files().keys
            #expect(!names.contains { $0.contains(".restoring") }, "\(names)")
        }
    }

    /// As a killed process leaves them: what was written last is in the logs only.
    private func leaveOpen(_ installation: Installation) throws {
        for database in installation.databases {
            let copy = database.path + "-copy"
            do {
                let open = try Database(path: database.path, migrations: rows)
                try open.execute("UPDATE rows SET text = 'after'")
                for suffix in ["", "-wal", ".lock"] {
                    try FileManager.default.copyItem(atPath: database.path + suffix, toPath: copy + suffix)
                }
            }
            for suffix in ["", "-wal", ".lock"] {
                try? FileManager.default.removeItem(atPath: database.path + suffix)
                try FileManager.default.moveItem(atPath: copy + suffix, toPath: database.path + suffix)
            }
        }
    }

    @Test("A damaged database is kept as it is when a backup takes its place")
    func overDamage() throws {
        let installation = try Installation()
        _ = try installation.backUp()
        let path = installation.databases[0].path
        let rubbish = Data(repeating: 0x55, count: 9000)
        try rubbish.write(to: URL(fileURLWithPath: path))
        try rubbish.write(to: URL(fileURLWithPath: path + "-wal"))
        let outcome = try installation.restore()
        let old = try #require(outcome.replaced.first?.old)
        for suffix in ["", "-wal"] {
            #expect(try Data(contentsOf: URL(fileURLWithPath: old + suffix)) == rubbish)
        }
        #expect(try installation.texts() == ["before", "before", "before"])
        // A second restore on the same day keeps the first one's.
        #expect(try installation.restore().replaced.first?.old == "\(path).before-S-2")
        #expect(try Data(contentsOf: URL(fileURLWithPath: old)) == rubbish)
    }

    @Test("A manifest is read as it was written, and nothing else is")
    func manifest() throws {
        let installation = try Installation()
        let manifest = try installation.backUp()
        #expect(BackupManifest(manifest.bytes) == manifest)
        for count in 0..<manifest.bytes.count - 1 {
            #expect(BackupManifest(Array(manifest.bytes[..<count])) == nil)
        }
        var random = SplitMix64(seed: 4)
        for _ in 0..<400 {
            var bytes = manifest.bytes
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = BackupManifest(bytes)
        }
    }
}

extension BackupManifest {
    fileprivate init?(_ bytes: [UInt8]) {
        var problem = ""
        self.init(bytes, problem: &problem)
    }
}
