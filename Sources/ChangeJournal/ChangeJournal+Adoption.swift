import SQLiteStore
import SwarmTypes

/// What was taken over from a Qguardarr database.
public struct AdoptionReport: Hashable, Sendable {
    public var adopted = 0
    /// Torrents whose hash cannot be read.
    public var skipped = 0
}

/// In `settings`, outside `JournalSetting`: nobody else may change it.
private let adoptionKey = "qguardarr_adopted_at"

extension ChangeJournal {
    /// Takes over the originals of a Qguardarr installation whose database this file is: for each torrent the
    /// old limit of its *oldest* row that was not restored, which is the limit from before Qguardarr. (Its
    /// own rollback takes the newest, a limit that Qguardarr itself had set.)
    ///
    /// Done once in a file's life; its table is left as it is. Qguardarr writes a row before it sends, so its
    /// new limits are not taken for ours.
    /// - Returns: Nil when there is nothing to take over, or it was done before.
    public func adoptQguardarr(
        asInstance instance: String, at time: WallTime
    ) throws(JournalFailure) -> AdoptionReport? {
        try self.writing { () throws(StoreFailure) in
            let done = try self.database.firstInt64(
                "SELECT count(*) FROM settings WHERE key = '\(adoptionKey)'")
            let hasTable = try self.database.firstInt64(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '\(qguardarrTable)'")
            guard done == 0, hasTable == 1 else { return nil }

            let report = try self.copyOldest(to: try self.instanceID(instance), at: time)
            let mark = try self.database.prepare("INSERT INTO settings (key, value) VALUES (?1, ?2)")
            try mark.bind(adoptionKey, at: 1)
            try mark.bind(String(time.millisecondsSince1970), at: 2)
            try mark.run()
            return report
        }
    }

    private func copyOldest(to instance: Int64, at time: WallTime) throws(StoreFailure) -> AdoptionReport {
        var report = AdoptionReport()
        let rows = try self.database.prepare(
            """
            SELECT torrent_hash, old_limit, tracker_id, timestamp FROM \(qguardarrTable) WHERE id IN (
                SELECT min(id) FROM \(qguardarrTable) WHERE restored = 0 GROUP BY lower(torrent_hash))
            ORDER BY id
            """)
        let insert = try self.database.prepare(
            """
            INSERT INTO originals (instance, torrent, tracker, original_limit, taken_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (instance, torrent) DO NOTHING
            """)
        try insert.bind(instance, at: 1)
        while try rows.step() {
            guard let torrent = TorrentID(hex: rows.text(0)) else {
                report.skipped += 1
                continue
            }
            // Seconds there, with a fraction; beyond what fits, the time of the take-over stands in.
            let seconds = rows.int64(3).multipliedReportingOverflow(by: 1000)
            let old = rows.int64(1)
            try insert.bind(torrent.bytes, at: 2)
            try insert.bind(rows.text(2), at: 3)
            try insert.bind(old > 0 ? old : nil, at: 4)
            try insert.bind(seconds.overflow ? time.millisecondsSince1970 : seconds.partialValue, at: 5)
            try insert.run()
            report.adopted += self.database.changedRows
        }
        return report
    }
}
