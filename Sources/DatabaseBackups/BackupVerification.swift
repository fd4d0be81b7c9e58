import SQLiteStore

/// Reads all of a backup, and throws at the first thing that is not as it was written, or that this Weir does not know.
/// Changes nothing.
public func verifyBackup(_ folder: String, _ databases: [KeptDatabase]) throws(BackupFailure)
    -> BackupManifest
{
    let folder = withoutLastSlash(folder)
    let path = folder + "/" + BackupManifest.fileName
    guard fileExists(path) else {
        throw .badBackup(
            folder: folder, "it has no \(BackupManifest.fileName), as the folder of a backup has")
    }
    var problem = ""
    guard
        let manifest = BackupManifest(
            try readWhole(path, limit: BackupManifest.maximumBytes), problem: &problem)
    else { throw .badBackup(folder: folder, problem) }
    for entry in manifest.databases {
        let file = folder + "/" + entry.file
        guard fileExists(file) else { throw .badBackup(folder: folder, "\(entry.file) is missing") }
        let (byteCount, sha256) = try digest(ofFile: file)
        guard byteCount == entry.byteCount, sha256 == entry.sha256 else {
            throw .badBackup(folder: folder, "\(entry.file) is damaged: it is not what the manifest says")
        }
        guard let database = databases.first(where: { $0.name == entry.name }) else {
            throw .badBackup(folder: folder, "this Weir knows no database \"\(entry.name)\"; use a newer one")
        }
        do throws(StoreFailure) {
            try database.open(at: file).checkIntegrity()
        } catch {
            throw .badBackup(folder: folder, words(for: error, entry.file))
        }
    }
    return manifest
}

private func words(for failure: StoreFailure, _ file: String) -> String {
    switch failure.reason {
    case .newerSchema(let found, let known):
        "\(file) was written by a newer version of Weir (schema \(found), this version knows \(known)); use that version"
    case .damaged(let detail): "\(file) is damaged (\(detail))"
    case .notADatabase, .foreign: "\(file) is no database of Weir"
    default: failure.description
    }
}
