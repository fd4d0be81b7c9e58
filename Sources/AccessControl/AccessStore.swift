import SQLiteStore

private let accessMigrations: [Migration] = [
    Migration(
        "users and keys",
        [
            "CREATE TABLE users (name TEXT PRIMARY KEY, password TEXT NOT NULL) WITHOUT ROWID",
            """
            CREATE TABLE keys (
                name TEXT PRIMARY KEY,
                role TEXT NOT NULL,
                digest BLOB NOT NULL UNIQUE,
                created_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """,
        ])
]

extension AccessControl {
    /// Of a database that this version writes.
    public static let schemaVersion = accessMigrations.count
}

/// A key for a program, without its secret.
public struct AccessKey: Hashable, Sendable {
    public var name: String
    public var role: AccessRole
    /// Seconds since 1970.
    public var createdAt: Int64

    public init(name: String, role: AccessRole, createdAt: Int64) {
        self.name = name
        self.role = role
        self.createdAt = createdAt
    }
}

/// Users and keys on disk: passwords as argon2id, keys as SHA-256. One thread at a time.
final class AccessStore {
    private let database: Database

    init(path: String) throws(AccessFailure) {
        do {
            self.database = try Database(path: path, migrations: accessMigrations)
        } catch {
            throw .store(error.description)
        }
    }

    /// Opens it beside the Weir that has it open, or in the place of one.
    init(besideOwnerAt path: String) throws(AccessFailure) {
        do throws(StoreFailure) {
            do throws(StoreFailure) {
                self.database = try Database(path: path, migrations: accessMigrations)
            } catch {
                // Another owner answers what it locks at once; who holds the file itself locks it for a moment.
                guard case .locked = error.reason else { throw error }
                self.database = try Database(guestAt: path, migrations: accessMigrations)
            }
        } catch {
            throw .store(error.description)
        }
    }

    /// For looking at what others write, beside its owner in the same process.
    init(watching path: String) throws(AccessFailure) {
        do {
            self.database = try Database(readingAt: path, knownSchema: accessMigrations.count)
        } catch {
            throw .store(error.description)
        }
    }

    /// Brings everything into the one file, if the disk takes it; else its log stays with it.
    func foldLog() { try? self.database.foldLog() }

    /// Changes with every change of others.
    func changeNumber() throws(AccessFailure) -> Int64 {
        try self.asking { () throws(StoreFailure) in try self.database.changeNumber() }
    }

    func users() throws(AccessFailure) -> [String: String] {
        try self.asking { () throws(StoreFailure) -> [String: String] in
            var users: [String: String] = [:]
            let rows = try self.database.prepare("SELECT name, password FROM users")
            while try rows.step() { users[rows.text(0)] = rows.text(1) }
            return users
        }
    }

    func keys() throws(AccessFailure) -> [[UInt8]: AccessKey] {
        try self.asking { () throws(StoreFailure) -> [[UInt8]: AccessKey] in
            var keys: [[UInt8]: AccessKey] = [:]
            let rows = try self.database.prepare("SELECT digest, name, role, created_at FROM keys")
            while try rows.step() {
                // A role of a newer version may do nothing.
                guard let role = AccessRole(rawValue: rows.text(2)) else { continue }
                let digest = rows.withBlob(0) { Array($0) }
                keys[digest] = AccessKey(name: rows.text(1), role: role, createdAt: rows.int64(3))
            }
            return keys
        }
    }

    func setPassword(of user: String, to hash: String) throws(AccessFailure) {
        try self.asking { () throws(StoreFailure) in
            let row = try self.database.prepare(
                "INSERT INTO users (name, password) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET password = ?2"
            )
            try row.bind(user, at: 1)
            try row.bind(hash, at: 2)
            try row.run()
        }
    }

    func add(_ key: AccessKey, digest: [UInt8]) throws(AccessFailure) {
        try self.asking { () throws(StoreFailure) in
            let row = try self.database.prepare(
                "INSERT INTO keys (name, role, digest, created_at) VALUES (?1, ?2, ?3, ?4)")
            try row.bind(key.name, at: 1)
            try row.bind(key.role.rawValue, at: 2)
            try row.bind(digest, at: 3)
            try row.bind(key.createdAt, at: 4)
            try row.run()
        }
    }

    func removeKey(_ name: String) throws(AccessFailure) {
        try self.asking { () throws(StoreFailure) in
            let row = try self.database.prepare("DELETE FROM keys WHERE name = ?1")
            try row.bind(name, at: 1)
            try row.run()
        }
    }

    func removeUser(_ name: String) throws(AccessFailure) {
        try self.asking { () throws(StoreFailure) in
            let row = try self.database.prepare("DELETE FROM users WHERE name = ?1")
            try row.bind(name, at: 1)
            try row.run()
        }
    }

    /// Nobody else writes meanwhile.
    func exclusively<Result>(
        _ body: () throws(AccessFailure) -> Result
    ) throws(AccessFailure) -> Result {
        try self.database.transaction(orThrow: { .store($0.description) }, body)
    }

    private func asking<Result>(_ body: () throws(StoreFailure) -> Result) throws(AccessFailure) -> Result {
        do { return try body() } catch { throw .store(error.description) }
    }
}
