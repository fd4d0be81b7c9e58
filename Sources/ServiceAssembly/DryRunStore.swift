import Glibc
import JSONValues
import LogOutput
import SwarmTypes

/// Writes what a dry run would have set, as Qguardarr did: hash to bytes per second, -1 for unlimited. The file
/// is replaced as a whole, so that a reader never sees half of it.
func saveDryRun(_ limits: [TorrentKey: UploadLimit], path: String, logger: Logger) {
    var json = JSONWriter(reservingBytes: limits.count * 56)
    json.object { json in
        for (key, limit) in limits.sorted(by: { $0.key < $1.key }) {
            json.member(key.id.hex, limit.rate?.bytesPerSecond ?? -1)
        }
    }
    guard let problem = replaceFile(path, with: json.bytes) else { return }
    logger.warning("the dry run's limits cannot be kept", ["path": .text(path), "problem": .text(problem)])
}

/// Nil when it worked, else what is in the way.
private func replaceFile(_ path: String, with bytes: [UInt8]) -> String? {
    var place = path.startIndex
    while let slash = path[place...].firstIndex(of: "/") {
        place = path.index(after: slash)
        // Made if missing; what cannot be made shows when the file is opened.
        if slash != path.startIndex { mkdir(String(path[..<slash]), 0o755) }
    }
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return String(cString: strerror(errno)) }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
            write(descriptor, buffer.baseAddress?.advanced(by: written), bytes.count - written)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return String(cString: strerror(errno)) }
        written += count
    }
    return rename(temporary, path) == 0 ? nil : String(cString: strerror(errno))
}
