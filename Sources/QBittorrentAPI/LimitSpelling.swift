import SwarmTypes

/// The one place where qBittorrent's spellings of a limit are read and written.
///
/// It reads 0 or -1 for "unlimited", by version and history, and takes everything but 1...2³¹ - 2 for
/// "unlimited" too: it has no zero, 2³¹ - 1 is libtorrent's own word for "unlimited", and above that a
/// limit wraps around to a different one.
enum LimitSpelling {
    static let largest: Int64 = 1 << 31 - 2

    static func limit(from written: Int64) -> UploadLimit {
        1...Self.largest ~= written ? .bytesPerSecond(written) : .unlimited
    }

    /// "0" is unlimited in every version; a finite limit out of range is refused.
    static func written(_ limit: UploadLimit) throws(ClientFailure) -> Int64 {
        guard let rate = limit.rate else { return 0 }
        guard 1...Self.largest ~= rate.bytesPerSecond else {
            throw .limitOutOfRange(bytesPerSecond: rate.bytesPerSecond)
        }
        return rate.bytesPerSecond
    }
}
