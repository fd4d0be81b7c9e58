public import SwarmTypes

/// What is left of a cap beside others whose bytes are seen late and only now and then: the rate for somebody who keeps to
/// it exactly, so that both together use the cap and no more.
///
/// A qBittorrent refreshes its counters every 1.5 s, they count whole seconds, it sends what half a second allows in one
/// burst, and its limiter swings by a tenth (decision 6). The rate follows the others' mean of the last seconds; what the
/// two have sent too much or too little all the while is made up for within a few seconds. What nobody wanted is not saved
/// up.
public struct CapRemainder: Hashable, Sendable {
    /// The others' mean is taken over so long.
    private static let spanSeconds = 5.0
    /// No change for so long means that nothing was sent; less may only be a counter that was not refreshed.
    private static let silenceSeconds = 2.5
    /// What was sent too much or too little is made up for in this time.
    private static let repaySeconds = 3.0
    /// Of the cap, in seconds: what may be sent later because it could not be sent in time; the readings' steps alone make
    /// half a second.
    private static let savedSeconds = 1.0
    /// The same while one's own demand is less than what was left, or the others rest.
    private static let sparedSeconds = 0.1
    /// Of what the others send, kept free beside their bursts.
    private static let reserve = 0.03
    /// Of the cap: the others rest when they send less.
    private static let rest = 0.02
    /// The last of what they have sent is taken over so long at least.
    private static let recentSeconds = 1.2
    /// And what must be sent less later, at most.
    private static let owedSeconds = 10.0
    /// Making up for what was not sent passes the cap by no more than this part of it.
    private static let boost = 0.06
    /// Without a reading for so long nothing is known of the others.
    private static let trustSeconds = 10.0

    private struct Reading: Hashable {
        var total: Int64
        var at: Instant
    }

    /// Readings in which the others had moved, the newest last; at most so many as fit into the span.
    private var readings: [Reading] = []
    private var lastOwn: Int64
    private var lastLook: Instant
    /// What both have sent more than the cap allowed, in bytes.
    private var excess = 0.0

    /// Begins with the sums of bytes that both have sent so far.
    public init(own: Int64, others: Int64, at now: Instant) {
        self.lastOwn = own
        self.lastLook = now
        self.readings = [Reading(total: others, at: now)]
    }

    /// Takes the two sums of bytes. The others' may be old by a refresh of their counters.
    /// - Parameter wantsMore: of oneself.
    public mutating func observe(own: Int64, others: Int64, cap: ByteRate, wantsMore: Bool, at now: Instant) {
        let seconds = now.seconds(since: self.lastLook)
        guard seconds > 0 else { return }
        let before = self.expectedOthers(at: self.lastLook)
        let last = self.readings.last ?? Reading(total: others, at: now)
        if others < last.total || seconds > Self.trustSeconds {
            // Another client, or one that was away: nothing of before counts.
            self = CapRemainder(own: own, others: others, at: now)
            return
        }
        if others > last.total || now.seconds(since: last.at) >= Self.silenceSeconds {
            self.readings.append(Reading(total: others, at: now))
            while self.readings.count > 2, now.seconds(since: self.readings[1].at) >= Self.spanSeconds {
                self.readings.removeFirst()
            }
        }
        let sent = Double(max(0, own - self.lastOwn)) + self.expectedOthers(at: now) - before
        let bytes = Double(cap.bytesPerSecond)
        let isAlone = self.othersRate < Self.rest * bytes
        let saved = bytes * (wantsMore && !isAlone ? Self.savedSeconds : Self.sparedSeconds)
        self.excess = min(
            max(self.excess + sent - self.target(bytes) * seconds, -saved), bytes * Self.owedSeconds)
        self.lastOwn = own
        self.lastLook = now
    }

    /// Of the others, in bytes a second.
    private var othersRate: Double { self.rate(since: self.readings.first) }

    private func rate(since first: Reading?) -> Double {
        guard let first, let last = self.readings.last else { return 0 }
        let seconds = last.at.seconds(since: first.at)
        return seconds > 0 ? Double(last.total - first.total) / seconds : 0
    }

    /// What the others have sent in the last second or two.
    public func recentOthers(at now: Instant) -> ByteRate {
        guard let last = self.readings.last, now.seconds(since: last.at) <= Self.silenceSeconds else {
            return .zero
        }
        let first = self.readings.last { last.at.seconds(since: $0.at) >= Self.recentSeconds }
        return ByteRate(bytesPerSecond: Int64(self.rate(since: first)))
    }

    private func target(_ cap: Double) -> Double {
        cap - self.othersRate * Self.reserve
    }

    /// What the others have sent by now, though it was not read yet.
    private func expectedOthers(at now: Instant) -> Double {
        guard let last = self.readings.last else { return 0 }
        return Double(last.total)
            + self.othersRate * min(max(0, now.seconds(since: last.at)), Self.silenceSeconds)
    }

    /// What may be sent until the next reading; nil when the last one is too old to say.
    public func rate(cap: ByteRate, at now: Instant) -> ByteRate? {
        guard now.seconds(since: self.lastLook) <= Self.trustSeconds else { return nil }
        let bytes = Double(cap.bytesPerSecond)
        let left =
            self.target(bytes) - self.othersRate + min(-self.excess / Self.repaySeconds, bytes * Self.boost)
        return ByteRate(bytesPerSecond: Int64(min(max(0, left), bytes * (1 + Self.boost))))
    }
}
