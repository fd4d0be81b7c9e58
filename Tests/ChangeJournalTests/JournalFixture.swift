import ChangeJournal
import SQLiteStore
import SwarmTypes
import TestKit

/// The n-th of many torrents, spread over the identifiers as real ones are.
func torrent(_ number: Int) -> TorrentID {
    var random = SplitMix64(seed: UInt64(truncatingIfNeeded: number))
    let bytes = (0..<TorrentID.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an identifier") }
    return id
}

func key(_ number: Int, in instance: String = "seedbox") -> JournalKey {
    JournalKey(instance: instance, torrent: torrent(number))
}

func change(
    _ number: Int, from: UploadLimit = .unlimited, to: UploadLimit, in instance: String = "seedbox",
    restores: Bool = false
) -> JournalChange {
    JournalChange(
        key: key(number, in: instance), tracker: "alpha", from: from, to: to, reason: "share",
        restoresOriginal: restores)
}

func at(_ seconds: Int64) -> WallTime { WallTime(millisecondsSince1970: seconds * 1000) }

extension UploadLimit {
    static func kib(_ value: Int64) -> UploadLimit { .bytesPerSecond(value * 1024) }
}

extension ChangeJournal {
    func originals(_ scope: OriginalScope = .unrestored) throws -> [OriginalLimit] {
        var all: [OriginalLimit] = []
        try self.forEachOriginal(scope) { all.append($0) }
        return all
    }
}
