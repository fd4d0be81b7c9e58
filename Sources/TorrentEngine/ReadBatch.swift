import SwarmTypes

/// How much of a peer has to have come before its socket calls us.
///
/// A peer that sends its blocks one by one as fast as it can would wake us for each of them, which costs both sides
/// more than the block. From a fast one of which we wait for much, several are taken together; what it sends last, or
/// when it slows down, is read as it comes.
struct ReadBatch: Sendable {
    static let bytes = 128 * 1024
    /// At this rate it has come within 4 ms.
    static let leastRate = ByteRate(bytesPerSecond: 32 << 20)
    /// What it still has to send, so that it does not end in the middle of a batch.
    static let leastAsked = 4 * Self.bytes
    /// Of silence, after which what is there is read, and nothing is batched for `pause`.
    static let patience: Int64 = 50_000_000
    static let pause: Int64 = 1_000_000_000

    /// What the socket was told.
    private(set) var lowWater = 1
    private var lastReadAt = Instant(nanoseconds: 0)
    private var nextAt = Instant(nanoseconds: 0)

    /// After a read. Answers what to tell the socket, or nil when it knows.
    mutating func read(asked: Int, rate: ByteRate, at now: Instant) -> Int? {
        self.lastReadAt = now
        let isFast = asked >= Self.leastAsked && rate >= Self.leastRate && now >= self.nextAt
        return self.set(isFast ? Self.bytes : 1)
    }

    /// To be asked every `patience` while it batches.
    mutating func timerFired(at now: Instant) -> Int? {
        guard self.lowWater > 1, now.nanoseconds - self.lastReadAt.nanoseconds >= Self.patience else {
            return nil
        }
        self.nextAt = now.advanced(byNanoseconds: Self.pause)
        return self.set(1)
    }

    private mutating func set(_ lowWater: Int) -> Int? {
        guard lowWater != self.lowWater else { return nil }
        self.lowWater = lowWater
        return lowWater
    }
}
