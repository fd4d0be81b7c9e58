/// A torrent's trackers as its lean row holds them: enough to announce without its metainfo.
///
/// Kept as the column's bytes, so that the thousands of torrents of one tracker share them in memory, and read when asked.
/// The bytes: flags (bit 0: private), then for each tier the number of its URLs and for each its length and its text.
public struct SavedTrackers: Hashable, Sendable {
    /// Nothing for a torrent that has no tracker and is not private.
    let bytes: [UInt8]

    public init(tiers: [[String]] = [], isPrivate: Bool = false) {
        let tiers = tiers.filter { !$0.isEmpty }
        guard isPrivate || !tiers.isEmpty else {
            self.bytes = []
            return
        }
        var bytes: [UInt8] = [isPrivate ? 1 : 0]
        for tier in tiers {
            ResumeCoding.append(UInt64(tier.count), to: &bytes)
            for url in tier {
                ResumeCoding.append(UInt64(url.utf8.count), to: &bytes)
                bytes += url.utf8
            }
        }
        self.bytes = bytes
    }

    /// A column as it was read, whatever it holds.
    package init(column bytes: [UInt8]) { self.bytes = bytes }

    /// BEP 27.
    public var isPrivate: Bool { self.bytes.first.map { $0 & 1 == 1 } ?? false }

    /// The URLs by tier (BEP 12); as far as they can be read.
    public var tiers: [[String]] {
        var rest = self.bytes.dropFirst()
        var tiers: [[String]] = []
        while let count = ResumeCoding.number(&rest), count > 0 {
            var tier: [String] = []
            for _ in 0..<min(count, UInt64(rest.count)) {
                guard let length = ResumeCoding.number(&rest), length <= UInt64(rest.count) else { break }
                tier.append(String(decoding: rest.prefix(Int(length)), as: UTF8.self))
                rest = rest.dropFirst(Int(length))
            }
            if !tier.isEmpty { tiers.append(tier) }
        }
        return tiers
    }
}
