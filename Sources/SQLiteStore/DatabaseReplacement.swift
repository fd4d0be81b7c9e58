import CSQLite
import Glibc

/// A database that nobody has open, and that another is to take the place of: nobody can open it as long as this lives.
public final class DatabaseReplacement {
    public let path: String
    private let lock: LockFile

    /// What is to take the place has this name while it waits. A database beside which such a file lies is not opened: the
    /// restore was interrupted.
    public var waitingPath: String { self.path + restoringSuffix }

    /// Takes the lock, and makes the folder where it is missing.
    public init(path: String) throws(StoreFailure) {
        self.path = path
        try makeDirectory(of: path)
        self.lock = try LockFile(database: path)
    }

    /// Brings what a killed process left in the log into the database, if both are whole; else leaves both.
    public func foldLeftLog() {
        guard hasContent(self.path), hasContent(self.path + "-wal"),
            let handle = try? openHandle(self.path, SQLITE_OPEN_READWRITE, busyTimeoutMilliseconds: 0)
        else { return }
        defer { sqlite3_close_v2(handle) }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, "PRAGMA integrity_check(1)", -1, &statement, nil)
        defer { sqlite3_finalize(statement) }
        guard code == SQLITE_OK, sqlite3_step(statement) == SQLITE_ROW,
            let text = sqlite3_column_text(statement, 0), String(cString: text) == "ok"
        else { return }
        sqlite3_reset(statement)
        _ = foldLogOf(handle)
    }

    /// What took the place is whole, and has no log: an empty file would be a damaged one.
    public func finish() { self.lock.markClosed() }
}
