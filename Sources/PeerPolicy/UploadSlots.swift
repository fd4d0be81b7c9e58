public import SwarmTypes

/// How many peers may be unchoked at once.
public enum UploadSlots {
    static let bytesPerSlot: Int64 = 48 * 1024
    /// Less than this for each is no use to anyone.
    static let leastBytesPerSlot: Int64 = 16 * 1024
    static let fewest = 4
    static let most = 64
    /// For an uplink without a cap.
    static let mostUncapped = 200

    /// Under a cap: one for each 48 KiB/s, 4 to 64, but never more than get 16 KiB/s each.
    public static func count(cap: ByteRate) -> Int {
        let bytes = cap.bytesPerSecond
        let wished = min(Self.most, max(Self.fewest, Int(clamping: bytes / Self.bytesPerSlot)))
        return min(wished, max(1, Int(clamping: bytes / Self.leastBytesPerSlot)))
    }

    /// Without a cap: one more than there are peers that earn their slot. The first must take 1 KiB/s, and each
    /// further one 2 KiB/s more: when the uplink is full, a slot more makes all others slower.
    public static func count(uploadRates: some Sequence<ByteRate>) -> Int {
        let sorted = uploadRates.sorted(by: >)
        var count = 0
        while count < sorted.count, sorted[count].bytesPerSecond >= Int64(1 + 2 * count) * 1024 { count += 1 }
        return min(Self.mostUncapped, max(Self.fewest, count + 1))
    }

    /// Shares a bucket's slots among its torrents, each of which can use so many: evenly, and what one cannot use
    /// goes to the others. While there are enough, every torrent with a wish gets one; `offset` turns who comes
    /// first when there are not, and should move with each round.
    public static func share(_ slots: Int, among wishes: [Int], offset: Int = 0) -> [Int] {
        var given = wishes.map { _ in 0 }
        var left = max(0, slots)
        while left > 0 {
            var gave = false
            for step in wishes.indices {
                let torrent = (step + offset % wishes.count + wishes.count) % wishes.count
                guard left > 0, given[torrent] < wishes[torrent] else { continue }
                given[torrent] += 1
                left -= 1
                gave = true
            }
            guard gave else { break }
        }
        return given
    }
}
