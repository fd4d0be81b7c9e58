import SQLiteStore
public import SwarmTypes

/// Record, then act, then say what became of it.
extension ChangeJournal {
    /// Records what is about to be sent, and for each torrent that Weir does not answer for yet the limit it
    /// has now as its original. All of it is on disk when this returns; nothing of it exists when this
    /// throws, and then nothing may be sent.
    public func begin(_ changes: [JournalChange], at time: WallTime) throws(JournalFailure) -> JournalBatch {
        try self.writing { () throws(StoreFailure) in
            let last = try self.database.firstInt64("SELECT seq FROM sqlite_sequence WHERE name = 'intents'")
            let first = (last ?? 0) + 1
            let batch = try self.insertBatch(changes.count, first: first, at: time)
            let intent = try self.database.prepare(
                """
                INSERT INTO intents
                    (id, batch, instance, torrent, tracker, from_limit, to_limit, reason, restores, at, state)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0)
                """)
            try intent.bind(batch, at: 2)
            try intent.bind(time.millisecondsSince1970, at: 10)
            for (position, change) in changes.enumerated() {
                try intent.bind(first + Int64(position), at: 1)
                try intent.bind(try self.instanceID(change.key.instance), at: 3)
                try intent.bind(change.key.torrent.bytes, at: 4)
                try intent.bind(change.tracker, at: 5)
                try intent.bind(stored(change.from), at: 6)
                try intent.bind(stored(change.to), at: 7)
                try intent.bind(change.reason, at: 8)
                try intent.bind(change.restoresOriginal ? 1 : 0, at: 9)
                try intent.run()
            }
            try self.insertOriginals(changes, at: time)
            return JournalBatch(id: batch, count: changes.count, first: first)
        }
    }

    /// Settles a whole batch: one outcome for each of its changes, in their order.
    public func confirm(
        _ batch: JournalBatch, outcomes: [IntentState], at time: WallTime
    ) throws(JournalFailure) {
        guard outcomes.count == batch.count else {
            throw .outcomeCount(expected: batch.count, found: outcomes.count)
        }
        try self.settle(
            outcomes.enumerated().map { IntentOutcome(intent: batch.intent($0.offset), state: $0.element) },
            at: time)
    }

    /// Records what became of intents. A confirmed one is from then on what Weir has set; one that gives the
    /// torrent back ends Weir's answering for it, in the same transaction. An intent that has an outcome
    /// already keeps it.
    public func settle(_ outcomes: [IntentOutcome], at time: WallTime) throws(JournalFailure) {
        if outcomes.isEmpty { return }
        try self.writing { () throws(StoreFailure) in
            let close = try self.database.prepare(
                """
                UPDATE intents SET state = ?1 WHERE id = ?2 AND state = 0
                RETURNING batch, instance, torrent, to_limit, restores
                """)
            let own = try self.database.prepare(
                """
                UPDATE originals SET has_ours = 1, ours = ?3, is_foreign = 0,
                    restored_at = CASE WHEN ?4 THEN ?5 ELSE restored_at END
                WHERE instance = ?1 AND torrent = ?2
                """)
            try own.bind(time.millisecondsSince1970, at: 5)
            var closedByBatch: [Int64: Int64] = [:]
            for outcome in outcomes where outcome.state != .open {
                defer { close.reset() }
                try close.bind(outcome.state.rawValue, at: 1)
                try close.bind(outcome.intent.rawValue, at: 2)
                guard try close.step() else { continue }
                closedByBatch[close.int64(0), default: 0] += 1
                guard outcome.state == .confirmed else { continue }
                try own.bind(close.int64(1), at: 1)
                try own.bind(close.withBlob(2) { [UInt8]($0) }, at: 2)
                try own.bind(close.optionalInt64(3), at: 3)
                try own.bind(close.int64(4), at: 4)
                try own.run()
            }
            let count = try self.database.prepare("UPDATE batches SET open = open - ?1 WHERE id = ?2")
            for (batch, closed) in closedByBatch.sorted(by: { $0.key < $1.key }) {
                try count.bind(closed, at: 1)
                try count.bind(batch, at: 2)
                try count.run()
            }
        }
    }

    /// What a process that died had recorded and not settled, oldest first. Each must be compared with the
    /// client's real state and settled before anything new is begun.
    public func openIntents() throws(JournalFailure) -> [JournalEntry] {
        try self.entries(
            """
            SELECT \(entryColumns) FROM batches JOIN intents
                ON intents.id >= batches.first_intent AND intents.id < batches.first_intent + batches.changes
            WHERE batches.open > 0 AND intents.state = 0 ORDER BY intents.id
            """)
    }

    /// The newest records first, of all torrents or of one (in every instance).
    public func history(limit: Int, torrent: TorrentID? = nil) throws(JournalFailure) -> [JournalEntry] {
        let filter = torrent == nil ? "" : "WHERE torrent = ?2"
        return try self.entries(
            "SELECT \(entryColumns) FROM intents \(filter) ORDER BY id DESC LIMIT ?1", limit: limit,
            torrent: torrent)
    }

    private func insertBatch(_ count: Int, first: Int64, at time: WallTime) throws(StoreFailure) -> Int64 {
        let batch = try self.database.prepare(
            "INSERT INTO batches (at, first_intent, changes, open) VALUES (?1, ?2, ?3, ?3) RETURNING id")
        try batch.bind(time.millisecondsSince1970, at: 1)
        try batch.bind(first, at: 2)
        try batch.bind(Int64(count), at: 3)
        guard try batch.step() else { return 0 }
        let id = batch.int64(0)
        while try batch.step() {}
        return id
    }

    /// In the order of the table's key, so that a batch of tens of thousands touches each page once.
    private func insertOriginals(_ changes: [JournalChange], at time: WallTime) throws(StoreFailure) {
        let insert = try self.database.prepare(
            """
            INSERT INTO originals (instance, torrent, tracker, original_limit, taken_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (instance, torrent) DO UPDATE SET tracker = excluded.tracker,
                original_limit = excluded.original_limit, taken_at = excluded.taken_at,
                has_ours = 0, ours = NULL, is_foreign = 0, restored_at = NULL
            WHERE restored_at IS NOT NULL
            """)
        try insert.bind(time.millisecondsSince1970, at: 5)
        let order = changes.indices.sorted { (changes[$0].key.torrent, $0) < (changes[$1].key.torrent, $1) }
        for index in order {
            let change = changes[index]
            try insert.bind(try self.instanceID(change.key.instance), at: 1)
            try insert.bind(change.key.torrent.bytes, at: 2)
            try insert.bind(change.tracker, at: 3)
            try insert.bind(stored(change.from), at: 4)
            try insert.run()
        }
    }
}
