import SQLiteStore
import SwarmTypes
import TestKit
import Testing
import TorrentCatalog
import TorrentStorage

@testable import TorrentLibrary

private func torrentID(_ number: Int) -> TorrentID? {
    TorrentID(bytes: (0..<20).map { UInt8(truncatingIfNeeded: $0 < 4 ? number >> (8 * $0) : 7) })
}

private func record(_ id: TorrentID) -> ResumeAddition {
    ResumeAddition(
        ResumeRecord(
            torrent: id, name: "n", directory: "/d", totalLength: 100, pieceCount: 10, addedAt: 5,
            trackers: SavedTrackers(tiers: [["http://own.example/announce"]])), metainfo: [1, 2, 3])
}

@Suite("What the library keeps")
struct LibraryStoreTests {
    let temporary = TemporaryDirectory()

    private func row(_ id: TorrentID, _ random: inout SplitMix64) -> LibraryRow {
        func bound() -> ShareLimits.Bound<Int64> {
            [.inherited, .none, .value(Int64.random(in: 0...100_000, using: &random))].randomElement(
                using: &random) ?? .none
        }
        func limit() -> UploadLimit {
            Bool.random(using: &random)
                ? .unlimited : .bytesPerSecond(Int64.random(in: 0...1 << 40, using: &random))
        }
        func time() -> Int64? {
            Bool.random(using: &random) ? nil : Int64.random(in: 0...1 << 40, using: &random)
        }
        var line = TorrentSummary(id: id, name: "ä'\";--\n\(id.hex)", state: .stopped)
        line.directory = "/downloads/\(Int.random(in: 0..<3, using: &random))"
        line.category = ["", "films", "a/b"].randomElement(using: &random) ?? ""
        line.tags = ["x", "y z", "ü"].filter { _ in Bool.random(using: &random) }
        line.uploadLimit = limit()
        line.downloadLimit = limit()
        line.shareLimits.seedingMinutes = bound()
        line.shareLimits.inactiveMinutes = bound()
        line.shareLimits.ratio = [.inherited, .none, .value(1.25)].randomElement(using: &random) ?? .none
        line.addedAt = 17
        line.completedAt = time()
        line.lastActivityAt = time()
        line.seenCompleteAt = time()
        line.activeSeconds = 3
        line.seedingSeconds = 4
        line.wasted = 5
        line.isForced = Bool.random(using: &random)
        line.isSequential = Bool.random(using: &random)
        line.hasMetadata = true
        line.comment = "c"
        line.pieceLength = 16384
        line.totalSize = 1000
        line.wantedSize = 900
        var flags: LibraryRow.Flags = [.hasMetadata]
        if line.isForced { flags.insert(.forced) }
        if line.isSequential { flags.insert(.sequential) }
        var files: [Int: LibraryRow.File] = [:]
        for number in 0..<Int.random(in: 0...3, using: &random) {
            files[number] = LibraryRow.File(
                priority: FilePriority.allCases.randomElement(using: &random) ?? .normal,
                path: Bool.random(using: &random) ? "t/\(number)" : nil)
        }
        let trackers: [[String]]? =
            Bool.random(using: &random) ? nil : [["http://a", "udp://b"], ["http://c"]]
        return LibraryRow(
            line: line, flags: flags, queuePlace: time(), failure: "", root: "t", files: files,
            trackers: trackers)
    }

    @Test("Rows come back as they were written", arguments: 0..<20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let store = try ResumeStore(path: self.temporary.file("library.db"))
        var changes = LibraryChanges()
        for number in 0..<10 {
            let id = try #require(torrentID(number))
            try store.add([record(id)])
            changes.rows.append(self.row(id, &random))
        }
        changes.categories = [TorrentCategory(name: "films", directory: "/f")]
        changes.tags = ["x"]
        changes.settings = ["a": "1"]
        try store.writeTables { database throws(StoreFailure) in try changes.write(to: database) }
        let loaded = try LoadedLibrary(store)
        #expect(
            loaded.categories == changes.categories && loaded.tags == ["x"] && loaded.settings == ["a": "1"])
        #expect(loaded.rows.count == 10 && loaded.records.count == 10)
        for row in changes.rows {
            let found = try #require(loaded.rows.first { $0.line.id == row.line.id })
            #expect(found.flags == row.flags && found.queuePlace == row.queuePlace && found.root == row.root)
            #expect(found.trackers == row.trackers)
            #expect(found.files.mapValues(\.path) == row.files.mapValues(\.path))
            #expect(found.files.mapValues(\.priority) == row.files.mapValues(\.priority))
            var (left, right) = (found.line, row.line)
            (left.infoHashV1, left.contentPath, left.rootPath) = ("", "", "")
            (right.infoHashV1, right.contentPath, right.rootPath) = ("", "", "")
            #expect(left == right)
        }
    }

    @Test("Whatever the numbers in the database are, a start reads them without trapping")
    func hostileColumns() throws {
        let store = try ResumeStore(path: self.temporary.file("library.db"))
        try store.writeTables { database throws(StoreFailure) in
            for number in 0..<40 {
                let value = ["9223372036854775807", "-9223372036854775808", "'x'", "NULL"][number % 4]
                let columns = (1...31).map { place in
                    [1, 2, 3, 4, 21, 22, 23, 24, 26].contains(place)
                        ? "'\(number)'"
                        : value == "NULL" && [5, 12, 16, 17, 18, 27, 28, 29, 30].contains(place)
                            ? "0" : value
                }
                let bytes = String(repeating: "0", count: 38) + (number < 10 ? "0\(number)" : "\(number)")
                try database.execute(
                    "INSERT INTO library VALUES (x'\(bytes)', \(columns.joined(separator: ", ")))")
            }
            try database.execute("INSERT INTO library_files VALUES (x'00', -1, 99, 'x')")
        }
        #expect(try LoadedLibrary(store).rows.count == 40)
    }

    @Test("The timeline keeps the newest hundred, and a repetition only moves the last")
    func timeline() throws {
        let store = try ResumeStore(path: self.temporary.file("library.db"))
        let id = try #require(torrentID(1))
        var changes = LibraryChanges()
        for number in 0..<150 {
            for _ in 0..<2 {
                changes.happenings.append(
                    (id, TorrentHappening(at: Int64(number), code: "c", text: "\(number)")))
            }
        }
        try store.writeTables { database throws(StoreFailure) in try changes.write(to: database) }
        let found = try store.readTables { database throws(StoreFailure) in
            try readTimeline(of: id, in: database)
        }
        #expect(found.map(\.text) == (50..<150).reversed().map { "\($0)" })
    }

    @Test("What is removed leaves no row behind")
    func removing() throws {
        var random = SplitMix64(seed: 1)
        let store = try ResumeStore(path: self.temporary.file("library.db"))
        let ids = try (0..<4).map { try #require(torrentID($0)) }
        var changes = LibraryChanges()
        for id in ids {
            try store.add([record(id)])
            changes.rows.append(self.row(id, &random))
            changes.happenings.append((id, TorrentHappening(at: 1, code: "c", text: "t")))
        }
        try store.writeTables { database throws(StoreFailure) in try changes.write(to: database) }
        var removal = LibraryChanges()
        removal.removed = Array(ids.prefix(3))
        try store.remove(removal.removed) { database throws(StoreFailure) in try removal.write(to: database) }
        let loaded = try LoadedLibrary(store)
        #expect(loaded.rows.map(\.line.id) == [ids[3]] && Array(loaded.records.keys) == [ids[3]])
        let counts = try store.readTables { database throws(StoreFailure) in
            try ["library", "library_files", "library_timeline", "metainfo", "details"].map {
                table throws(StoreFailure) in
                try database.firstInt64("SELECT count(DISTINCT id) FROM \(table)") ?? 0
            }
        }
        #expect(counts.allSatisfy { $0 <= 1 })
    }

    @Test("Newer changes take the place of those that could not be written")
    func merging() throws {
        var random = SplitMix64(seed: 2)
        let ids = try (0..<3).map { try #require(torrentID($0)) }
        var older = LibraryChanges()
        older.rows = ids.map { self.row($0, &random) }
        older.tags = ["old"]
        var newer = LibraryChanges()
        newer.rows = [self.row(ids[0], &random)]
        newer.removed = [ids[1]]
        older.merge(newer)
        #expect(Set(older.rows.map(\.line.id)) == [ids[0], ids[2]] && older.removed == [ids[1]])
        #expect(older.rows.last?.line == newer.rows[0].line && older.tags == ["old"])
    }

    @Test("Preferences come back as they were written")
    func preferences() {
        var preferences = LibraryPreferences(directory: "/d")
        preferences.startsStopped = true
        preferences.uploadLimit = .bytesPerSecond(5)
        preferences.alternativeDownloadLimit = .unlimited
        preferences.usesAlternativeLimits = true
        preferences.schedule = LimitSchedule(from: 1, to: 1439, days: [0, 6])
        preferences.queue = QueueSettings(downloads: nil, uploads: 0, torrents: 7)
        preferences.queue?.ignoresSlow = true
        preferences.shareLimits.ratio = .value(2.5)
        preferences.shareLimits.inactiveMinutes = .none
        preferences.shareAction = .removeWithFiles
        preferences.listeningPort = 65535
        preferences.encryption = .require
        preferences.watchFolders = ["/a b", "/c"]
        preferences.bannedHosts = ["192.0.2.1", "2001:db8::1"].compactMap { PeerAddress(host: $0, port: 0) }
        preferences.reservesSpace = true
        var found = LibraryPreferences(directory: "/other")
        found.take(preferences.columns)
        #expect(found == preferences)
        found.take(LibraryPreferences(directory: "/d").columns)
        #expect(found == LibraryPreferences(directory: "/d"))
        // What nobody can read changes nothing.
        found.take(preferences.columns.mapValues { _ in "\u{1F600} - " })
        #expect(found.listeningPort == 0 && found.maximumConnections == 500)
    }

    @Test(
        "Tiers as text", arguments: [[], [["a"]], [["a", "b"], ["c"]], [["a"], ["b"], ["c", "d", "e"]]])
    func tierText(tiers: [[String]]) {
        #expect(readTiers(text(of: tiers)) == tiers)
    }
}
