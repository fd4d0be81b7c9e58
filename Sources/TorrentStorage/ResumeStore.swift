public import SQLiteStore
public import SwarmTypes

/// The record of all torrents, for the next start: what each is, where it lies, and what of it is on disk.
///
/// Pieces are recorded only from a `Checkpoint`, which exists only after their data was synced; each call is durable
/// when it returns. Blocking, one thread at a time: see `ResumeKeeper`.
public final class ResumeStore {
    let database: Database

    /// Opens the record or begins a new one. A damaged one is refused and left as it is.
    public init(path: String) throws(ResumeFailure) {
        do {
            self.database = try Database(path: path, migrations: resumeMigrations)
        } catch {
            throw ResumeFailure(store: error)
        }
    }

    public var path: String { self.database.path }

    /// Brings everything into the record's one file.
    public func foldLog() throws(ResumeFailure) {
        try self.converting { () throws(StoreFailure) in try self.database.foldLog() }
    }

    // MARK: Writing

    /// New torrents, all or none; one that is there already is replaced, as when a magnet link's metainfo has come.
    ///
    /// A record that claims pieces is believed only as trust: they are proved when they are first read for a peer.
    /// - Parameters:
    ///   - removed: torrents that go in the same transaction.
    ///   - body: writes more into the same file, in the same transaction.
    public func add(
        _ additions: [ResumeAddition], removing removed: [TorrentID] = [],
        with body: (Database) throws(StoreFailure) -> Void = { _ throws(StoreFailure) in }
    ) throws(ResumeFailure) {
        try self.writing { () throws(StoreFailure) in
            for torrent in removed { try self.delete(torrent) }
            try body(self.database)
            let torrents = try self.database.prepare(
                """
                INSERT INTO torrents (id, name, directory, state, total_length, piece_count, have, uploaded,
                    downloaded, added_at, finished_at, trackers)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                """)
            let details = try self.database.prepare(
                """
                INSERT INTO details (id, unproven, partials, files, selection, link)
                VALUES (?1, ?2, x'', x'', ?3, ?4)
                """)
            let metainfo = try self.database.prepare("INSERT INTO metainfo (id, bytes) VALUES (?1, ?2)")
            for addition in additions {
                let record = addition.record
                try self.delete(record.torrent)
                try record.bind(to: torrents)
                try torrents.run()
                try details.bind(record.torrent.bytes, at: 1)
                try details.bind(ResumeCoding.bytes(of: record.have), at: 2)
                try details.bind(ResumeCoding.bytes(of: addition.selection), at: 3)
                try details.bind(addition.link ?? "", at: 4)
                try details.run()
                guard let bytes = addition.metainfo else { continue }
                try metainfo.bind(record.torrent.bytes, at: 1)
                try metainfo.bind(bytes, at: 2)
                try metainfo.run()
            }
        }
    }

    /// Records what has changed of many torrents at once, all or nothing.
    public func save(_ updates: [ResumeUpdate]) throws(ResumeFailure) {
        try self.writing { () throws(StoreFailure) in
            let totals = try self.database.prepare(
                """
                UPDATE torrents SET uploaded = ?2, downloaded = ?3, state = ?4, finished_at = ?5 WHERE id = ?1
                """)
            let pieces = try self.database.prepare("UPDATE torrents SET have = ?2 WHERE id = ?1")
            let details = try self.database.prepare(
                "UPDATE details SET unproven = ?2, partials = ?3, files = ?4 WHERE id = ?1")
            for update in updates {
                try totals.bind(update.torrent.bytes, at: 1)
                try totals.bind(update.uploaded, at: 2)
                try totals.bind(update.downloaded, at: 3)
                try totals.bind(update.state.rawValue, at: 4)
                try totals.bind(update.finishedAt, at: 5)
                try totals.run()
                guard let checkpoint = update.checkpoint, checkpoint.torrent == update.torrent else {
                    continue
                }
                try pieces.bind(update.torrent.bytes, at: 1)
                try pieces.bind(ResumeCoding.bytes(of: SavedPieces(checkpoint.have)), at: 2)
                try pieces.run()
                let unproven = checkpoint.unproven.map(SavedPieces.init) ?? .none
                try details.bind(update.torrent.bytes, at: 1)
                try details.bind(ResumeCoding.bytes(of: unproven), at: 2)
                try details.bind(ResumeCoding.bytes(of: checkpoint.partials), at: 3)
                try details.bind(ResumeCoding.bytes(of: checkpoint.files), at: 4)
                try details.run()
            }
        }
    }

    public func setSelection(_ selection: Bitfield?, of torrent: TorrentID) throws(ResumeFailure) {
        try self.update("UPDATE details SET selection = ?2 WHERE id = ?1", torrent) {
            row throws(StoreFailure) in
            try row.bind(ResumeCoding.bytes(of: selection), at: 2)
        }
    }

    public func setDirectory(_ directory: String, of torrent: TorrentID) throws(ResumeFailure) {
        try self.update("UPDATE torrents SET directory = ?2 WHERE id = ?1", torrent) {
            row throws(StoreFailure) in
            try row.bind(directory, at: 2)
        }
    }

    public func remove(_ torrent: TorrentID) throws(ResumeFailure) { try self.remove([torrent]) }

    /// - Parameter body: writes more into the same file, in the same transaction.
    public func remove(
        _ torrents: [TorrentID],
        with body: (Database) throws(StoreFailure) -> Void = { _ throws(StoreFailure) in }
    ) throws(ResumeFailure) {
        try self.writing { () throws(StoreFailure) in
            for torrent in torrents { try self.delete(torrent) }
            try body(self.database)
        }
    }

    /// Writes what others keep in the same file, all or nothing.
    public func writeTables(_ body: (Database) throws(StoreFailure) -> Void) throws(ResumeFailure) {
        try self.writing { () throws(StoreFailure) in try body(self.database) }
    }

    /// Reads what others keep in the same file.
    public func readTables<Result>(_ body: (Database) throws(StoreFailure) -> Result) throws(ResumeFailure)
        -> Result
    {
        try self.converting { () throws(StoreFailure) in try body(self.database) }
    }

    /// Copies the record into a new file, while it stays in use.
    public func backup(to path: String) throws(ResumeFailure) {
        try self.converting { () throws(StoreFailure) in try self.database.backup(to: path) }
    }

    /// Leaves nothing of the record on disk once it is closed.
    public func removeWhenClosed() { self.database.removeWhenClosed() }

    private func delete(_ torrent: TorrentID) throws(StoreFailure) {
        let row = try self.database.prepare("DELETE FROM torrents WHERE id = ?1")
        try row.bind(torrent.bytes, at: 1)
        try row.run()
    }

    private func update(
        _ sql: String, _ torrent: TorrentID, _ bind: (borrowing Statement) throws(StoreFailure) -> Void
    ) throws(ResumeFailure) {
        try self.writing { () throws(StoreFailure) in
            let row = try self.database.prepare(sql)
            try row.bind(torrent.bytes, at: 1)
            try bind(row)
            try row.run()
        }
    }

    private func writing(_ body: () throws(StoreFailure) -> Void) throws(ResumeFailure) {
        try self.converting { () throws(StoreFailure) in try self.database.transaction(body) }
    }

    func converting<Result>(_ body: () throws(StoreFailure) -> Result) throws(ResumeFailure) -> Result {
        do { return try body() } catch { throw ResumeFailure(store: error) }
    }
}

extension ResumeRecord {
    /// In the order of the columns.
    fileprivate func bind(to row: borrowing Statement) throws(StoreFailure) {
        try row.bind(self.torrent.bytes, at: 1)
        try row.bind(self.name, at: 2)
        try row.bind(self.directory, at: 3)
        try row.bind(self.state.rawValue, at: 4)
        try row.bind(self.totalLength, at: 5)
        try row.bind(Int64(self.pieceCount), at: 6)
        try row.bind(ResumeCoding.bytes(of: self.have), at: 7)
        try row.bind(self.uploaded, at: 8)
        try row.bind(self.downloaded, at: 9)
        try row.bind(self.addedAt, at: 10)
        try row.bind(self.finishedAt, at: 11)
        try row.bind(self.trackers.bytes, at: 12)
    }
}

extension Statement {
    func bytes(_ column: Int32) -> [UInt8] { self.withBlob(column) { Array($0) } }
}
