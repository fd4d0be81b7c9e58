import SQLiteStore
public import SwarmTypes

/// What each torrent had before Weir first touched it.
extension ChangeJournal {
    public enum OriginalScope: Sendable {
        /// Those that Weir answers for: a rollback sets each one's `original`, once.
        case unrestored
        /// Also those that were given back.
        case all
    }

    /// Visits originals ordered by instance and torrent, one row in memory at a time. Each torrent of an
    /// instance comes exactly once. `body` must not write to the journal.
    public func forEachOriginal(
        _ scope: OriginalScope, _ body: (OriginalLimit) -> Void
    ) throws(JournalFailure) {
        let filter = scope == .unrestored ? "WHERE restored_at IS NULL" : ""
        try self.forEachRow(
            of: "SELECT \(originalColumns) FROM originals \(filter) ORDER BY instance, torrent",
            bind: { _ in }
        ) { row throws(JournalFailure) in
            body(try self.original(row))
        }
    }

    /// Nil for a torrent that Weir never touched, or that was forgotten.
    public func original(of key: JournalKey) throws(JournalFailure) -> OriginalLimit? {
        let instance = try self.reading { () throws(StoreFailure) in try self.knownInstanceID(key.instance) }
        guard let instance else { return nil }
        var found: OriginalLimit?
        try self.forEachRow(
            of: "SELECT \(originalColumns) FROM originals WHERE instance = ?1 AND torrent = ?2"
        ) { statement throws(StoreFailure) in
            try statement.bind(instance, at: 1)
            try statement.bind(key.torrent.bytes, at: 2)
        } _: { row throws(JournalFailure) in
            found = try self.original(row)
        }
        return found
    }

    /// Takes `limit` for what Weir has set, as after reading a client that had already done what was asked.
    public func setOurs(_ limits: [(key: JournalKey, limit: UploadLimit)]) throws(JournalFailure) {
        try self.update(
            limits, "UPDATE originals SET has_ours = 1, ours = ?3 WHERE instance = ?1 AND torrent = ?2"
        ) {
            $0.key
        } bind: { statement, item throws(StoreFailure) in
            try statement.bind(stored(item.limit), at: 3)
        }
    }

    /// Marks limits as changed by the user or another program, or takes that mark away.
    public func setForeign(_ keys: [JournalKey], _ isForeign: Bool = true) throws(JournalFailure) {
        try self.update(
            keys, "UPDATE originals SET is_foreign = ?3 WHERE instance = ?1 AND torrent = ?2"
        ) {
            $0
        } bind: { statement, _ throws(StoreFailure) in
            try statement.bind(isForeign ? 1 : 0, at: 3)
        }
    }

    /// Ends Weir's answering for torrents: a rollback passes them by, and if they are ever touched again, the
    /// limit they have then is their new original.
    public func markRestored(_ keys: [JournalKey], at time: WallTime) throws(JournalFailure) {
        try self.update(
            keys,
            "UPDATE originals SET restored_at = ?3 WHERE instance = ?1 AND torrent = ?2 AND restored_at IS NULL"
        ) {
            $0
        } bind: { statement, _ throws(StoreFailure) in
            try statement.bind(time.millisecondsSince1970, at: 3)
        }
    }

    /// Drops what is known of torrents that left their client.
    public func forget(_ keys: [JournalKey]) throws(JournalFailure) {
        try self.update(
            keys, "DELETE FROM originals WHERE instance = ?1 AND torrent = ?2"
        ) {
            $0
        } bind: { _, _ in
        }
    }

    /// One transaction; keys that no row has are passed by.
    private func update<Item>(
        _ items: [Item], _ sql: String, key: (Item) -> JournalKey,
        bind: (borrowing Statement, Item) throws(StoreFailure) -> Void
    ) throws(JournalFailure) {
        if items.isEmpty { return }
        try self.writing { () throws(StoreFailure) in
            let statement = try self.database.prepare(sql)
            for item in items {
                guard let instance = try self.knownInstanceID(key(item).instance) else { continue }
                try statement.bind(instance, at: 1)
                try statement.bind(key(item).torrent.bytes, at: 2)
                try bind(statement, item)
                try statement.run()
            }
        }
    }
}
