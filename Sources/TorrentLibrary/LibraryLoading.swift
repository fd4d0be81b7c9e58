import MetainfoCoding
import SQLiteStore
import SwarmTypes
import TorrentCatalog
import TorrentStorage

/// All that the database says of the library, for a start.
struct LoadedLibrary: Sendable {
    var rows: [LibraryRow] = []
    var records: [TorrentID: ResumeRecord] = [:]
    var categories: [TorrentCategory] = []
    var tags: [String] = []
    var settings: [String: String] = [:]

    init(_ store: ResumeStore) throws(ResumeFailure) {
        try store.forEachRecord { self.records[$0.torrent] = $0 }
        var shared: Set<String> = []
        try store.readTables { database throws(StoreFailure) in
            let statement = try database.prepare("SELECT * FROM library")
            while try statement.step() {
                if let row = LibraryRow(statement, &shared) { self.rows.append(row) }
            }
            try self.readFiles(database)
            let categories = try database.prepare("SELECT name, directory FROM library_categories")
            while try categories.step() {
                self.categories.append(
                    TorrentCategory(name: categories.text(0), directory: categories.text(1)))
            }
            let tags = try database.prepare("SELECT name FROM library_tags")
            while try tags.step() { self.tags.append(tags.text(0)) }
            let settings = try database.prepare("SELECT name, value FROM library_settings")
            while try settings.step() { self.settings[settings.text(0)] = settings.text(1) }
        }
    }

    private mutating func readFiles(_ database: Database) throws(StoreFailure) {
        let statement = try database.prepare("SELECT id, file, priority, path FROM library_files ORDER BY id")
        guard try statement.step() else { return }
        var places: [TorrentID: Int] = [:]
        for (place, row) in self.rows.enumerated() { places[row.line.id] = place }
        repeat {
            let id = statement.withBlob(0) { TorrentID(bytes: $0) }
            guard let id, let place = places[id] else { continue }
            let path = statement.text(3)
            self.rows[place].files[Int(clamping: statement.int64(1))] = LibraryRow.File(
                priority: FilePriority(number: statement.int64(2)), path: path.isEmpty ? nil : path)
        } while try statement.step()
    }
}

extension LibraryRow {
    /// - Parameter shared: equal texts of many rows share their memory.
    fileprivate init?(_ row: borrowing Statement, _ shared: inout Set<String>) {
        guard let id = row.withBlob(0, { TorrentID(bytes: $0) }) else { return nil }
        func share(_ text: String, _ shared: inout Set<String>) -> String {
            shared.count < 4096 ? shared.insert(text).memberAfterInsert : text
        }
        func limit(_ value: Int64?) -> UploadLimit { value.map { .bytesPerSecond($0) } ?? .unlimited }
        var line = TorrentSummary(id: id, name: row.text(1), state: .stopped)
        line.directory = share(row.text(2), &shared)
        line.category = share(row.text(3), &shared)
        line.tags = row.text(4).utf8.split(separator: UInt8(ascii: ",")).map {
            share(String(decoding: $0, as: UTF8.self), &shared)
        }
        let flags = Flags(rawValue: row.int64(5))
        line.isForced = flags.contains(.forced)
        line.isManaged = flags.contains(.managed)
        line.isSequential = flags.contains(.sequential)
        line.wantsEndsFirst = flags.contains(.endsFirst)
        line.hasMetadata = flags.contains(.hasMetadata)
        line.uploadLimit = limit(row.optionalInt64(6))
        line.downloadLimit = limit(row.optionalInt64(7))
        line.shareLimits.ratio = .init(column: row.optionalInt64(8))
        line.shareLimits.seedingMinutes = .init(column: row.optionalInt64(9))
        line.shareLimits.inactiveMinutes = .init(column: row.optionalInt64(10))
        line.addedAt = row.int64(12)
        line.completedAt = row.optionalInt64(13)
        line.lastActivityAt = row.optionalInt64(14)
        line.seenCompleteAt = row.optionalInt64(15)
        line.activeSeconds = row.int64(16)
        line.seedingSeconds = row.int64(17)
        line.wasted = row.int64(18)
        line.swarmSeeds = row.optionalInt64(19).map { Int(clamping: $0) }
        line.swarmLeechers = row.optionalInt64(20).map { Int(clamping: $0) }
        line.infoHashV1 = id.hex
        line.infoHashV2 = row.text(22)
        line.comment = share(row.text(23), &shared)
        line.creator = share(row.text(24), &shared)
        line.createdAt = row.optionalInt64(25)
        line.pieceLength = row.int64(27)
        line.totalSize = row.int64(28)
        line.wantedSize = row.int64(29)
        line.wantedDone = row.int64(30)
        self.init(
            line: line, flags: flags, queuePlace: row.optionalInt64(11), failure: row.text(21),
            root: row.text(26), files: [:])
        let root = self.root
        if !root.isEmpty { self.line.place(root: root, isMultiFile: flags.contains(.severalFiles)) }
        let trackers = row.text(31)
        if !trackers.isEmpty { self.trackers = readTiers(trackers) }
    }

    /// Takes what the record of its progress says.
    mutating func take(_ record: ResumeRecord) {
        let tiers = self.trackers ?? record.trackers.tiers
        self.line.trackers = tiers.flatMap { $0 }
        self.line.tracker = self.line.trackers.first ?? ""
        self.line.uploaded = record.uploaded
        self.line.downloaded = record.downloaded
        self.line.isPrivate = self.line.hasMetadata ? record.trackers.isPrivate : nil
        self.line.pieceCount = record.pieceCount
        switch record.have {
        case .all:
            self.line.piecesHad = record.pieceCount
            self.line.done = self.line.totalSize
            self.line.wantedDone = self.line.wantedSize
        case .none: self.line.piecesHad = 0
        case .some(let pieces):
            self.line.piecesHad = pieces.setCount
            self.line.done = min(self.line.totalSize, Int64(pieces.setCount) * self.line.pieceLength)
        }
        var link = MagnetLink(v1ID: self.line.id, v2InfoHash: InfoHashV2(hex: self.line.infoHashV2))
        // Its own name, whatever it is called here.
        link.displayName = self.root.isEmpty ? self.line.name : self.root
        link.trackers = self.line.trackers
        self.line.magnet = link.text
    }
}

/// The newest first.
func readTimeline(of id: TorrentID, in database: Database) throws(StoreFailure) -> [TorrentHappening] {
    let statement = try database.prepare(
        "SELECT at, code, text FROM library_timeline WHERE id = ?1 ORDER BY rowid DESC")
    try statement.bind(id.bytes, at: 1)
    var happenings: [TorrentHappening] = []
    while try statement.step() {
        happenings.append(
            TorrentHappening(at: statement.int64(0), code: statement.text(1), text: statement.text(2)))
    }
    return happenings
}
