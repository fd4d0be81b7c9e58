import SQLiteStore

let resumeMigrations: [Migration] = [
    Migration(
        "torrents and their metainfo",
        [
            // Rows that a start reads. Blobs are described in `ResumeCoding`; times are seconds since 1970.
            """
            CREATE TABLE torrents (
                id BLOB PRIMARY KEY CHECK (length(id) = 20),
                name TEXT NOT NULL,
                directory TEXT NOT NULL,
                state INTEGER NOT NULL,
                total_length INTEGER NOT NULL,
                piece_count INTEGER NOT NULL,
                have BLOB NOT NULL,
                uploaded INTEGER NOT NULL,
                downloaded INTEGER NOT NULL,
                added_at INTEGER NOT NULL,
                finished_at INTEGER
            ) WITHOUT ROWID
            """,
            // Rows that are read when a torrent becomes active.
            """
            CREATE TABLE details (
                id BLOB PRIMARY KEY REFERENCES torrents(id) ON DELETE CASCADE,
                unproven BLOB NOT NULL,
                partials BLOB NOT NULL,
                files BLOB NOT NULL,
                selection BLOB NOT NULL
            ) WITHOUT ROWID
            """,
            // With row numbers, so that big blobs stay out of the tree of keys.
            """
            CREATE TABLE metainfo (
                id BLOB NOT NULL UNIQUE REFERENCES torrents(id) ON DELETE CASCADE,
                bytes BLOB NOT NULL
            )
            """,
        ]),
    Migration(
        "trackers in the lean row, and the magnet link",
        [
            "ALTER TABLE torrents ADD COLUMN trackers BLOB NOT NULL DEFAULT x''",
            "ALTER TABLE details ADD COLUMN link TEXT",
        ]),
    Migration("what the library keeps of its torrents", librarySchema),
]

extension ResumeStore {
    /// Of a record that this version writes.
    public static let schemaVersion = resumeMigrations.count
}
