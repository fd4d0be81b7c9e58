/// A point on the monotonic clock, in nanoseconds from an arbitrary origin. Never a time of day.
public struct Instant: Hashable, Comparable, Sendable {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public func advanced(bySeconds seconds: Double) -> Instant {
        Instant(nanoseconds: self.nanoseconds &+ Int64(seconds * 1_000_000_000))
    }

    public func advanced(byNanoseconds nanoseconds: Int64) -> Instant {
        Instant(nanoseconds: self.nanoseconds &+ nanoseconds)
    }

    /// Negative when `earlier` is in fact later.
    public func seconds(since earlier: Instant) -> Double {
        Double(self.nanoseconds &- earlier.nanoseconds) / 1_000_000_000
    }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
}
