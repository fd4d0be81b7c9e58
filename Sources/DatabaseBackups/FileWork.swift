import Digests
import Glibc

// Files, each call durable or without effect.

private let chunkBytes = 1 << 18

func fileExists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

func systemFailure(_ path: String, _ error: Int32 = errno) -> BackupFailure {
    .files(path: path, String(cString: strerror(error)))
}

/// Calls `body` with the file, piece by piece.
private func readPieces(_ path: String, _ body: ([UInt8]) throws(BackupFailure) -> Void) throws(BackupFailure)
{
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw systemFailure(path) }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: chunkBytes)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw systemFailure(path) }
        if count == 0 { return }
        try body(count == buffer.count ? buffer : Array(buffer[..<count]))
    }
}

/// Its size and its SHA-256 in hexadecimal digits.
func digest(ofFile path: String) throws(BackupFailure) -> (byteCount: Int64, sha256: String) {
    var context: DigestContext
    do throws(DigestFailure) { context = try DigestContext(.sha256) } catch {
        throw .files(path: path, "\(error)")
    }
    var count: Int64 = 0
    var failure: DigestFailure?
    try readPieces(path) { (piece: [UInt8]) throws(BackupFailure) in
        count += Int64(piece.count)
        do throws(DigestFailure) { try context.update(piece) } catch { failure = error }
    }
    do throws(DigestFailure) {
        if let failure { throw failure }
        let digits = try context.finish().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return (count, digits.joined())
    } catch {
        throw .files(path: path, "\(error)")
    }
}

/// At most `limit` bytes.
func readWhole(_ path: String, limit: Int) throws(BackupFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    try readPieces(path) { (piece: [UInt8]) throws(BackupFailure) in
        guard bytes.count + piece.count <= limit else { throw .files(path: path, "it is too long") }
        bytes += piece
    }
    return bytes
}

private func writing(_ path: String, _ body: (Int32) throws(BackupFailure) -> Void) throws(BackupFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw systemFailure(path) }
    defer { close(descriptor) }
    try body(descriptor)
    guard fsync(descriptor) == 0 else { throw systemFailure(path) }
}

private func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(BackupFailure) {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes {
            write(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw systemFailure(path) }
        done += count
    }
}

/// A new file, for its owner only.
func writeNew(_ path: String, _ bytes: [UInt8]) throws(BackupFailure) {
    try writing(path) { (descriptor: Int32) throws(BackupFailure) in try write(bytes, to: descriptor, path) }
}

func copyNew(_ source: String, to path: String) throws(BackupFailure) {
    try writing(path) { (descriptor: Int32) throws(BackupFailure) in
        try readPieces(source) { (piece: [UInt8]) throws(BackupFailure) in
            try write(piece, to: descriptor, path)
        }
    }
}

/// Gives a file a second name, or copies it where a file system knows no second names.
func keep(_ path: String, as other: String) throws(BackupFailure) {
    if link(path, other) == 0 { return }
    guard errno != EEXIST, errno != ENOSPC, errno != EROFS else { throw systemFailure(other) }
    try copyNew(path, to: other)
}

func move(_ path: String, to other: String) throws(BackupFailure) {
    guard rename(path, other) == 0 else { throw systemFailure(other) }
}

func removeIfThere(_ path: String) throws(BackupFailure) {
    guard unlink(path) == 0 || errno == ENOENT else { throw systemFailure(path) }
}

/// Makes the names in a folder durable.
func syncFolder(_ path: String) throws(BackupFailure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemFailure(path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw systemFailure(path) }
}

/// The folder that a file or folder is in.
func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
