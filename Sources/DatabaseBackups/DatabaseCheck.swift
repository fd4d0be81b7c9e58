import SQLiteStore

/// What a look at a database found.
public struct DatabaseCheck: Hashable, Sendable {
    public enum Verdict: Hashable, Sendable {
        case whole(schema: Int)
        /// It will be made at the first start.
        case absent
        /// Not what this Weir can work with, or (`isUnreadable`) not to be read now.
        case refused(code: String, problem: String, isUnreadable: Bool)
    }

    public var database: KeptDatabase
    public var verdict: Verdict

    /// Reads all of it, also while it is in use, and changes nothing.
    public init(_ database: KeptDatabase) {
        self.database = database
        guard fileExists(database.path) else {
            self.verdict = .absent
            return
        }
        do throws(StoreFailure) {
            if fileExists(database.path + ".restoring") {
                throw StoreFailure(.restoreInterrupted, path: database.path)
            }
            let open = try database.open(at: database.path)
            try open.checkIntegrity()
            self.verdict = .whole(schema: open.schemaVersion)
        } catch {
            let isUnreadable =
                switch error.reason {
                case .cannotOpen, .locked, .full, .readOnly, .other: true
                case .notADatabase, .foreign, .damaged, .newerSchema, .logMissing, .restoreInterrupted: false
                }
            self.verdict = .refused(
                code: error.code, problem: error.description, isUnreadable: isUnreadable)
        }
    }
}
