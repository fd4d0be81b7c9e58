import SwarmTypes

/// What is kept below a tracker's cap because its clients overshoot their own limits.
///
/// A limit in libtorrent is a token bucket of three seconds, and a peer asks of it in proportion to what it got
/// before: a torrent with one greedy peer swings slowly between 0.95 and 1.09 of its limit, for a minute or so
/// a swing. The swings of many torrents cancel out, those of a few do not: a tracker with few busy torrents
/// starts with headroom, any other takes it when it was seen above its cap. Without an overshoot it goes
/// again. See `Documentation/decisions/0006`.
struct LimiterHeadroom: Hashable, Sendable {
    /// What is kept in all, in thousandths of the cap and steps of ten: each step changes many limits.
    private(set) var thousandths: Int64 = 0
    /// What of it is not needed: torrents that leave much of their limits keep it anyway, and those with small parts
    /// of the upload do not swing by much.
    private(set) var slackThousandths: Int64 = 0
    private var changedAt = Instant(nanoseconds: .min)
    private var hasStarted = false

    /// So many torrents that upload at once do not cancel each other's swings out.
    static let fewTorrents = 4
    /// Without an overshoot, a step is given back after so long.
    private static let holdSeconds = 300.0

    /// Takes a reading of the tracker's upload against its cap.
    /// - Parameters:
    ///   - busy: how many torrents the upload is spread over.
    ///   - slack: what torrents that use little of their limits leave of them, in bytes a second.
    ///   - steady: what torrents upload that are small beside the busiest.
    ///   - maximum: in thousandths; 0 switches headroom off.
    mutating func observe(
        _ rate: Int64, busy: Int, slack: Int64, steady: Int64 = 0, cap: Int64, maximum: Int64, at now: Instant
    ) {
        guard cap > 0, maximum > 0 else {
            self.thousandths = 0
            return
        }
        // Far below the cap nothing shows; a quarter above it, limits are missing or not obeyed at all.
        guard rate >= cap / 2, rate - cap <= cap / 4 else { return }
        // Half of the slack, for it may be used at any moment. Small moves change nothing.
        let slackNow = min(maximum, (slack * 500 + min(steady, cap) * maximum) / cap) / 5 * 5
        if abs(slackNow - self.slackThousandths) >= 10 { self.slackThousandths = slackNow }
        let excess = Int64((Double(rate) / Double(cap) - 1) * 1000)
        if !self.hasStarted, busy <= Self.fewTorrents {
            self.hasStarted = true
            self.thousandths = maximum
            self.changedAt = now
        } else if excess > 5 {
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
    func reduced(_ cap: Int64) -> Int64 {
        cap - cap / 1000 * max(0, self.thousandths - self.slackThousandths)
    }
}
