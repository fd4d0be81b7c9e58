import Glibc

/// Why a file could not be read.
public enum FileReadFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(errno: Int32)
    case notAFile
    case tooLarge(limit: Int)

    public var description: String {
        switch self {
        case .unreadable(let code): String(cString: strerror(code))
        case .notAFile: "it is not a regular file"
        case .tooLarge(let limit): "it has more than \(limit) bytes"
        }
    }
}

/// Reads a regular file of at most `limit` bytes. Never waits: a pipe or a device is refused.
public func readFile(_ path: String, limit: Int) throws(FileReadFailure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }

    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
        let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw .unreadable(errno: errno) }
        if count == 0 { return bytes }
        guard bytes.count + count <= limit else { throw .tooLarge(limit: limit) }
        bytes.append(contentsOf: chunk.prefix(count))
    }
}
