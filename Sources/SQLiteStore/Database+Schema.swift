/// "WEIR" in ASCII: tells our databases from other programs' (`PRAGMA application_id`).
private let applicationID: Int64 = 0x5745_4952

extension Database {
    /// Refuses a file that is not ours or newer than we know; answers its schema version.
    func checkOrigin(foreignTables: Set<String>, known: Int) throws(StoreFailure) -> Int {
        let version = Int(try self.firstInt64("PRAGMA user_version") ?? 0)
        let isOurs = try self.firstInt64("PRAGMA application_id") == applicationID
        if isOurs {
            guard version <= known else {
                throw StoreFailure(.newerSchema(found: version, known: known), path: self.path)
            }
            guard version > 0 else {
                throw StoreFailure(.damaged("its schema version is \(version)"), path: self.path)
            }
            return version
        }
        var hasTables = false
        var strangers: [String] = []
        let tables = try self.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
        )
        while try tables.step() {
            hasTables = true
            let name = tables.text(0)
            if !foreignTables.contains(name) { strangers.append(name) }
        }
        guard strangers.isEmpty else {
            throw StoreFailure(.foreign(tables: Array(strangers.prefix(3))), path: self.path)
        }
        if !hasTables, self.connection.wasInUse {
            throw StoreFailure(
                .damaged("it is empty, though it was in use; is \(self.path)-wal missing?"), path: self.path)
        }
        return 0
    }

    /// Applies what is missing, each migration whole or not at all.
    func migrate(_ migrations: [Migration], from version: Int) throws(StoreFailure) {
        for (index, migration) in migrations.enumerated() where index >= version {
            do {
                try self.transaction { () throws(StoreFailure) in
                    for statement in migration.statements { try self.execute(statement) }
                    try self.execute("PRAGMA application_id = \(applicationID)")
                    try self.execute("PRAGMA user_version = \(index + 1)")
                }
            } catch {
                guard case .other(let code, let message) = error.reason else { throw error }
                throw StoreFailure(
                    .other(code: code, message: "migration '\(migration.name)': \(message)"), path: self.path)
            }
        }
    }
}
