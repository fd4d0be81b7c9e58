import CSQLite

/// A prepared statement. Parameters count from 1, columns from 0, as in SQL.
///
/// Not to be kept beyond the transaction that it was prepared for; preparing costs a few microseconds.
public struct Statement: ~Copyable {
    private let handle: OpaquePointer
    private let database: Database

    init(_ sql: String, database: Database) throws(StoreFailure) {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v2(database.connection.handle, sql, -1, &handle, nil)
        guard code == SQLITE_OK else { throw database.connection.failure(code) }
        guard let handle else {
            throw StoreFailure(
                .other(code: SQLITE_MISUSE, message: "empty statement"), path: database.connection.path)
        }
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(self.handle) }

    /// Runs to the next row; false when there is none left. After that, or after a failure, `reset` first.
    public func step() throws(StoreFailure) -> Bool {
        try self.database.beforeStep?()
        switch sqlite3_step(self.handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw self.database.connection.failure(code)
        }
    }

    /// Runs a statement that answers no rows, and makes it ready for the next set of parameters.
    public func run() throws(StoreFailure) {
        defer { self.reset() }
        while try self.step() {}
    }

    /// Keeps the parameters.
    public func reset() { sqlite3_reset(self.handle) }

    public func bind(_ value: Int64, at parameter: Int32) throws(StoreFailure) {
        try self.check(sqlite3_bind_int64(self.handle, parameter, value))
    }

    /// Nil binds NULL.
    public func bind(_ value: Int64?, at parameter: Int32) throws(StoreFailure) {
        guard let value else { return try self.check(sqlite3_bind_null(self.handle, parameter)) }
        try self.bind(value, at: parameter)
    }

    public func bind(_ value: String, at parameter: Int32) throws(StoreFailure) {
        var value = value
        let code = value.withUTF8 { bytes in
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            // An empty string has no address, and a null address would bind NULL.
            guard let base = bytes.baseAddress else {
                return weir_sqlite3_bind_text(self.handle, parameter, "", 0)
            }
            return weir_sqlite3_bind_text(self.handle, parameter, base, count)
        }
        try self.check(code)
    }

    public func bind(_ value: [UInt8], at parameter: Int32) throws(StoreFailure) {
        let code = value.withUnsafeBytes { bytes in
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            guard let base = bytes.baseAddress else {
                return sqlite3_bind_zeroblob(self.handle, parameter, 0)
            }
            return weir_sqlite3_bind_blob(self.handle, parameter, base, count)
        }
        try self.check(code)
    }

    /// NULL, and what is not a number, reads as 0.
    public func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(self.handle, column) }

    /// Nil for NULL.
    public func optionalInt64(_ column: Int32) -> Int64? {
        sqlite3_column_type(self.handle, column) == SQLITE_NULL ? nil : self.int64(column)
    }

    /// NULL reads as "". Text that is not UTF-8 is repaired.
    public func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(self.handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Lends the bytes of a column until `body` returns; NULL reads as none.
    public func withBlob<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = sqlite3_column_blob(self.handle, column)
        let count = start == nil ? 0 : Int(sqlite3_column_bytes(self.handle, column))
        return body(UnsafeRawBufferPointer(start: start, count: count))
    }

    private func check(_ code: Int32) throws(StoreFailure) {
        guard code == SQLITE_OK else { throw self.database.connection.failure(code) }
    }
}
