import SQLiteStore

/// Limits are bytes per second, NULL is unlimited; times are milliseconds since 1970.
let journalMigrations: [Migration] = [
    Migration(
        "originals, intents and settings",
        [
            "CREATE TABLE instances (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
            // `has_ours` tells "never set by us" from "set to unlimited by us".
            """
            CREATE TABLE originals (
                instance INTEGER NOT NULL REFERENCES instances(id),
                torrent BLOB NOT NULL CHECK (length(torrent) = 20),
                tracker TEXT NOT NULL,
                original_limit INTEGER,
                taken_at INTEGER NOT NULL,
                has_ours INTEGER NOT NULL DEFAULT 0,
                ours INTEGER,
                is_foreign INTEGER NOT NULL DEFAULT 0,
                restored_at INTEGER,
                PRIMARY KEY (instance, torrent)
            ) WITHOUT ROWID
            """,
            // `open` counts the intents without an outcome, so that finding them at start needs no index
            // that every batch would have to maintain.
            """
            CREATE TABLE batches (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                at INTEGER NOT NULL,
                first_intent INTEGER NOT NULL,
                changes INTEGER NOT NULL,
                open INTEGER NOT NULL
            )
            """,
            // A batch's intents have consecutive ids, from `batches.first_intent` on.
            """
            CREATE TABLE intents (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                batch INTEGER NOT NULL,
                instance INTEGER NOT NULL,
                torrent BLOB NOT NULL,
                tracker TEXT NOT NULL,
                from_limit INTEGER,
                to_limit INTEGER,
                reason TEXT NOT NULL,
                restores INTEGER NOT NULL,
                at INTEGER NOT NULL,
                state INTEGER NOT NULL
            )
            """,
            "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        ])
]

/// The table of a Qguardarr installation whose database path Weir took over. It is read once and never
/// changed.
let qguardarrTable = "rollback_entries"

extension ChangeJournal {
    /// Of a journal that this version writes.
    public static let schemaVersion = journalMigrations.count
    /// Tables of a Qguardarr that may be in the same file.
    public static let foreignTables: Set<String> = [qguardarrTable]
}
