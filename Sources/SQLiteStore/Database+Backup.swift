import CSQLite
import Glibc

extension Database {
    /// Copies the database as it is now into a new file, while it stays in use.
    ///
    /// Writes to `<destination>.part` first and renames when the copy is complete and synced, so that the
    /// destination is a whole backup or does not exist. An existing destination is replaced.
    public func backup(to destination: String) throws(StoreFailure) {
        let part = destination + ".part"
        unlink(part)
        do {
            try self.copy(to: part)
        } catch {
            unlink(part)
            throw error
        }
        guard rename(part, destination) == 0 else {
            let error = errno
            unlink(part)
            throw StoreFailure(systemReason(error), path: destination)
        }
        try syncFolder(of: destination)
    }

    private func copy(to path: String) throws(StoreFailure) {
        // SQLite would let others read it.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreFailure(systemReason(errno), path: path) }
        close(descriptor)
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard let target = opened else { throw StoreFailure(.cannotOpen("out of memory"), path: path) }
        defer { sqlite3_close_v2(target) }
        guard code == SQLITE_OK else { throw storeFailure(of: target, code: code, path: path) }

        guard let copy = sqlite3_backup_init(target, "main", self.connection.handle, "main") else {
            throw storeFailure(of: target, code: sqlite3_errcode(target), path: path)
        }
        let stepped = sqlite3_backup_step(copy, -1)
        let finished = sqlite3_backup_finish(copy)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
            throw storeFailure(of: target, code: finished == SQLITE_OK ? stepped : finished, path: path)
        }
        // The copy carries the source's WAL mode; a backup is one file.
        guard sqlite3_exec(target, "PRAGMA journal_mode=DELETE", nil, nil, nil) == SQLITE_OK else {
            throw storeFailure(of: target, code: sqlite3_errcode(target), path: path)
        }
    }
}

/// Makes the names in the folder of a file durable.
func syncFolder(of path: String) throws(StoreFailure) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreFailure(systemReason(errno), path: path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreFailure(systemReason(errno), path: path) }
}
