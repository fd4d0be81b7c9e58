/// Why a database could not be opened, read or written, told by what its owner can do about it.
public struct StoreFailure: Error, Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        /// The file or its directory cannot be made or opened.
        case cannotOpen(String)
        /// The file is not an SQLite database.
        case notADatabase
        /// A database of another program: `tables` names some that Weir does not know.
        case foreign(tables: [String])
        /// Cut short or overwritten.
        case damaged(String)
        /// The log of what was written last is gone, and the database was not closed.
        case logMissing
        /// A restore of a backup began and did not end.
        case restoreInterrupted
        /// Written by a newer version of Weir.
        case newerSchema(found: Int, known: Int)
        /// In use by another process; its id where it could be learnt.
        case locked(byProcess: Int32?)
        /// The disk, or the quota, is full.
        case full
        /// The file, its directory or the file system does not allow writing.
        case readOnly
        case other(code: Int32, message: String)
    }

    public var reason: Reason
    public var path: String

    public init(_ reason: Reason, path: String) {
        self.reason = reason
        self.path = path
    }

    /// A stable name for surfaces and logs.
    public var code: String {
        switch self.reason {
        case .cannotOpen: "database_cannot_open"
        case .notADatabase: "database_not_a_database"
        case .foreign: "database_foreign"
        case .damaged: "database_damaged"
        case .logMissing: "database_log_missing"
        case .restoreInterrupted: "database_restore_interrupted"
        case .newerSchema: "database_newer"
        case .locked: "database_locked"
        case .full: "database_disk_full"
        case .readOnly: "database_read_only"
        case .other: "database_error"
        }
    }
}

/// What happened, and what to do about it.
extension StoreFailure: CustomStringConvertible {
    public var description: String {
        switch self.reason {
        case .cannotOpen(let why):
            "cannot open the database \(self.path): \(why). Check that its directory exists and may be written."
        case .notADatabase:
            """
            \(self.path) is not an SQLite database. It is left as it is. If it was one, `weir db restore` takes a \
            backup in its place; else correct the configured path.
            """
        case .foreign(let tables):
            """
            \(self.path) is the database of another program (it has \(tables.joined(separator: ", "))). \
            Configure another path.
            """
        case .damaged(let detail):
            """
            the database \(self.path) is damaged (\(detail)). It is left as it is. Restore a backup with \
            `weir db restore`, or move it away to start a new one: what only it knows is then lost to Weir.
            """
        case .logMissing:
            """
            the log of the database \(self.path) is gone (\(self.path)-wal), and with it what was written last: Weir \
            was not stopped properly before. Put the log back, restore a backup with `weir db restore`, or remove \
            \(self.path).lock to go on without it.
            """
        case .restoreInterrupted:
            """
            a restore of the database \(self.path) was interrupted. Run `weir db restore` again; nothing was lost. \
            Or remove \(self.path).restoring to keep the database as it is.
            """
        case .newerSchema(let found, let known):
            """
            the database \(self.path) was written by a newer version of Weir (schema \(found), this version knows \
            \(known)). It is left as it is. Use that version, or restore a backup of this one with `weir db restore`.
            """
        case .locked(let process):
            """
            the database \(self.path) is in use by another process\(process.map { " (\($0))" } ?? ""). Only one \
            Weir may use a database: stop the other one.
            """
        case .full:
            "no space left to write the database \(self.path). Nothing was changed; free some space."
        case .readOnly:
            "the database \(self.path) may not be written. Check the permissions of the file and its directory."
        case .other(let code, let message):
            "the database \(self.path) failed: \(message) (SQLite error \(code))."
        }
    }
}
