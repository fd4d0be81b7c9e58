/// The largest grid value that is not above `value`; a value below 1 is zero.
///
/// Limits lie on a geometric grid, so that many torrents share one value and a plan needs few requests. The grid
/// has `2^bits` values an octave: `m * 2^e` with `2^bits <= m < 2^(bits + 1)`. Small values are all on it.
func gridDown(_ value: Int64, bits: Int = 3) -> Int64 {
    let shift = Int64.bitWidth - max(0, value).leadingZeroBitCount - (bits + 1)
    return shift > 0 ? (value >> shift) << shift : max(0, value)
}

/// The smallest grid value that is not below `value`, which is at most `RateBounds.rate` or a little more.
func gridUp(_ value: Int64) -> Int64 {
    let down = gridDown(value)
    guard down < value else { return down }
    return down + (1 << (Int64.bitWidth - value.leadingZeroBitCount - 4))
}

/// What `count` idle torrents of a tracker keep, each: together a hundredth of its cap, at most 16 KiB/s each,
/// at least 1 B/s. The first bytes of a torrent that wakes still show at such a rate.
func idleFloor(cap: Int64, torrents count: Int) -> Int64 {
    gridDown(min(max(cap / (100 * Int64(max(1, count))), 1), 16 * 1024))
}
