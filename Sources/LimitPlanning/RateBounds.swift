import SwarmTypes

/// The bounds inside which planning calculates. Anything above a bound is taken to be at it, so that no sum or
/// product of up to a million torrents can overflow 64 bits, whatever a client or a configuration says.
enum RateBounds {
    /// 256 GiB/s: caps, limits and rates.
    static let rate: Int64 = 1 << 38
    /// The largest limit that may be planned: clients keep limits in 32 signed bits.
    static let plannable: Int64 = (1 << 31) - 2
    /// Stands for "no limit" in tables of plain integers.
    static let unlimited = Int64.max
}

/// The nearest integer, half to even; not below zero and not above four times `RateBounds.rate`.
///
/// `rounded()` would need the C mathematics library, which nothing pure links.
func nearestInteger(_ value: Double) -> Int64 {
    guard value.isFinite else { return value == .infinity ? 4 * RateBounds.rate : 0 }
    let bounded = min(max(0, value), Double(4 * RateBounds.rate))
    let down = Int64(bounded)
    let fraction = bounded - Double(down)
    return fraction > 0.5 || (fraction == 0.5 && down % 2 == 1) ? down + 1 : down
}

extension ByteRate {
    var bounded: Int64 { min(self.bytesPerSecond, RateBounds.rate) }
}

extension UploadLimit {
    /// The limit as a plain integer, `RateBounds.unlimited` for none.
    var bounded: Int64 { self.rate?.bounded ?? RateBounds.unlimited }

    /// The same as far as a client can keep it.
    var plannable: Int64 { self.rate.map { min($0.bounded, RateBounds.plannable) } ?? RateBounds.unlimited }

    init(bounded value: Int64) {
        self = value == RateBounds.unlimited ? .unlimited : .bytesPerSecond(value)
    }
}
