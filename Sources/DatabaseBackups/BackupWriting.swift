import Glibc
import SQLiteStore

/// Copies databases into a new folder, also while they are in use; each as it is at one moment.
///
/// The folder has another name until all of it is written, read again and durable: it is a whole backup or not there.
/// - Parameter databases: Those that do not exist are left out.
public func makeBackup(
    of databases: [KeptDatabase], in folder: String, weirVersion: String, at secondsSince1970: Int64
) throws(BackupFailure) -> BackupManifest {
    let present = databases.filter { fileExists($0.path) }
    guard !present.isEmpty else { throw .nothingToBackUp }
    let folder = withoutLastSlash(folder)
    guard !fileExists(folder) else { throw .alreadyThere(folder) }
    let part = folder + ".part"
    // Of an attempt that was killed.
    removeFolder(part, databases)
    guard mkdir(part, 0o700) == 0 else { throw systemFailure(part) }
    do throws(BackupFailure) {
        var manifest = BackupManifest(weirVersion: weirVersion, createdAt: secondsSince1970)
        for database in present { manifest.databases.append(try copy(database, into: part)) }
        try writeNew(part + "/" + BackupManifest.fileName, manifest.bytes)
        try syncFolder(part)
        try move(part, to: folder)
        try syncFolder(parent(of: folder))
        return manifest
    } catch {
        removeFolder(part, databases)
        throw error
    }
}

private func copy(
    _ database: KeptDatabase, into folder: String
) throws(BackupFailure) -> BackupManifest.Entry {
    let copy = folder + "/" + database.name + ".db"
    let version: Int
    do throws(StoreFailure) {
        try database.open(at: database.path).backup(to: copy)
        let written = try database.open(at: copy)
        try written.checkIntegrity()
        version = written.schemaVersion
    } catch {
        // What is wrong with the copy is wrong with the database.
        throw .store(StoreFailure(error.reason, path: error.path == copy ? database.path : error.path))
    }
    let (byteCount, sha256) = try digest(ofFile: copy)
    return .init(name: database.name, schemaVersion: version, byteCount: byteCount, sha256: sha256)
}

private func removeFolder(_ folder: String, _ databases: [KeptDatabase]) {
    for database in databases {
        for suffix in [".db", ".db.part", ".db-journal", ".db.part-journal"] {
            unlink(folder + "/" + database.name + suffix)
        }
    }
    unlink(folder + "/" + BackupManifest.fileName)
    rmdir(folder)
}

func withoutLastSlash(_ path: String) -> String {
    var path = path
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
}
