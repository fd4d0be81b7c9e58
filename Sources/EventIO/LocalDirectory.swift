import Glibc
import SwarmTypes

/// Why a folder is no place for our sockets.
public enum LocalDirectoryFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case system(SystemCallFailure)
    case ownedByAnother
    /// Its group or others may look into it.
    case openToOthers
    /// Sixteen living sessions of the same name: not by accident.
    case crowded

    public var description: String {
        switch self {
        case .system(let failure): failure.description
        case .ownedByAnother: "the folder belongs to another user"
        case .openToOthers: "the folder is open to others (its mode must be 0700)"
        case .crowded: "the folder is full of sockets"
        }
    }
}

/// A folder of Unix domain sockets, one for each running session, that nobody but its owner reaches.
///
/// The folder is opened once and its sockets are named through that descriptor, so that nobody can put another
/// folder in its place, and so that its path may be longer than a socket's name.
public final class LocalDirectory: Sendable {
    public let path: String
    private let descriptor: Int32

    static let suffix = ".sock"
    private static let namesakes = 16
    /// How long another process may hold the folder's lock before we go on without it.
    private static let lockSeconds = 0.5

    /// - Parameter creates: whether to make the folder, but not those above it.
    public init(_ path: String, creates: Bool) throws(LocalDirectoryFailure) {
        if creates, mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .system(SystemCallFailure(call: "mkdir", code: errno))
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(SystemCallFailure(call: "open", code: errno)) }
        self.path = path
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .system(SystemCallFailure(call: "fstat", code: errno))
        }
        guard status.st_uid == geteuid() else { throw .ownedByAnother }
        guard status.st_mode & 0o077 == 0 else { throw .openToOthers }
    }

    deinit { close(self.descriptor) }

    /// The sockets' names, sorted.
    var names: [String] {
        let copy = openat(self.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let folder = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(Self.suffix) { names.append(name) }
        }
        return names.sorted()
    }

    /// A listening, non-blocking socket under this name, or the name with a number where another lives there.
    func listen(as base: String) throws(LocalDirectoryFailure) -> (descriptor: Int32, name: String) {
        let isLocked = self.lock()
        defer { if isLocked { self.unlock() } }
        for number in 0..<Self.namesakes {
            let name = (number == 0 ? base : "\(base)-\(number)") + Self.suffix
            let socket = try Self.makeSocket(SOCK_NONBLOCK.rawValue)
            var code = self.bind(socket, to: name)
            if code == EADDRINUSE, isLocked, self.isDeserted(name) {
                unlinkat(self.descriptor, name, 0)
                code = self.bind(socket, to: name)
            }
            if code == 0, Glibc.listen(socket, 128) != 0 { code = errno }
            if code == 0 { return (socket, name) }
            close(socket)
            if code != EADDRINUSE { throw .system(SystemCallFailure(call: "bind", code: code)) }
        }
        throw .crowded
    }

    /// A connected, blocking socket. ECONNREFUSED says that nobody is behind the name any more.
    func connect(to name: String) throws(LocalDirectoryFailure) -> Int32 {
        let socket = try Self.makeSocket(0)
        // A stopped process with a full backlog must not hold us.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = self.withAddress(of: name) { Glibc.connect(socket, $0, $1) }
        guard result == 0 else {
            let code = errno
            close(socket)
            throw .system(SystemCallFailure(call: "connect", code: code))
        }
        return socket
    }

    /// Removes the sockets that nobody is behind. Under the lock, because a socket that is bound and does not
    /// listen yet looks deserted.
    func removeDeserted() {
        guard self.lock() else { return }
        defer { self.unlock() }
        for name in self.names where self.isDeserted(name) { unlinkat(self.descriptor, name, 0) }
    }

    func remove(_ name: String) { unlinkat(self.descriptor, name, 0) }

    private func isDeserted(_ name: String) -> Bool {
        do throws(LocalDirectoryFailure) {
            close(try self.connect(to: name))
            return false
        } catch {
            // What is no socket is refused as well, and is not ours to remove.
            guard case .system(let failure) = error, failure.code == ECONNREFUSED else { return false }
            var status = stat()
            return fstatat(self.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
                && status.st_mode & S_IFMT == S_IFSOCK
        }
    }

    private func lock() -> Bool {
        let deadline = monotonicNow().advanced(bySeconds: Self.lockSeconds)
        while flock(self.descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, monotonicNow() < deadline else { return false }
            usleep(5000)
        }
        return true
    }

    private func unlock() { flock(self.descriptor, LOCK_UN) }

    private static func makeSocket(_ flags: UInt32) throws(LocalDirectoryFailure) -> Int32 {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | flags), 0)
        guard socket >= 0 else { throw .system(SystemCallFailure(call: "socket", code: errno)) }
        return socket
    }

    /// Answers 0 or errno.
    private func bind(_ socket: Int32, to name: String) -> Int32 {
        self.withAddress(of: name) { Glibc.bind(socket, $0, $1) } == 0 ? 0 : errno
    }

    private func withAddress(of name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32
    {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("/proc/self/fd/\(self.descriptor)/\(name)".utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            errno = ENAMETOOLONG
            return -1
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
