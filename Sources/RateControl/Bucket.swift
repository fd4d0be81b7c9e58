import SwarmTypes

/// A token bucket. Credit is counted in billionths of a byte, so that no fraction is lost between refills and
/// the sum granted in any window stays below rate × time + `burst`.
struct Bucket: Sendable {
    /// Above this (17 GB/s) a rate counts as this, so that products stay within 64 bits.
    static let highestRate: Int64 = 1 << 34
    private static let perByte: Int64 = 1_000_000_000
    private static let bankWithDemand: Int64 = 250_000_000
    private static let bankWithoutDemand: Int64 = 100_000_000

    /// In bytes per second.
    private(set) var rate: Int64
    private var credit: Int64 = 0
    private var refilledAt: Instant

    /// Begins empty: a limit that has just been set has nothing banked.
    init(_ rate: ByteRate, at now: Instant) {
        self.rate = min(rate.bytesPerSecond, Self.highestRate)
        self.refilledAt = now
    }

    /// The smallest grant worth making: a block, or 50 ms of a slow rate.
    var grain: Int64 { max(1, min(16384, self.rate / 20)) }

    /// Whole bytes that may be granted now, as of the last refill.
    var available: Int64 { self.credit / Self.perByte }

    /// The bank is 250 ms while somebody waits, so that a late tick loses nothing, and 100 ms otherwise, so
    /// that a second of new demand stays within 10 % of the rate.
    mutating func refill(at now: Instant, hasDemand: Bool) {
        let elapsed = now.nanoseconds &- self.refilledAt.nanoseconds
        guard elapsed > 0 else { return }
        self.refilledAt = now
        let bank = max(
            Self.perByte, self.rate &* (hasDemand ? Self.bankWithDemand : Self.bankWithoutDemand))
        let (earned, overflows) = elapsed.multipliedReportingOverflow(by: self.rate)
        self.credit = overflows || earned >= bank ? bank : min(bank, self.credit &+ earned)
    }

    mutating func spend(_ bytes: Int64) { self.credit &-= bytes &* Self.perByte }

    mutating func giveBack(_ bytes: Int64) {
        let bank = max(Self.perByte, self.rate &* Self.bankWithDemand)
        self.credit = bytes > bank / Self.perByte ? bank : min(bank, self.credit &+ bytes &* Self.perByte)
    }

    /// What was earned at the old rate stays, within the new bank.
    mutating func change(to rate: ByteRate, at now: Instant, hasDemand: Bool) {
        self.refill(at: now, hasDemand: hasDemand)
        self.rate = min(rate.bytesPerSecond, Self.highestRate)
        self.credit = min(self.credit, max(Self.perByte, self.rate &* Self.bankWithoutDemand))
    }

    /// When a grain will be there if nothing is spent; nil for a rate of zero.
    var readyAt: Instant? {
        let missing = self.grain &* Self.perByte &- self.credit
        guard missing > 0 else { return self.refilledAt }
        guard self.rate > 0 else { return nil }
        return self.refilledAt.advanced(byNanoseconds: (missing &- 1) / self.rate &+ 1)
    }
}
