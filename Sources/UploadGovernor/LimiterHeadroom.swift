import SwarmTypes

/// What is kept below a tracker's cap because its clients overshoot their own limits.
///
/// A limit in libtorrent is a token bucket of three seconds, and a peer asks of it in proportion to what it got
/// before: a torrent with one greedy peer swings slowly between 0.95 and 1.08 of its limit, for a minute or so
/// a swing. Clients that keep their limits cost nothing: headroom comes only after an overshoot was seen, and
/// goes again. See `Documentation/decisions/0006`.
struct LimiterHeadroom: Hashable, Sendable {
    /// In thousandths of the cap, in steps of ten: each step changes many limits.
    private(set) var thousandths: Int64 = 0
    private var changedAt = Instant(nanoseconds: .min)

    /// Without an overshoot, a step is given back after so long.
    private static let holdSeconds = 300.0

    /// Takes a reading of the tracker's upload against its cap.
    /// - Parameter maximum: in thousandths; 0 switches headroom off.
    mutating func observe(_ rate: Int64, cap: Int64, maximum: Int64, at now: Instant) {
        guard cap > 0, maximum > 0 else {
            self.thousandths = 0
            return
        }
        let excess = Int64((Double(rate) / Double(cap) - 1) * 1000)
        // A quarter above the cap is no overshoot: limits are missing there, or not obeyed at all.
        if excess > 5, excess <= 250 {
            // The first step answers a usual overshoot; what is still too much after it adds up.
            let step = self.thousandths == 0 ? 50 : (excess + 9) / 10 * 10
            self.thousandths = min(maximum, self.thousandths + step)
            self.changedAt = now
        } else if self.thousandths > 0, now.seconds(since: self.changedAt) >= Self.holdSeconds {
            self.thousandths = max(0, self.thousandths - 10)
            self.changedAt = now
        }
    }

    /// The cap that limits are planned for.
    func reduced(_ cap: Int64) -> Int64 { cap - cap / 1000 * self.thousandths }
}
