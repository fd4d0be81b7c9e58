import SQLiteStore
public import SwarmTypes

/// Lean rows first, and the rest of a torrent when it becomes active.
extension ResumeStore {
    private static let columns = """
        SELECT id, name, directory, state, total_length, piece_count, have, uploaded, downloaded, added_at,
            finished_at, trackers FROM torrents
        """

    public func count() throws(ResumeFailure) -> Int {
        try self.converting { () throws(StoreFailure) in
            Int(clamping: try self.database.firstInt64("SELECT count(*) FROM torrents") ?? 0)
        }
    }

    /// Calls `body` with every torrent. Ten thousand take some tens of milliseconds; equal directories and trackers
    /// share their memory.
    public func forEachRecord(_ body: (ResumeRecord) -> Void) throws(ResumeFailure) {
        try self.converting { () throws(StoreFailure) in
            let rows = try self.database.prepare(Self.columns)
            var shared = SharedColumns()
            while try rows.step() { if let record = read(rows, &shared) { body(record) } }
        }
    }

    public func records() throws(ResumeFailure) -> [ResumeRecord] {
        var records: [ResumeRecord] = []
        try self.forEachRecord { records.append($0) }
        return records
    }

    public func record(of torrent: TorrentID) throws(ResumeFailure) -> ResumeRecord? {
        try self.converting { () throws(StoreFailure) -> ResumeRecord? in
            let row = try self.database.prepare(Self.columns + " WHERE id = ?1")
            try row.bind(torrent.bytes, at: 1)
            var shared = SharedColumns()
            return try row.step() ? read(row, &shared) : nil
        }
    }

    /// The .torrent file's bytes, as they were added; nil for an unknown torrent, or one without.
    public func metainfo(of torrent: TorrentID) throws(ResumeFailure) -> [UInt8]? {
        try self.converting { () throws(StoreFailure) -> [UInt8]? in
            let row = try self.database.prepare("SELECT bytes FROM metainfo WHERE id = ?1")
            try row.bind(torrent.bytes, at: 1)
            return try row.step() ? row.bytes(0) : nil
        }
    }

    /// Nil for an unknown torrent. What cannot be read of it counts as not recorded, and pieces as not proved.
    public func details(of torrent: TorrentID) throws(ResumeFailure) -> ResumeDetails? {
        try self.converting { () throws(StoreFailure) -> ResumeDetails? in
            let row = try self.database.prepare(
                """
                SELECT unproven, partials, files, selection, piece_count, link
                FROM details JOIN torrents USING (id) WHERE id = ?1
                """)
            try row.bind(torrent.bytes, at: 1)
            guard try row.step() else { return nil }
            let pieceCount = max(0, Int(clamping: row.int64(4)))
            let link = row.text(5)
            return ResumeDetails(
                unproven: ResumeCoding.pieces(row.bytes(0), count: pieceCount) ?? .all,
                partials: ResumeCoding.partials(row.bytes(1), pieceCount: pieceCount) ?? [],
                files: ResumeCoding.files(row.bytes(2)) ?? [],
                selection: ResumeCoding.selection(row.bytes(3)) ?? nil, link: link.isEmpty ? nil : link)
        }
    }

    /// Everything of a torrent; nil for an unknown one.
    public func stored(_ torrent: TorrentID) throws(ResumeFailure) -> StoredTorrent? {
        guard let record = try self.record(of: torrent), let details = try self.details(of: torrent) else {
            return nil
        }
        return StoredTorrent(record: record, details: details, metainfo: try self.metainfo(of: torrent))
    }
}

/// What many rows have in common is kept once.
private struct SharedColumns {
    /// Beyond it rows have their own: a session of so many directories or passkeys is a rare one.
    private static let limit = 4096
    private var texts: Set<String> = []
    private var trackers: Set<SavedTrackers> = []

    mutating func share(_ text: String) -> String {
        guard self.texts.count < Self.limit else { return text }
        return self.texts.insert(text).memberAfterInsert
    }

    mutating func share(_ trackers: SavedTrackers) -> SavedTrackers {
        guard self.trackers.count < Self.limit else { return trackers }
        return self.trackers.insert(trackers).memberAfterInsert
    }
}

/// A row of `columns`; pieces that cannot be read make it one that needs a check.
private func read(_ row: borrowing Statement, _ shared: inout SharedColumns) -> ResumeRecord? {
    guard let torrent = TorrentID(bytes: row.bytes(0)) else { return nil }
    let pieceCount = max(0, Int(clamping: row.int64(5)))
    let have = ResumeCoding.pieces(row.bytes(6), count: pieceCount)
    let state = ResumeRecord.State(rawValue: row.int64(3)) ?? .paused
    return ResumeRecord(
        torrent: torrent, name: row.text(1), directory: shared.share(row.text(2)),
        state: have == nil ? .needsCheck : state, totalLength: row.int64(4), pieceCount: pieceCount,
        have: have ?? .none, uploaded: row.int64(7), downloaded: row.int64(8), addedAt: row.int64(9),
        finishedAt: row.optionalInt64(10), trackers: shared.share(SavedTrackers(column: row.bytes(11))))
}
