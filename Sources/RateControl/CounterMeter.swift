public import SwarmTypes

/// The rate of a sum that somebody else keeps and that is looked at now and then, about once a second.
public struct CounterMeter: Sendable {
    /// The newest seconds count more: after a change, half of the new rate is there in as many seconds.
    private static let halfSeconds = 2.0
    /// A shorter time says little of a flow that moves in ticks, and is left to the next look.
    public static let shortestSeconds = 0.2

    private var seen: Int64
    private var seenAt: Instant
    private var bytesPerSecond = 0.0

    public init(_ total: Int64, at now: Instant) {
        self.seen = total
        self.seenAt = now
    }

    public mutating func observe(_ total: Int64, at now: Instant) {
        let seconds = now.seconds(since: self.seenAt)
        guard seconds >= Self.shortestSeconds else { return }
        let sample = Double(max(0, total &- self.seen)) / seconds
        self.bytesPerSecond += (sample - self.bytesPerSecond) * seconds / (seconds + Self.halfSeconds)
        self.seen = total
        self.seenAt = now
    }

    public var rate: ByteRate { ByteRate(bytesPerSecond: Int64(self.bytesPerSecond)) }
}
