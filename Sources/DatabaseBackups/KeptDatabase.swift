public import SQLiteStore

/// One of the databases that belong to a Weir.
public struct KeptDatabase: Hashable, Sendable {
    /// What it is called in a backup, of letters: "journal".
    public var name: String
    public var path: String
    /// The newest schema that this Weir knows.
    public var schemaVersion: Int
    /// Tables of another program that may be in it.
    public var foreignTables: Set<String>

    public init(name: String, path: String, schemaVersion: Int, foreignTables: Set<String> = []) {
        self.name = name
        self.path = path
        self.schemaVersion = schemaVersion
        self.foreignTables = foreignTables
    }

    func open(at path: String) throws(StoreFailure) -> Database {
        try Database(readingAt: path, foreignTables: self.foreignTables, knownSchema: self.schemaVersion)
    }
}

/// Why a backup could not be made or restored.
public enum BackupFailure: Error, Hashable, Sendable {
    case store(StoreFailure)
    /// There is something in the place where the backup should go.
    case alreadyThere(String)
    /// None of the databases exists.
    case nothingToBackUp
    /// The folder is no backup that this Weir can restore, and why.
    case badBackup(folder: String, String)
    /// A file or folder cannot be read or written.
    case files(path: String, String)
    /// None of its databases is one that the configuration uses.
    case emptyBackup(folder: String)
}

extension BackupFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .store(let failure): failure.description
        case .alreadyThere(let path):
            "\(path) is there already, and a backup never replaces anything. Name another folder."
        case .nothingToBackUp: "there is nothing to back up yet: no database has been made there."
        case .badBackup(let folder, let why):
            "the backup \(folder) cannot be restored: \(why). Nothing was changed."
        case .files(let path, let why): "\(path): \(why)"
        case .emptyBackup(let folder):
            "the backup \(folder) has none of the databases that are meant here. Nothing was changed."
        }
    }
}
