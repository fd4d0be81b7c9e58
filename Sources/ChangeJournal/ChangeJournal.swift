import SQLiteStore

/// What Weir is about to change, what became of it, and what each torrent had before: the truth that rollback
/// and the settling after a crash rest on.
///
/// Every call blocks until its transaction is on disk. One thread at a time: its owner is an actor on a
/// thread for blocking work.
public final class ChangeJournal {
    let database: Database
    /// Filled from the table and by `instanceID`; emptied when a transaction is undone.
    private var idByInstance: [String: Int64] = [:]
    private var instanceByID: [Int64: String] = [:]

    public var path: String { self.database.path }

    /// Opens the journal or makes a new one.
    public init(path: String) throws(JournalFailure) {
        do {
            self.database = try Database(
                path: path, migrations: journalMigrations,
                foreignTables: Self.foreignTables)
        } catch {
            throw .store(error)
        }
    }

    /// Copies the journal into a new file, while it stays in use.
    public func backup(to path: String) throws(JournalFailure) {
        try self.reading { () throws(StoreFailure) in try self.database.backup(to: path) }
    }

    /// Brings everything into the journal's one file, for who copies it while no Weir runs.
    public func foldLog() throws(JournalFailure) {
        try self.reading { () throws(StoreFailure) in try self.database.foldLog() }
    }

    func writing<Result>(_ body: () throws(StoreFailure) -> Result) throws(JournalFailure) -> Result {
        do {
            return try self.database.transaction(body)
        } catch {
            self.idByInstance = [:]
            self.instanceByID = [:]
            throw .store(error)
        }
    }

    func reading<Result: ~Copyable>(
        _ body: () throws(StoreFailure) -> Result
    ) throws(JournalFailure) -> Result {
        do { return try body() } catch { throw .store(error) }
    }

    /// The number of an instance's name, given to it now if it has none. Only inside `writing`.
    func instanceID(_ name: String) throws(StoreFailure) -> Int64 {
        if let id = self.idByInstance[name] { return id }
        if let id = try self.knownInstanceID(name) { return id }
        let insert = try self.database.prepare("INSERT INTO instances (name) VALUES (?1)")
        try insert.bind(name, at: 1)
        try insert.run()
        return try self.knownInstanceID(name) ?? 0
    }

    /// Nil for a name that no record has.
    func knownInstanceID(_ name: String) throws(StoreFailure) -> Int64? {
        if let id = self.idByInstance[name] { return id }
        let select = try self.database.prepare("SELECT id FROM instances WHERE name = ?1")
        try select.bind(name, at: 1)
        guard try select.step() else { return nil }
        let id = select.int64(0)
        self.idByInstance[name] = id
        return id
    }

    func instanceName(_ id: Int64) throws(JournalFailure) -> String {
        if let name = self.instanceByID[id] { return name }
        let name = try self.reading { () throws(StoreFailure) -> String? in
            let select = try self.database.prepare("SELECT name FROM instances WHERE id = ?1")
            try select.bind(id, at: 1)
            return try select.step() ? select.text(0) : nil
        }
        guard let name else { throw .unreadableRow(table: "instances", detail: "no instance \(id)") }
        self.instanceByID[id] = name
        return name
    }
}
