public import SwarmTypes

/// When to read counters that somebody else refreshes now and then, so that the moment of each refresh is known.
///
/// Bytes mean little without their time, and a qBittorrent refreshes its counters every 1.5 s only: after a refresh the next
/// one is waited for, and then looked for until it is there.
public struct RefreshWatch: Hashable, Sendable {
    /// From a refresh to the first look for the next one.
    private static let refreshSeconds = 1.25
    private static let probingSeconds = 0.1
    /// Without a refresh for so long nothing is sent, and it is enough to look so often.
    private static let longestProbingSeconds = 4.0
    private static let restingSeconds = 1.0

    private var counters: [Int64] = []
    private var lastReading: Instant?
    private var lastMove = Instant(nanoseconds: .min / 2)

    public init() {}

    public mutating func read(_ counters: [Int64], at now: Instant) {
        if counters != self.counters { self.lastMove = now }
        self.counters = counters
        self.lastReading = now
    }

    /// Now or earlier, if it is high time; nil before the first reading.
    public func nextLook(at now: Instant) -> Instant? {
        guard let last = self.lastReading else { return nil }
        let pause: Double
        if last == self.lastMove {
            pause = Self.refreshSeconds
        } else if last.seconds(since: self.lastMove) < Self.longestProbingSeconds {
            pause = Self.probingSeconds
        } else {
            pause = Self.restingSeconds
        }
        let next = last.advanced(bySeconds: pause)
        // Where looks have brought nothing, the next one is not any sooner.
        return now.seconds(since: next) < Self.restingSeconds
            ? next : now.advanced(bySeconds: Self.restingSeconds)
    }
}
