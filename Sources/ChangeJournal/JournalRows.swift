import SQLiteStore
import SwarmTypes

func stored(_ limit: UploadLimit) -> Int64? { limit.rate?.bytesPerSecond }

func uploadLimit(_ stored: Int64?) -> UploadLimit {
    guard let stored else { return .unlimited }
    return .bytesPerSecond(stored)
}

let entryColumns = """
    intents.id, intents.batch, instance, torrent, tracker, from_limit, to_limit, reason, restores, intents.at, state
    """

let originalColumns =
    "instance, torrent, tracker, original_limit, taken_at, has_ours, ours, is_foreign, restored_at"

extension ChangeJournal {
    func entries(
        _ sql: String, limit: Int? = nil, torrent: TorrentID? = nil
    ) throws(JournalFailure) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        try self.forEachRow(of: sql) { statement throws(StoreFailure) in
            if let limit { try statement.bind(Int64(limit), at: 1) }
            if let torrent { try statement.bind(torrent.bytes, at: 2) }
        } _: { row throws(JournalFailure) in
            entries.append(try self.entry(row))
        }
        return entries
    }

    func forEachRow(
        of sql: String, bind: (borrowing Statement) throws(StoreFailure) -> Void,
        _ body: (borrowing Statement) throws(JournalFailure) -> Void
    ) throws(JournalFailure) {
        let statement = try self.reading { () throws(StoreFailure) in
            let statement = try self.database.prepare(sql)
            try bind(statement)
            return statement
        }
        while try self.reading({ () throws(StoreFailure) in try statement.step() }) { try body(statement) }
    }

    func entry(_ row: borrowing Statement) throws(JournalFailure) -> JournalEntry {
        guard let state = IntentState(rawValue: row.int64(10)) else {
            throw .unreadableRow(table: "intents", detail: "state \(row.int64(10))")
        }
        let change = JournalChange(
            key: try self.key(row, instance: 2, torrent: 3, table: "intents"), tracker: row.text(4),
            from: uploadLimit(row.optionalInt64(5)), to: uploadLimit(row.optionalInt64(6)),
            reason: row.text(7),
            restoresOriginal: row.int64(8) != 0)
        return JournalEntry(
            intent: IntentID(row.int64(0)), batch: row.int64(1), change: change,
            at: WallTime(millisecondsSince1970: row.int64(9)), state: state)
    }

    func original(_ row: borrowing Statement) throws(JournalFailure) -> OriginalLimit {
        OriginalLimit(
            key: try self.key(row, instance: 0, torrent: 1, table: "originals"), tracker: row.text(2),
            original: uploadLimit(row.optionalInt64(3)),
            takenAt: WallTime(millisecondsSince1970: row.int64(4)),
            ours: row.int64(5) == 0 ? nil : uploadLimit(row.optionalInt64(6)), isForeign: row.int64(7) != 0,
            restoredAt: row.optionalInt64(8).map { WallTime(millisecondsSince1970: $0) })
    }

    private func key(
        _ row: borrowing Statement, instance: Int32, torrent: Int32, table: String
    ) throws(JournalFailure) -> JournalKey {
        guard let id = row.withBlob(torrent, { TorrentID(bytes: $0) }) else {
            throw .unreadableRow(table: table, detail: "a torrent's identifier is not 20 bytes")
        }
        return JournalKey(instance: try self.instanceName(row.int64(instance)), torrent: id)
    }
}
