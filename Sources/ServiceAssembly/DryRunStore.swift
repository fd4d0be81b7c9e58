import FoundationEssentials
import Glibc
import LogOutput
import SwarmTypes

/// Writes what a dry run would have set, as Qguardarr did: hash to bytes per second, -1 for unlimited. The file
/// is replaced as a whole, so that a reader never sees half of it.
func saveDryRun(_ limits: [TorrentKey: UploadLimit], path: String, logger: Logger) {
    var values: [String: Int64] = [:]
    for (key, limit) in limits { values[key.id.hex] = limit.rate?.bytesPerSecond ?? -1 }
    do {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            try FileManager.default.createDirectory(
                atPath: String(path[..<slash]), withIntermediateDirectories: true)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let data = try encoder.encode(values)
        let temporary = path + ".new"
        try data.write(to: URL(filePath: temporary))
        guard rename(temporary, path) == 0 else {
            logger.warning(
                "the dry run's limits cannot be kept",
                [
                    "path": .text(path), "problem": .text(String(cString: strerror(errno))),
                ])
            return
        }
    } catch {
        logger.warning("the dry run's limits cannot be kept", ["path": .text(path), "problem": "\(error)"])
    }
}
