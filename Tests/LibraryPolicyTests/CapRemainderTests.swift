import LibraryPolicy
import SwarmTypes
import TestKit
import Testing

/// Others who send as a qBittorrent does: counted at once, shown every 1.5 s, and read once a second or so.
private struct Others {
    var sent = 0.0
    var shown = 0.0
    private var refreshAt: Double
    private let period: Double
    private let mean: Double
    private let swing: Double

    init(mean: Double, swing: Double, using random: inout SplitMix64) {
        self.mean = mean
        self.swing = swing
        self.period = Double.random(in: 40...80, using: &random)
        self.refreshAt = Double.random(in: 0..<1.5, using: &random)
    }

    mutating func advance(to time: Double, step: Double) {
        // A triangle does as well as a sine.
        let phase = (time / self.period).truncatingRemainder(dividingBy: 1)
        self.sent += self.mean * (1 + self.swing * (abs(phase - 0.5) * 4 - 1)) * step
        if time >= self.refreshAt {
            self.shown = self.sent
            self.refreshAt += 1.5
        }
    }
}

@Suite("What is left of a cap beside others")
struct CapRemainderTests {
    private static let cap = ByteRate(bytesPerSecond: 1_000_000)

    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    /// Sums of both, every tenth of a second.
    private func run(
        _ others: inout Others, demand: Double = .infinity, seconds: Double
    ) -> [Double] {
        var remainder = CapRemainder(own: 0, others: 0, at: self.instant(0))
        var (own, rate, lookAt, seen) = (0.0, 0.0, 1.0, 0.0)
        var sums: [Double] = []
        for step in 1...Int(seconds * 10) {
            let time = Double(step) / 10
            others.advance(to: time, step: 0.1)
            own += min(rate, demand) * 0.1
            if time >= lookAt {
                // As `EngineCaps` does: after a refresh the next one is waited for, and then looked for.
                lookAt = time + (others.shown > seen ? 1.2 : 0.1)
                seen = others.shown
                remainder.observe(
                    own: Int64(own), others: Int64(others.shown), cap: Self.cap, wantsMore: rate < demand,
                    at: self.instant(time))
                rate = Double(remainder.rate(cap: Self.cap, at: self.instant(time))?.bytesPerSecond ?? 0)
            }
            sums.append(own + others.sent)
        }
        return sums
    }

    @Test(
        "With others that swing by a tenth, every ten seconds are within 6 % of the cap, and not above it",
        arguments: 0..<200 as Range<UInt64>)
    func swings(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let theirs = Double.random(in: 50_000...550_000, using: &random)
        var others = Others(
            mean: theirs,
            swing: Double.random(in: 0...0.1, using: &random),
            using: &random)
        let sums = self.run(&others, seconds: 240)
        var (least, most) = (Double.infinity, 0.0)
        for index in 400..<sums.count - 100 {
            let tens = (sums[index + 100] - sums[index]) / 10 / 1e6
            (least, most) = (min(least, tens), max(most, tens))
        }
        #expect(least >= 0.94 && most <= 1, "\(least) \(most)")
        // Nothing is lost or won in the long run, but for what is kept free.
        let mean = (sums[2399] - sums[400]) / 199.9 / 1e6
        #expect(abs(mean - (1 - min(0.12 * theirs / 1e6, 0.04))) < 0.005, "\(mean)")
    }

    @Test("What nobody wanted is not sent later")
    func saving() {
        var remainder = CapRemainder(own: 0, others: 0, at: self.instant(0))
        for second in 1...60 {
            remainder.observe(
                own: Int64(second) * 100_000, others: 0, cap: Self.cap, wantsMore: false,
                at: self.instant(Double(second)))
        }
        let rate = remainder.rate(cap: Self.cap, at: self.instant(60))?.bytesPerSecond ?? 0
        #expect(rate <= 1_040_000, "\(rate)")
    }

    @Test("Without a reading for long, or after a counter went back, nothing is claimed to be known")
    func ignorance() {
        var remainder = CapRemainder(own: 0, others: 5_000, at: self.instant(0))
        #expect(remainder.rate(cap: Self.cap, at: self.instant(10.5)) == nil)
        for second in 1...5 {
            remainder.observe(
                own: 0, others: Int64(second) * 600_000, cap: Self.cap, wantsMore: true,
                at: self.instant(Double(second)))
        }
        #expect((remainder.rate(cap: Self.cap, at: self.instant(5))?.bytesPerSecond ?? 0) < 600_000)
        remainder.observe(own: 0, others: 0, cap: Self.cap, wantsMore: true, at: self.instant(6))
        #expect(remainder.rate(cap: Self.cap, at: self.instant(6)) == Self.cap)
    }
}
