import SQLiteStore
import SwarmTypes
import TorrentCatalog

/// Writes the library's tables. On the record's thread, inside its transactions.
struct LibraryChanges: Sendable {
    var rows: [LibraryRow] = []
    var removed: [TorrentID] = []
    var happenings: [(id: TorrentID, happening: TorrentHappening)] = []
    /// All of them; nil: as before.
    var categories: [TorrentCategory]?
    var tags: [String]?
    var settings: [String: String]?

    var isEmpty: Bool {
        self.rows.isEmpty && self.removed.isEmpty && self.happenings.isEmpty && self.categories == nil
            && self.tags == nil && self.settings == nil
    }

    /// What is newer takes the place of what is older.
    mutating func merge(_ newer: LibraryChanges) {
        let known = Set(newer.rows.map(\.line.id)).union(newer.removed)
        self.rows.removeAll { known.contains($0.line.id) }
        let added = Set(newer.rows.map(\.line.id))
        self.removed.removeAll { added.contains($0) }
        self.rows += newer.rows
        self.removed += newer.removed
        self.happenings += newer.happenings
        self.categories = newer.categories ?? self.categories
        self.tags = newer.tags ?? self.tags
        self.settings = newer.settings ?? self.settings
    }

    func write(to database: Database) throws(StoreFailure) {
        try self.writeRows(to: database)
        try self.writeFiles(to: database)
        for table in ["library", "library_files", "library_timeline"] where !self.removed.isEmpty {
            let statement = try database.prepare("DELETE FROM \(table) WHERE id = ?1")
            for id in self.removed {
                try statement.bind(id.bytes, at: 1)
                try statement.run()
            }
        }
        try self.writeHappenings(to: database)
        try self.writeLists(to: database)
    }

    private func writeRows(to database: Database) throws(StoreFailure) {
        guard !self.rows.isEmpty else { return }
        let places = (1...32).map { "?\($0)" }.joined(separator: ", ")
        let statement = try database.prepare("INSERT OR REPLACE INTO library VALUES (\(places))")
        for row in self.rows {
            try row.bind(to: statement)
            try statement.run()
        }
    }

    private func writeFiles(to database: Database) throws(StoreFailure) {
        guard !self.rows.isEmpty else { return }
        let delete = try database.prepare("DELETE FROM library_files WHERE id = ?1")
        let insert = try database.prepare("INSERT INTO library_files VALUES (?1, ?2, ?3, ?4)")
        for row in self.rows {
            try delete.bind(row.line.id.bytes, at: 1)
            try delete.run()
            for (number, file) in row.files {
                try insert.bind(row.line.id.bytes, at: 1)
                try insert.bind(Int64(number), at: 2)
                try insert.bind(file.priority.number, at: 3)
                if let path = file.path {
                    try insert.bind(path, at: 4)
                } else {
                    try insert.bind(Int64?.none, at: 4)
                }
                try insert.run()
            }
        }
    }

    /// A happening that repeats the last one only brings it up to date; the newest hundred stay.
    private func writeHappenings(to database: Database) throws(StoreFailure) {
        guard !self.happenings.isEmpty else { return }
        let repeated = try database.prepare(
            """
            UPDATE library_timeline SET at = ?2 WHERE code = ?3 AND text = ?4
                AND rowid = (SELECT max(rowid) FROM library_timeline WHERE id = ?1)
            """)
        let insert = try database.prepare("INSERT INTO library_timeline VALUES (?1, ?2, ?3, ?4)")
        let prune = try database.prepare(
            """
            DELETE FROM library_timeline WHERE id = ?1 AND rowid <= (
                SELECT rowid FROM library_timeline WHERE id = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET 100)
            """)
        for (id, happening) in self.happenings {
            try bind(id, happening, to: repeated)
            try repeated.run()
            guard database.changedRows == 0 else { continue }
            try bind(id, happening, to: insert)
            try insert.run()
            try prune.bind(id.bytes, at: 1)
            try prune.run()
        }
    }

    private func bind(
        _ id: TorrentID, _ happening: TorrentHappening, to statement: borrowing Statement
    ) throws(StoreFailure) {
        try statement.bind(id.bytes, at: 1)
        try statement.bind(happening.at, at: 2)
        try statement.bind(happening.code, at: 3)
        try statement.bind(happening.text, at: 4)
    }

    private func writeLists(to database: Database) throws(StoreFailure) {
        if let categories = self.categories {
            try database.execute("DELETE FROM library_categories")
            let insert = try database.prepare("INSERT INTO library_categories VALUES (?1, ?2)")
            for category in categories {
                try insert.bind(category.name, at: 1)
                try insert.bind(category.directory, at: 2)
                try insert.run()
            }
        }
        if let tags = self.tags {
            try database.execute("DELETE FROM library_tags")
            let insert = try database.prepare("INSERT INTO library_tags VALUES (?1)")
            for tag in tags {
                try insert.bind(tag, at: 1)
                try insert.run()
            }
        }
        guard let settings = self.settings else { return }
        let insert = try database.prepare("INSERT OR REPLACE INTO library_settings VALUES (?1, ?2)")
        for (name, value) in settings {
            try insert.bind(name, at: 1)
            try insert.bind(value, at: 2)
            try insert.run()
        }
    }
}

extension LibraryRow {
    /// In the order of the columns.
    fileprivate func bind(to row: borrowing Statement) throws(StoreFailure) {
        let line = self.line
        try row.bind(line.id.bytes, at: 1)
        try row.bind(line.name, at: 2)
        try row.bind(line.directory, at: 3)
        try row.bind(line.category, at: 4)
        try row.bind(line.tags.joined(separator: ","), at: 5)
        try row.bind(self.flags.rawValue, at: 6)
        try row.bind(line.uploadLimit.rate?.bytesPerSecond, at: 7)
        try row.bind(line.downloadLimit.rate?.bytesPerSecond, at: 8)
        try row.bind(line.shareLimits.ratio.column, at: 9)
        try row.bind(line.shareLimits.seedingMinutes.column, at: 10)
        try row.bind(line.shareLimits.inactiveMinutes.column, at: 11)
        try row.bind(self.queuePlace, at: 12)
        try row.bind(line.addedAt, at: 13)
        try row.bind(line.completedAt, at: 14)
        try row.bind(line.lastActivityAt, at: 15)
        try row.bind(line.seenCompleteAt, at: 16)
        try row.bind(line.activeSeconds, at: 17)
        try row.bind(line.seedingSeconds, at: 18)
        try row.bind(line.wasted, at: 19)
        try row.bind(line.swarmSeeds.map { Int64($0) }, at: 20)
        try row.bind(line.swarmLeechers.map { Int64($0) }, at: 21)
        try row.bind(self.failure, at: 22)
        try row.bind(line.infoHashV2, at: 23)
        try row.bind(line.comment, at: 24)
        try row.bind(line.creator, at: 25)
        try row.bind(line.createdAt, at: 26)
        try row.bind(self.root, at: 27)
        try row.bind(line.pieceLength, at: 28)
        try row.bind(line.totalSize, at: 29)
        try row.bind(line.wantedSize, at: 30)
        try row.bind(line.wantedDone, at: 31)
        if let trackers = self.trackers {
            try row.bind(text(of: trackers), at: 32)
        } else {
            try row.bind(Int64?.none, at: 32)
        }
    }
}
