import SQLiteStore

/// What must outlive a restart beside originals and intents.
public enum JournalSetting: Hashable, Sendable {
    /// "true" while the user has paused Weir.
    case isPaused
    /// 1...100, set by `POST /rollout`; it goes before the configured one.
    case rolloutPercentage
    /// A fingerprint of the credentials that the instance refused, so that they are not tried again after a
    /// restart either: five refusals ban every program behind this address.
    case refusedCredentials(instance: String)

    var key: String {
        switch self {
        case .isPaused: "is_paused"
        case .rolloutPercentage: "rollout_percentage"
        case .refusedCredentials(let instance): "refused_credentials/\(instance)"
        }
    }
}

extension ChangeJournal {
    public func setting(_ setting: JournalSetting) throws(JournalFailure) -> String? {
        try self.reading { () throws(StoreFailure) in
            let select = try self.database.prepare("SELECT value FROM settings WHERE key = ?1")
            try select.bind(setting.key, at: 1)
            return try select.step() ? select.text(0) : nil
        }
    }

    /// Nil takes the setting away.
    public func set(_ setting: JournalSetting, to value: String?) throws(JournalFailure) {
        try self.writing { () throws(StoreFailure) in
            let delete = try self.database.prepare("DELETE FROM settings WHERE key = ?1")
            try delete.bind(setting.key, at: 1)
            try delete.run()
            guard let value else { return }
            let insert = try self.database.prepare("INSERT INTO settings (key, value) VALUES (?1, ?2)")
            try insert.bind(setting.key, at: 1)
            try insert.bind(value, at: 2)
            try insert.run()
        }
    }

    /// How much history is kept: what is older than both bounds allow is pruned.
    public static let historyDays: Int64 = 30
    public static let historyRows: Int64 = 100_000

    /// Drops settled intents that are older than 30 days or not among the newest 100,000, and restored
    /// originals older than 30 days. Open intents and unrestored originals stay, whatever their age.
    /// - Returns: How many intents were dropped.
    @discardableResult
    public func prune(at now: WallTime) throws(JournalFailure) -> Int {
        try self.writing { () throws(StoreFailure) in
            let cutoff = now.millisecondsSince1970 - Self.historyDays * 86_400_000
            let newest = try self.database.firstInt64("SELECT max(id) FROM intents") ?? 0
            let intents = try self.database.prepare(
                "DELETE FROM intents WHERE state <> 0 AND (at < ?1 OR id <= ?2)")
            try intents.bind(cutoff, at: 1)
            try intents.bind(newest - Self.historyRows, at: 2)
            try intents.run()
            let pruned = self.database.changedRows
            try self.database.execute(
                """
                DELETE FROM batches WHERE open = 0 AND NOT EXISTS (
                    SELECT 1 FROM intents WHERE id >= first_intent AND id < first_intent + changes)
                """)
            let originals = try self.database.prepare("DELETE FROM originals WHERE restored_at < ?1")
            try originals.bind(cutoff, at: 1)
            try originals.run()
            return pruned
        }
    }
}
