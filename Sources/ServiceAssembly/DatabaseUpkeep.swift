import AccessControl
import ChangeJournal
public import DatabaseBackups
import Glibc
import SQLiteStore
import TorrentStorage
public import WeirSettings

/// The databases of a configuration, or of a session that `weir seed` keeps, for the commands that back up, restore and check
/// them.
public struct DatabaseUpkeep: Sendable {
    /// All that a backup may hold.
    private let databases: [KeptDatabase]
    /// The names of those that are meant; the others are only known.
    private let used: Set<String>

    public init(_ settings: Settings, source: SettingsSource) {
        let journal = settings.rollback.databasePath
        self.databases = Self.known(
            journal: journal, access: accessPath(journal),
            library: stateDirectory(settings, source.variables) + "/library.db")
        self.used = settings.runsEngine ? ["journal", "access", "library"] : ["journal", "access"]
    }

    /// - Parameter folder: as `weir seed --session` was given it.
    public init(session folder: String) {
        self.databases = Self.known(session: sessionDatabase(in: folder))
        self.used = ["session"]
    }

    /// Those without a path are known by name, so that what is in a backup can be told.
    private static func known(
        journal: String = "", access: String = "", library: String = "", session: String = ""
    ) -> [KeptDatabase] {
        [
            KeptDatabase(
                name: "journal", path: journal, schemaVersion: ChangeJournal.schemaVersion,
                foreignTables: ChangeJournal.foreignTables),
            KeptDatabase(name: "access", path: access, schemaVersion: AccessControl.schemaVersion),
            KeptDatabase(name: "library", path: library, schemaVersion: ResumeStore.schemaVersion),
            KeptDatabase(name: "session", path: session, schemaVersion: ResumeStore.schemaVersion),
        ]
    }

    private var usedDatabases: [KeptDatabase] { self.databases.filter { self.used.contains($0.name) } }

    /// - Parameter folder: nil for one in the working directory, named by the time.
    /// - Returns: where it is, and what is in it.
    public func backUp(to folder: String?) throws(ServiceFailure) -> (
        folder: String, manifest: BackupManifest
    ) {
        let folder = folder ?? "weir-backup-" + timeStamp()
        do throws(BackupFailure) {
            return (
                folder,
                try makeBackup(
                    of: self.usedDatabases, in: folder, weirVersion: weirVersion, at: Int64(wallSeconds()))
            )
        } catch {
            throw serviceFailure(error)
        }
    }

    /// All of it read, and nothing changed.
    public func verify(_ folder: String) throws(ServiceFailure) -> BackupManifest {
        do throws(BackupFailure) { return try verifyBackup(folder, self.databases) } catch {
            throw serviceFailure(error)
        }
    }

    public func restore(_ folder: String) throws(ServiceFailure) -> BackupRestoring.Outcome {
        do throws(BackupFailure) {
            return try BackupRestoring(self.databases, stamp: timeStamp()).restore(folder, used: self.used)
        } catch {
            throw serviceFailure(error)
        }
    }

    public func check() -> [DatabaseCheck] { self.usedDatabases.map { DatabaseCheck($0) } }
}

/// What `weir seed --session` keeps in a folder.
public func sessionDatabase(in folder: String) -> String { folder + "/session.sqlite" }

/// Of this moment, in the user's time: "20260131-235959".
private func timeStamp() -> String {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    func digits(_ number: Int32, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    return digits(parts.tm_year + 1900, 4) + digits(parts.tm_mon + 1, 2) + digits(parts.tm_mday, 2) + "-"
        + digits(parts.tm_hour, 2) + digits(parts.tm_min, 2) + digits(parts.tm_sec, 2)
}

private func serviceFailure(_ failure: BackupFailure) -> ServiceFailure {
    switch failure {
    case .store(let store): serviceFailure(store)
    case .badBackup, .emptyBackup: .badInput(failure.description)
    case .alreadyThere: .usage(failure.description)
    case .nothingToBackUp, .files: .system(failure.description)
    }
}

/// As an exit code says it.
func serviceFailure(_ failure: StoreFailure) -> ServiceFailure {
    switch failure.reason {
    case .locked: .busy(failure.description)
    case .damaged, .notADatabase, .foreign, .newerSchema, .logMissing, .restoreInterrupted:
        .badInput(failure.description)
    case .cannotOpen, .full, .readOnly, .other: .journal(failure.description)
    }
}
