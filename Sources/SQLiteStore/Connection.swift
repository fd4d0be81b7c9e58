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
    /// Nil for a guest, and for a reader of a file that has none.
    private let lock: LockFile?
    /// Whether it made the log's index, which goes with it.
    private var removesIndex = false
    /// Whether it is ours to fold its log. What is refused stays as it is, its log too.
    private var isMarked = false
    private var isFolded = false
    /// Whether nothing of the database shall be left when it is closed.
    var isToBeRemoved = false

    /// Opens without SQLite's own mutexes: one thread uses a connection at a time.
    init(path: String, busyTimeoutMilliseconds: Int32) throws(StoreFailure) {
        self.path = path
        try makeDirectory(of: path)
        let lock = try LockFile(database: path)
        if exists(path + restoringSuffix) { throw StoreFailure(.restoreInterrupted, path: path) }
        let size = try sizeOfFile(path)
        self.sizeAtOpening = size
        self.wasInUse = size != nil && lock.isMarked
        // SQLite takes a file that is shorter than its smallest page for a new database.
        if let size, size < 512, size > 0 || lock.isMarked {
            throw StoreFailure(.damaged("only \(size) bytes long"), path: path)
        }
        // Its owner makes the log before the mark, and removes it after the mark is taken back. Who folds it in the place of a
        // killed owner, as SQLite's own shell, removes its index too.
        if size != nil, lock.wasLeftOpen, !exists(path + "-wal"), exists(path + "-shm") {
            throw StoreFailure(.logMissing, path: path)
        }
        self.handle = try openHandle(
            path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, busyTimeoutMilliseconds: busyTimeoutMilliseconds
        )
        self.lock = consume lock
    }

    /// Opens what another process owns, or may own at any time. It leaves the log to the owner.
    init(guestAt path: String, busyTimeoutMilliseconds: Int32) throws(StoreFailure) {
        self.path = path
        self.lock = nil
        self.sizeAtOpening = try sizeForReading(path)
        self.wasInUse = true
        self.handle = try openHandle(
            path, SQLITE_OPEN_READWRITE, busyTimeoutMilliseconds: busyTimeoutMilliseconds)
    }

    /// Opens for reading only, and changes nothing: beside its owner, or in the place of one.
    init(readingAt path: String) throws(StoreFailure) {
        self.path = path
        self.sizeAtOpening = try sizeForReading(path)
        self.wasInUse = true
        var isOwned = false
        do throws(StoreFailure) {
            self.lock = try LockFile(existingOf: path)
        } catch {
            isOwned = true
            self.lock = nil
        }
        var flags = SQLITE_OPEN_READONLY
        var name = path
        if !isOwned, !hasContent(path + "-wal") {
            // Without it SQLite would make a log and its index.
            name = "file:" + escaped(path) + "?immutable=1"
            flags |= SQLITE_OPEN_URI
        } else {
            self.removesIndex = !isOwned && !exists(path + "-shm")
        }
        self.handle = try openHandle(name, flags, path: path, busyTimeoutMilliseconds: 5000)
    }

    deinit {
        if self.isMarked { _ = self.foldLog() }
        sqlite3_close_v2(self.handle)
        if self.removesIndex { unlink(self.path + "-shm") }
        guard self.isToBeRemoved else { return }
        // While the lock is held, and its file last: whoever comes meanwhile is refused, or begins anew.
        for suffix in ["", "-wal", "-shm", ".lock"] { unlink(self.path + suffix) }
    }

    /// The schema is complete: from now on an empty file is a damaged one.
    func markInUse() {
        self.lock?.markOpen()
        weir_sqlite3_keep_log_on_close(self.handle, 0)
        self.isMarked = true
    }

    /// Brings all of the log into the database. From then on the log may be missing.
    /// - Returns: SQLite's error, if it cannot.
    func foldLog() -> CInt? {
        let code = foldLogOf(self.handle)
        guard code == SQLITE_OK else { return code }
        self.lock?.markClosed()
        self.isFolded = true
        return nil
    }

    /// The log is needed again.
    func willWrite() {
        guard self.isFolded else { return }
        self.isFolded = false
        self.lock?.markOpen()
    }

    func failure(_ code: Int32) -> StoreFailure {
        storeFailure(of: self.handle, code: code, path: self.path)
    }
}

/// A restore puts what it is about to take into use beside the database under this name, and takes the name away with it.
let restoringSuffix = ".restoring"

func foldLogOf(_ handle: OpaquePointer) -> CInt {
    var (logged, folded): (CInt, CInt) = (0, 0)
    return sqlite3_wal_checkpoint_v2(handle, "main", SQLITE_CHECKPOINT_TRUNCATE, &logged, &folded)
}

func openHandle(
    _ name: String, _ flags: CInt, path: String? = nil, busyTimeoutMilliseconds: Int32
) throws(StoreFailure) -> OpaquePointer {
    let path = path ?? name
    var handle: OpaquePointer?
    let code = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
    guard let handle else { throw StoreFailure(.cannotOpen("out of memory"), path: path) }
    guard code == SQLITE_OK else {
        let failure = storeFailure(of: handle, code: code, path: path)
        sqlite3_close_v2(handle)
        throw failure
    }
    sqlite3_busy_timeout(handle, busyTimeoutMilliseconds)
    weir_sqlite3_keep_log_on_close(handle, 1)
    return handle
}

/// For a URI.
private func escaped(_ path: String) -> String {
    var text = ""
    for byte in path.utf8 {
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"):
            text += "%" + String(byte, radix: 16)
        default: text.unicodeScalars.append(Unicode.Scalar(byte))
        }
    }
    return text
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
func makeDirectory(of path: String) throws(StoreFailure) {
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

/// Of a file that must be there, and hold at least a page. It is not opened: closing it again would take the locks away that
/// another connection of this process has on it.
private func sizeForReading(_ path: String) throws(StoreFailure) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { throw StoreFailure(systemReason(errno), path: path) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw StoreFailure(systemReason(EISDIR), path: path) }
    guard access(path, R_OK) == 0 else { throw StoreFailure(.cannotOpen("it may not be read"), path: path) }
    guard status.st_size >= 512 else {
        throw StoreFailure(.damaged("only \(status.st_size) bytes long"), path: path)
    }
    return Int(status.st_size)
}

func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

func hasContent(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_size > 0
}

func systemReason(_ error: Int32) -> StoreFailure.Reason {
    switch error {
    case EROFS, EACCES, EPERM: .readOnly
    case ENOSPC, EDQUOT: .full
    default: .cannotOpen(String(cString: strerror(error)))
    }
}
