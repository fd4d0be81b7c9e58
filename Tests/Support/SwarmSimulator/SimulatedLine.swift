import SwarmTypes

/// A host's line to the rest of the world. Bytes queue at it in the order in which they were sent.
public struct SimulatedLine: Sendable {
    public var upBytesPerSecond: Double
    public var downBytesPerSecond: Double
    /// To the middle of the network: a round trip is twice the sum of both sides'.
    public var delaySeconds: Double
    /// Of packets that get lost once; each comes later by a retransmission.
    public var lossShare: Double
    /// A connection's bytes that may wait here before the sender has to.
    public var sendBuffer = 64 * 1024

    private var upFreeAt = Instant(nanoseconds: .min / 2)
    private var downFreeAt = Instant(nanoseconds: .min / 2)

    public init(
        up: Double = 4e6, down: Double = 20e6, delaySeconds: Double = 0.02, lossShare: Double = 0
    ) {
        self.upBytesPerSecond = up
        self.downBytesPerSecond = down
        self.delaySeconds = delaySeconds
        self.lossShare = lossShare
    }

    /// When the last of so many bytes has left the host.
    mutating func depart(_ count: Int, at now: Instant) -> Instant {
        self.upFreeAt = max(now, self.upFreeAt).advanced(bySeconds: Double(count) / self.upBytesPerSecond)
        return self.upFreeAt
    }

    /// When the last of so many bytes that have come to the line's far end is with the host.
    mutating func arrive(_ count: Int, at now: Instant) -> Instant {
        self.downFreeAt = max(now, self.downFreeAt).advanced(
            bySeconds: Double(count) / self.downBytesPerSecond)
        return self.downFreeAt
    }
}
