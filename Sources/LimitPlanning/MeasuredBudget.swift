/// What the measured uploads of a tracker may add up to when its limits may add up to more than its cap: the
/// cap less a margin, which grows while uploads exceed the cap, and less a debt of bytes sent too many.
struct MeasuredBudget: Hashable, Sendable {
    /// In millionths of the cap, 1 % to 15 %.
    var marginMillionths: Int64 = 10_000
    /// In bytes: what was sent above the cap, from -5 s to 10 s of it.
    var debt: Int64 = 0

    /// A longer interval counts as this: after a minute the past says little.
    static let longestMilliseconds: Int64 = 60_000

    /// - Parameter sent: bytes uploaded in the last `milliseconds`.
    mutating func advance(cap: Int64, rate: Int64, sent: Int64, milliseconds: Int64) {
        // Three quarters of the cap too many already give the largest margin.
        let excess = min(max(0, rate - cap), cap)
        let growth = excess * 1_000_000 / max(1, cap) / 5
        self.marginMillionths = min(max(99 * self.marginMillionths / 100 + growth, 10_000), 150_000)
        let interval = min(max(0, milliseconds), Self.longestMilliseconds)
        self.debt = min(max(self.debt + sent - cap * interval / 1000, -5 * cap), 10 * cap)
    }

    /// Never below 70 % of the cap.
    func capacity(cap: Int64) -> Int64 {
        max(7 * cap / 10, cap - cap * self.marginMillionths / 1_000_000 - max(0, self.debt) / 30)
    }
}
