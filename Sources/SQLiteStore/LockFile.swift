import Glibc

/// Holds `<database>.lock` exclusively for as long as it lives, so that a second process on the same database
/// is refused before it reads anything. The kernel releases the lock with the process, however that ends. The
/// file stays; only who removes the whole database removes it, while it is locked, and who locks a file that lost
/// its name meanwhile takes the new one of that name.
struct LockFile: ~Copyable {
    private let descriptor: Int32

    init(database: String) throws(StoreFailure) {
        let path = database + ".lock"
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw StoreFailure(systemReason(errno), path: database) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                let error = errno
                let holder = processNumber(in: descriptor)
                close(descriptor)
                guard error == EWOULDBLOCK else { throw StoreFailure(systemReason(error), path: database) }
                throw StoreFailure(.locked(byProcess: holder), path: database)
            }
            if isNamed(descriptor, path) {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    /// Takes the lock where there is a file for it and nobody holds it. Makes and writes nothing.
    /// - Returns: Nil where there is no such file, or it cannot be read.
    init?(existingOf database: String) throws(StoreFailure) {
        let descriptor = open(database + ".lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = processNumber(in: descriptor)
            close(descriptor)
            throw StoreFailure(.locked(byProcess: holder), path: database)
        }
        self.descriptor = descriptor
    }

    /// Whether a process had a complete database here before: nothing is written to the file until then.
    var isMarked: Bool { processNumber(in: self.descriptor) != nil }

    /// Whether the last process that had the database open did not close it.
    var wasLeftOpen: Bool { content(of: self.descriptor).hasSuffix(" open") }

    /// Writes our process's number, for the message that another one gets and for `isMarked`. A failure to write costs
    /// nothing but that, and that a deleted log may go unnoticed.
    func markOpen() { self.write("\(getpid()) open\n") }

    /// Once everything is in the database's own file; durable before its log goes.
    func markClosed() {
        self.write("\(getpid())\n")
        fsync(self.descriptor)
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        if ftruncate(self.descriptor, 0) == 0 { _ = pwrite(self.descriptor, bytes, bytes.count, 0) }
    }

    /// Closing alone would leave the lock with a child process that is between its `fork` and its `exec`.
    deinit {
        flock(self.descriptor, LOCK_UN)
        close(self.descriptor)
    }
}

/// Whether the file still has this name.
private func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
    var (opened, named) = (stat(), stat())
    guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return false }
    return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
}

private func content(of descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return "" }
    return String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

private func processNumber(in descriptor: Int32) -> Int32? {
    Int32(content(of: descriptor).prefix { $0.isASCII && $0.isNumber })
}
