import Glibc
import SQLiteStore

/// Puts the databases of a backup in the place of those of a configuration.
///
/// Nothing is touched before the whole backup is proved. It may be killed between any two steps, and run again: a database
/// is the old one or the new one at every moment, none is opened in between (`DatabaseReplacement.waitingPath`), and every
/// file that was there stays beside it.
public struct BackupRestoring {
    public struct Outcome: Hashable, Sendable {
        public struct Replacement: Hashable, Sendable {
            public var name: String
            public var path: String
            /// Where the database of before lies now; nil when there was none.
            public var old: String?
        }

        public var manifest: BackupManifest
        public var replaced: [Replacement] = []
        /// Databases of the backup that this configuration does not use.
        public var leftOut: [String] = []
        /// Databases of this configuration that the backup does not have; they are as they were.
        public var untouched: [String] = []
    }

    private let databases: [KeptDatabase]
    private let stamp: String
    /// Runs before each step that changes something; for tests that end there.
    package var beforeStep: ((String) throws(BackupFailure) -> Void)?

    /// - Parameter stamp: tells old databases of several restores apart; it becomes a part of their names.
    public init(_ databases: [KeptDatabase], stamp: String) {
        self.databases = databases
        self.stamp = stamp
    }

    /// - Parameter used: those of the databases that the configuration uses.
    public func restore(_ folder: String, used: Set<String>) throws(BackupFailure) -> Outcome {
        let folder = withoutLastSlash(folder)
        let manifest = try verifyBackup(folder, self.databases)
        var outcome = Outcome(manifest: manifest)
        let wanted = manifest.databases.filter { used.contains($0.name) }
        outcome.leftOut = manifest.databases.map(\.name).filter { !used.contains($0) }
        outcome.untouched = self.databases.map(\.name).filter { name in
            used.contains(name) && !wanted.contains { $0.name == name }
        }
        guard !wanted.isEmpty else { throw .emptyBackup(folder: folder) }
        // All of them are held before anything is written, and until all is done.
        var places: [(entry: BackupManifest.Entry, place: DatabaseReplacement)] = []
        for entry in wanted {
            guard let database = self.databases.first(where: { $0.name == entry.name }) else { continue }
            do throws(StoreFailure) {
                places.append((entry, try DatabaseReplacement(path: database.path)))
            } catch {
                throw .store(error)
            }
        }
        for (entry, place) in places { try self.prepare(folder + "/" + entry.file, entry, place) }
        for (_, place) in places {
            try self.step("announce")
            try move(place.waitingPath + ".part", to: place.waitingPath)
            try syncFolder(parent(of: place.path))
        }
        for (entry, place) in places {
            let old = try self.replace(place)
            outcome.replaced.append(.init(name: entry.name, path: place.path, old: old))
        }
        return outcome
    }

    /// Copies it beside the database, and proves the copy.
    private func prepare(
        _ file: String, _ entry: BackupManifest.Entry, _ place: DatabaseReplacement
    ) throws(BackupFailure) {
        try self.step("copy")
        let part = place.waitingPath + ".part"
        try removeIfThere(part)
        try copyNew(file, to: part)
        guard try digest(ofFile: part).sha256 == entry.sha256 else {
            try removeIfThere(part)
            throw .files(path: part, "what was written there reads differently")
        }
    }

    /// - Returns: where the old database is now.
    private func replace(_ place: DatabaseReplacement) throws(BackupFailure) -> String? {
        try self.step("fold")
        place.foldLeftLog()
        var old: String?
        if fileExists(place.path) {
            let name = self.freeName(for: place.path)
            // The log belongs to the database, and its name to the database's name.
            for suffix in ["-wal", ""] where fileExists(place.path + suffix) {
                try self.step("keep")
                try keep(place.path + suffix, as: name + suffix)
            }
            old = name
            try syncFolder(parent(of: place.path))
        }
        // The new one shall not meet the log of the old one.
        for suffix in ["-wal", "-shm"] {
            try self.step("remove log")
            try removeIfThere(place.path + suffix)
        }
        try syncFolder(parent(of: place.path))
        try self.step("replace")
        try move(place.waitingPath, to: place.path)
        place.finish()
        try syncFolder(parent(of: place.path))
        try self.step("done")
        return old
    }

    private func freeName(for path: String) -> String {
        let name = "\(path).before-\(self.stamp)"
        guard fileExists(name) || fileExists(name + "-wal") else { return name }
        return (2...).lazy.map { "\(name)-\($0)" }.first { !fileExists($0) && !fileExists($0 + "-wal") }
            ?? name
    }

    private func step(_ name: String) throws(BackupFailure) { try self.beforeStep?(name) }
}
