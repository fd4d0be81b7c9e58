/// What a library of torrents keeps beside their record, in the same file so that both change together. `TorrentLibrary`
/// reads and writes it.
///
/// Times are seconds since 1970. NULL in a limit is unlimited; in a bound it is as for all torrents, and -1 is none.
let librarySchema = [
    """
    CREATE TABLE library (
        id BLOB PRIMARY KEY CHECK (length(id) = 20),
        name TEXT NOT NULL,
        directory TEXT NOT NULL,
        category TEXT NOT NULL,
        tags TEXT NOT NULL,
        flags INTEGER NOT NULL,
        upload_limit INTEGER,
        download_limit INTEGER,
        ratio_thousandths INTEGER,
        seeding_minutes INTEGER,
        inactive_minutes INTEGER,
        queue_place INTEGER,
        added_at INTEGER NOT NULL,
        completed_at INTEGER,
        last_activity_at INTEGER,
        seen_complete_at INTEGER,
        active_seconds INTEGER NOT NULL,
        seeding_seconds INTEGER NOT NULL,
        wasted INTEGER NOT NULL,
        swarm_seeds INTEGER,
        swarm_leechers INTEGER,
        failure TEXT NOT NULL,
        v2_hash TEXT NOT NULL,
        comment TEXT NOT NULL,
        creator TEXT NOT NULL,
        created_at INTEGER,
        root TEXT NOT NULL,
        piece_length INTEGER NOT NULL,
        total_size INTEGER NOT NULL,
        wanted_size INTEGER NOT NULL,
        wanted_done INTEGER NOT NULL,
        trackers TEXT
    ) WITHOUT ROWID
    """,
    // Of files that are not as all others: what is wanted of them, and how they are called.
    """
    CREATE TABLE library_files (
        id BLOB NOT NULL,
        file INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        path TEXT,
        PRIMARY KEY (id, file)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE library_timeline (
        id BLOB NOT NULL,
        at INTEGER NOT NULL,
        code TEXT NOT NULL,
        text TEXT NOT NULL
    )
    """,
    "CREATE INDEX library_timeline_by_torrent ON library_timeline (id)",
    "CREATE TABLE library_categories (name TEXT PRIMARY KEY, directory TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE library_tags (name TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE library_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
]
