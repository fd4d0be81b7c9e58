import EventIO
import Glibc
public import MetainfoCoding

/// Torrent files that are read again and again, on a thread that may wait.
public enum MetainfoFile {
    /// Longer ones are no torrents (`MetainfoLimits` refuses them as well, once they are read).
    static let maximumBytes = 64 << 20

    /// Reads and checks a torrent file.
    public static func read(_ path: String) throws(MetainfoUnavailable) -> Metainfo {
        let bytes = try Self.bytes(of: path)
        do throws(MetainfoFailure) {
            return try Metainfo(torrentFile: bytes, hashing: .openSSL)
        } catch {
            throw MetainfoUnavailable("\(path): \(error)")
        }
    }

    private static func bytes(of path: String) throws(MetainfoUnavailable) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw MetainfoUnavailable("\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MetainfoUnavailable("\(path): no file")
        }
        guard status.st_size <= Self.maximumBytes else {
            throw MetainfoUnavailable("\(path): longer than \(Self.maximumBytes) bytes")
        }
        // The size of the file is a fact of our own disk; it may grow under us, and what is more is not read.
        let size = Int(status.st_size)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let more = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), size - count)
                if more < 0, errno == EINTR { continue }
                if more < 0 { failure = errno }
                guard more > 0 else { return }
                count += more
            }
        }
        guard failure == 0 else {
            throw MetainfoUnavailable("\(path): \(String(cString: strerror(failure)))")
        }
        return bytes
    }
}
