public import SwarmTypes

/// The rate of one flow of bytes, as a mean of the last ten seconds and as a smoothed value.
///
/// Both rest on buckets of one second, so an `add` is an addition, and a meter nobody asks costs nothing.
public struct RateMeter: Sendable {
    private static let bucketCount = 10
    private static let nanosecondsPerBucket: Int64 = 1_000_000_000
    /// The weight of the newest second in `smoothed`: half of it comes from the last 2.4 s.
    private static let newestWeight = 0.25

    /// Bucket i holds the bytes of the newest second whose number is i modulo ten.
    private var buckets = [10 of UInt32](repeating: 0)
    /// The number of the second that runs.
    private var second: Int64
    private let startedAt: Instant
    private var smoothedRate = 0.0
    /// Since the meter was made.
    public private(set) var total: Int64 = 0

    public init(at now: Instant) {
        self.second = now.nanoseconds / Self.nanosecondsPerBucket
        self.startedAt = now
    }

    public mutating func add(_ bytes: Int, at now: Instant) {
        self.advance(to: now)
        let index = Self.index(ofSecond: self.second)
        let sum = Int64(self.buckets[index]) + Int64(max(0, bytes))
        self.buckets[index] = UInt32(clamping: sum)
        self.total += Int64(max(0, bytes))
    }

    /// The mean of the last nine to ten seconds, or of the meter's life when it is shorter, but not of less than
    /// one second.
    public mutating func mean(at now: Instant) -> ByteRate {
        self.advance(to: now)
        var sum: Int64 = 0
        for index in 0..<Self.bucketCount { sum += Int64(self.buckets[index]) }
        let intoSecond = Double(now.nanoseconds - self.second * Self.nanosecondsPerBucket) / 1e9
        let span = min(Double(Self.bucketCount - 1) + intoSecond, now.seconds(since: self.startedAt))
        return ByteRate(bytesPerSecond: Int64(Double(sum) / max(1, span)))
    }

    /// Follows a change within a few seconds; counts only seconds that have ended.
    public mutating func smoothed(at now: Instant) -> ByteRate {
        self.advance(to: now)
        return ByteRate(bytesPerSecond: Int64(self.smoothedRate))
    }

    /// The bytes of the last second that has ended.
    public mutating func lastSecond(at now: Instant) -> ByteRate {
        self.advance(to: now)
        return ByteRate(bytesPerSecond: Int64(self.buckets[Self.index(ofSecond: self.second - 1)]))
    }

    /// Ends each second that is over. After a gap longer than the buckets reach, all are empty.
    private mutating func advance(to now: Instant) {
        let current = now.nanoseconds / Self.nanosecondsPerBucket
        guard current > self.second else { return }
        let steps = min(current - self.second, 64)
        for _ in 0..<steps {
            let ended = Double(self.buckets[Self.index(ofSecond: self.second)])
            self.smoothedRate += (ended - self.smoothedRate) * Self.newestWeight
            self.second += 1
            self.buckets[Self.index(ofSecond: self.second)] = 0
        }
        if self.second < current { self.smoothedRate = 0 }
        self.second = current
    }

    private static func index(ofSecond second: Int64) -> Int {
        let rest = Int(second % Int64(Self.bucketCount))
        return rest < 0 ? rest + Self.bucketCount : rest
    }
}
