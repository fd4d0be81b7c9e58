import CLinuxIO
import Glibc

/// Opens below a directory, so that no symbolic link, whoever made it and whenever, leads out of it.
enum Beneath {
    /// Asked once: old kernels lack the call, and some sandboxes forbid it.
    private static let isSupported: Bool = {
        let file = weir_open_beneath(AT_FDCWD, ".", WEIR_O_PATH | O_CLOEXEC, 0)
        guard file >= 0 else { return errno != ENOSYS && errno != EPERM }
        close(file)
        return true
    }()

    /// - Parameter path: Components joined by "/", none of them `.` or `..`.
    /// - Returns: A descriptor, or -1 with `errno` set.
    static func open(_ root: Int32, _ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
        guard self.isSupported else { return self.openStepByStep(root, path, flags, mode: mode) }
        while true {
            let file = weir_open_beneath(root, path, flags | O_CLOEXEC, mode)
            // EAGAIN: a directory on the way was renamed meanwhile, so that the kernel cannot vouch for it.
            guard file < 0, errno == EAGAIN || errno == EINTR else { return file }
        }
    }

    /// The same when it waits for nothing: -1 otherwise. Crosses no mount.
    static func openAtOnce(_ root: Int32, _ path: String, _ flags: Int32) -> Int32 {
        self.isSupportedAtOnce ? weir_open_cached(root, path, flags | O_CLOEXEC) : -1
    }

    /// Kernels before 5.12 lack the flag.
    static let isSupportedAtOnce: Bool = {
        guard Self.isSupported else { return false }
        let file = weir_open_cached(AT_FDCWD, ".", WEIR_O_PATH | O_CLOEXEC)
        guard file >= 0 else { return errno != EINVAL }
        close(file)
        return true
    }()

    /// The same without the kernel's help: follows no symbolic link at all.
    static func openStepByStep(_ root: Int32, _ path: String, _ flags: Int32, mode: mode_t = 0) -> Int32 {
        let components = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard let last = components.last else {
            errno = EINVAL
            return -1
        }
        var directory = root
        defer { if directory != root { closeKeepingError(directory) } }
        for component in components.dropLast() {
            let next = openat(directory, component, WEIR_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { return -1 }
            if directory != root { close(directory) }
            directory = next
        }
        return openat(directory, last, flags | O_NOFOLLOW | O_CLOEXEC, mode)
    }

    /// Calls `body` with the directory that holds `path` and the last component; its answer is -1 with `errno`
    /// set when the directory cannot be opened, else what `body` answers.
    static func inParent(of path: String, _ root: Int32, _ body: (Int32, String) -> Int32) -> Int32 {
        guard let slash = path.lastSlash else { return body(root, path) }
        let parent = self.open(root, String(path[..<slash]), WEIR_O_PATH | O_DIRECTORY)
        guard parent >= 0 else { return -1 }
        defer { closeKeepingError(parent) }
        return body(parent, String(path[path.utf8.index(after: slash)...]))
    }

    /// Makes the directories on the way to `path` that are missing. Answers 0, or -1 with `errno` set.
    static func makeParents(of path: String, _ root: Int32) -> Int32 {
        var end = path.startIndex
        while let slash = path.utf8[end...].firstIndex(of: UInt8(ascii: "/")) {
            let directory = String(path[..<slash])
            let made = self.inParent(of: directory, root) { mkdirat($0, $1, 0o777) }
            guard made == 0 || errno == EEXIST else { return -1 }
            end = path.utf8.index(after: slash)
        }
        return 0
    }
}

func closeKeepingError(_ file: Int32) {
    let error = errno
    close(file)
    errno = error
}

extension String {
    /// Of bytes and not of characters: a combining mark after a slash makes one character of both.
    var lastSlash: Index? { self.utf8.lastIndex(of: UInt8(ascii: "/")) }
}
