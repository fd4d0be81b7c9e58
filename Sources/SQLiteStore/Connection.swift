import CSQLite
import Glibc

/// The one owner of an `sqlite3` handle and of the lock file beside the database. Statements hold on to it,
/// so that the handle outlives them.
final class Connection {
    let handle: OpaquePointer
    let path: String
    /// Of the file that was there when it was opened; nil when there was none.
    let sizeAtOpening: Int?
    /// Whether the file was there and had a complete schema before.
    let wasInUse: Bool
    private let lock: LockFile
    /// Whether nothing of the database shall be left when it is closed.
    var isToBeRemoved = false

    /// Opens without SQLite's own mutexes: one thread uses a connection at a time.
    init(path: String, busyTimeoutMilliseconds: Int32) throws(StoreFailure) {
        self.path = path
        try makeDirectory(of: path)
        self.lock = try LockFile(database: path)
        let size = try sizeOfFile(path)
        self.sizeAtOpening = size
        self.wasInUse = size != nil && self.lock.isMarked
        // SQLite takes a file that is shorter than its smallest page for a new database.
        if let size, size < 512, size > 0 || self.lock.isMarked {
            throw StoreFailure(.damaged("only \(size) bytes long"), path: path)
        }

        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle else { throw StoreFailure(.cannotOpen("out of memory"), path: path) }
        guard code == SQLITE_OK else {
            let failure = storeFailure(of: handle, code: code, path: path)
            sqlite3_close_v2(handle)
            throw failure
        }
        sqlite3_busy_timeout(handle, busyTimeoutMilliseconds)
        self.handle = handle
    }

    deinit {
        sqlite3_close_v2(self.handle)
        guard self.isToBeRemoved else { return }
        // While the lock is held, and its file last: whoever comes meanwhile is refused, or begins anew.
        for suffix in ["", "-wal", "-shm", ".lock"] { unlink(self.path + suffix) }
    }

    /// The schema is complete: from now on an empty file is a damaged one.
    func markInUse() { self.lock.mark() }

    func failure(_ code: Int32) -> StoreFailure {
        storeFailure(of: self.handle, code: code, path: self.path)
    }
}

func storeFailure(of handle: OpaquePointer, code: Int32, path: String) -> StoreFailure {
    let message = sqlite3_errmsg(handle).map { String(cString: $0) } ?? "unknown error"
    let systemError = sqlite3_system_errno(handle)
    let reason: StoreFailure.Reason =
        switch code & 0xFF {
        case SQLITE_NOTADB: .notADatabase
        case SQLITE_CORRUPT: .damaged(message)
        case SQLITE_BUSY, SQLITE_LOCKED: .locked(byProcess: nil)
        case SQLITE_FULL: .full
        // SQLite tells of a full disk as an input/output error where it sizes the WAL's shared memory.
        case SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT: .full
        case SQLITE_IOERR where systemError == EROFS: .readOnly
        case SQLITE_READONLY, SQLITE_PERM: .readOnly
        case SQLITE_CANTOPEN: .cannotOpen(message)
        default: .other(code: code, message: message)
        }
    return StoreFailure(reason, path: path)
}

/// Makes every missing directory on the way, closed to other users.
private func makeDirectory(of path: String) throws(StoreFailure) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    var directory = ""
    for (index, part) in parts.enumerated() {
        directory += index == 0 ? String(part) : "/" + part
        if directory.isEmpty || mkdir(directory, 0o700) == 0 || errno == EEXIST || errno == EISDIR {
            continue
        }
        let error = errno
        // An existing directory may answer EROFS or EACCES before EEXIST.
        var status = stat()
        if stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { continue }
        throw StoreFailure(systemReason(error), path: path)
    }
}

/// Makes the file if it is missing, closed to other users; SQLite gives its companion files the same mode.
/// - Returns: The size of the file that was there; nil when there was none.
private func sizeOfFile(_ path: String) throws(StoreFailure) -> Int? {
    var descriptor = open(path, O_RDWR | O_CLOEXEC)
    if descriptor < 0, errno == ENOENT {
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreFailure(systemReason(errno), path: path) }
        close(descriptor)
        return nil
    }
    guard descriptor >= 0 else { throw StoreFailure(systemReason(errno), path: path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw StoreFailure(systemReason(errno), path: path) }
    return Int(status.st_size)
}

func systemReason(_ error: Int32) -> StoreFailure.Reason {
    switch error {
    case EROFS, EACCES, EPERM: .readOnly
    case ENOSPC, EDQUOT: .full
    default: .cannotOpen(String(cString: strerror(error)))
    }
}
