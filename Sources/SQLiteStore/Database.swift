import CSQLite
import Glibc

/// One step from a schema to the next. Migrations are only ever added at the end of a list: the number of
/// those that were applied is the schema's version (`PRAGMA user_version`).
public struct Migration: Sendable {
    public var name: String
    public var statements: [String]

    public init(_ name: String, _ statements: [String]) {
        self.name = name
        self.statements = statements
    }
}

/// An open database in WAL mode. What a transaction wrote is on disk before it returns (`synchronous=FULL`).
///
/// Blocking, and for one thread at a time: its owner is an actor on a thread for blocking work. A failure
/// never loses or replaces a file: a damaged, foreign or newer database is refused as it is.
public final class Database {
    let connection: Connection
    /// Runs before each step of each statement; for tests that fail or kill at the n-th step.
    package var beforeStep: (() throws(StoreFailure) -> Void)?

    public var path: String { self.connection.path }

    /// Opens the database, makes it (and its directory) if it does not exist, and brings its schema up to
    /// date.
    /// - Parameter foreignTables: Tables of another program that may be in the file beside ours.
    public init(
        path: String, migrations: [Migration], foreignTables: Set<String> = [],
        busyTimeoutMilliseconds: Int32 = 2000
    ) throws(StoreFailure) {
        // SQLite removes the log on closing.
        let wasLeftOpen = hasContent(path + "-wal")
        self.connection = try Connection(path: path, busyTimeoutMilliseconds: busyTimeoutMilliseconds)
        let version = try self.checkOrigin(foreignTables: foreignTables, known: migrations.count)
        if !wasLeftOpen { try self.checkWholePages() }

        // WAL's log is written by one writer and survives a kill; 512 KiB of cache hold a batch's hot pages.
        try self.execute("PRAGMA journal_mode=WAL")
        try self.execute("PRAGMA synchronous=FULL")
        try self.execute("PRAGMA foreign_keys=ON")
        try self.execute("PRAGMA cache_size=-512")
        if wasLeftOpen || (self.connection.sizeAtOpening ?? 0) <= Self.smallBytes {
            try self.checkIntegrity()
        }
        try self.migrate(migrations, from: version)
        self.connection.markInUse()
    }

    /// Opens a database that another process may have open, to write a little beside it. It must be there, with the schema
    /// that we know.
    public init(guestAt path: String, migrations: [Migration]) throws(StoreFailure) {
        self.connection = try Connection(guestAt: path, busyTimeoutMilliseconds: 5000)
        let version = try self.checkOrigin(foreignTables: [], known: migrations.count)
        guard version == migrations.count else { throw StoreFailure(.locked(byProcess: nil), path: path) }
        try self.execute("PRAGMA synchronous=FULL")
        try self.execute("PRAGMA foreign_keys=ON")
    }

    /// Opens a database for reading, beside its owner or without one, and changes nothing of it.
    /// - Parameter knownSchema: the newest that is not refused.
    public init(
        readingAt path: String, foreignTables: Set<String> = [], knownSchema: Int
    ) throws(StoreFailure) {
        self.connection = try Connection(readingAt: path)
        self.schemaVersion = try self.checkOrigin(foreignTables: foreignTables, known: knownSchema)
        try self.checkWholePages()
    }

    /// A database of up to so many bytes is read whole when it is opened; a bigger one only when it was not closed.
    static let smallBytes = 16 << 20

    /// Of a database that was opened for reading: how many migrations it has.
    public private(set) var schemaVersion = 0

    /// Whether there is anything of that name.
    public static func exists(at path: String) -> Bool { SQLiteStore.exists(path) }

    /// Changes with each change that another connection has made.
    public func changeNumber() throws(StoreFailure) -> Int64 {
        try self.firstInt64("PRAGMA data_version") ?? 0
    }

    /// Runs one statement without parameters, and leaves its rows unread.
    public func execute(_ sql: String) throws(StoreFailure) { try self.prepare(sql).run() }

    public func prepare(_ sql: String) throws(StoreFailure) -> Statement {
        try Statement(sql, database: self)
    }

    /// The first column of the first row; nil without a row or for NULL.
    public func firstInt64(_ sql: String) throws(StoreFailure) -> Int64? {
        let statement = try self.prepare(sql)
        return try statement.step() ? statement.optionalInt64(0) : nil
    }

    /// All or nothing: what `body` wrote is durable when this returns, and undone when it throws. Not to be
    /// nested.
    public func transaction<Result, Failure: Error>(
        orThrow wrap: (StoreFailure) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        func ours(_ step: () throws(StoreFailure) -> Void) throws(Failure) {
            do { try step() } catch { throw wrap(error) }
        }
        try ours { () throws(StoreFailure) in try self.execute("BEGIN IMMEDIATE") }
        self.connection.willWrite()
        do {
            let result = try body()
            try ours { () throws(StoreFailure) in try self.execute("COMMIT") }
            return result
        } catch {
            self.rollBack()
            throw error
        }
    }

    public func transaction<Result>(_ body: () throws(StoreFailure) -> Result) throws(StoreFailure) -> Result
    {
        try self.transaction(orThrow: { $0 }, body)
    }

    /// Leaves nothing of it on disk once the last reference goes.
    public func removeWhenClosed() { self.connection.isToBeRemoved = true }

    /// Reads every page; throws `damaged` with the first finding.
    public func checkIntegrity() throws(StoreFailure) {
        let statement = try self.prepare("PRAGMA integrity_check(1)")
        guard try statement.step(), statement.text(0) != "ok" else { return }
        throw StoreFailure(.damaged(statement.text(0)), path: self.path)
    }

    /// Brings everything into the database's own file and empties its log, so that the file alone is whole.
    /// What is written later, by a transaction, takes that back.
    public func foldLog() throws(StoreFailure) {
        if let code = self.connection.foldLog() { throw self.connection.failure(code) }
    }

    /// SQLite reads what is missing of the last page as zeros.
    private func checkWholePages() throws(StoreFailure) {
        guard let size = self.connection.sizeAtOpening, size > 0,
            let page = try self.firstInt64("PRAGMA page_size"), page > 0, Int64(size) % page != 0
        else { return }
        throw StoreFailure(.damaged("its last page is not whole"), path: self.path)
    }

    /// The rows that the last INSERT, UPDATE or DELETE changed.
    public var changedRows: Int { Int(sqlite3_changes64(self.connection.handle)) }

    /// SQLite undoes a failed COMMIT by itself in some cases; then there is nothing left to do. When ROLLBACK
    /// itself fails, the file still holds the state from before: its log has no commit mark.
    private func rollBack() {
        guard sqlite3_get_autocommit(self.connection.handle) == 0 else { return }
        sqlite3_exec(self.connection.handle, "ROLLBACK", nil, nil, nil)
    }
}
