public import SwarmTypes

/// When to read counters that somebody else refreshes now and then, so that the moment of each refresh is known.
///
/// Bytes mean little without their time, and a qBittorrent refreshes its counters every 1.5 s only. A refresh lies between the
/// last reading that brought nothing and the first that brought something; the next one is waited for so long, and then
/// looked for until it is there.
public struct RefreshWatch: Hashable, Sendable {
    /// From a reading before a refresh to the first look for the next one.
    private static let refreshSeconds = 1.45
    private static let probingSeconds = 0.1
    /// Without a refresh for so long nothing is sent, and it is enough to look so often.
    private static let longestProbingSeconds = 4.0
    private static let restingSeconds = 1.0

    private var counters: [Int64] = []
    private var lastReading: Instant?
    private var lastMove = Instant(nanoseconds: .min / 2)
    /// The last reading before that.
    private var beforeMove = Instant(nanoseconds: .min / 2)

    public init() {}

    public mutating func read(_ counters: [Int64], at now: Instant) {
        if counters != self.counters {
            self.beforeMove = self.lastReading ?? now
            self.lastMove = now
        }
        self.counters = counters
        self.lastReading = now
    }

    /// Now or earlier, if it is high time; nil before the first reading.
    public func nextLook(at now: Instant) -> Instant? {
        guard let last = self.lastReading else { return nil }
        let isMoving = last.seconds(since: self.lastMove) < Self.longestProbingSeconds
        let pause = isMoving ? Self.probingSeconds : Self.restingSeconds
        let next = max(
            last.advanced(bySeconds: pause), self.beforeMove.advanced(bySeconds: Self.refreshSeconds))
        // Where looks have brought nothing, the next one is not any sooner.
        return now.seconds(since: next) < Self.restingSeconds
            ? next : now.advanced(bySeconds: Self.restingSeconds)
    }
}
