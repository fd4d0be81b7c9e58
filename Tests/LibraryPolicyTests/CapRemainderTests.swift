import LibraryPolicy
import SwarmTypes
import TestKit
import Testing

/// Others who send as a qBittorrent with libtorrent 2.0 was measured to: what half a second allows at once, now and then less;
/// counted every second time, shown every 1.5 s, around a mean that moves.
private struct Others {
    var sent = 0.0
    var shown = 0.0
    private var counted = 0.0
    private var tickAt: Double
    private var ticks = 0
    private var refreshAt: Double
    private let tick: Double
    private let period: Double
    private let mean: Double
    private let swing: Double

    init(mean: Double, swing: Double, using random: inout SplitMix64) {
        self.mean = mean
        self.swing = swing
        self.period = Double.random(in: 40...80, using: &random)
        self.tick = Double.random(in: 0.5...0.502, using: &random)
        self.tickAt = Double.random(in: 0..<0.5, using: &random)
        self.refreshAt = Double.random(in: 0..<1.5, using: &random)
    }

    mutating func advance(to time: Double, using random: inout SplitMix64) {
        if time >= self.tickAt {
            self.tickAt += self.tick
            // A triangle does as well as a sine.
            let phase = (time / self.period).truncatingRemainder(dividingBy: 1)
            let isShort = Int.random(in: 0..<12, using: &random) == 0
            let burst = isShort ? 0.7 : Double.random(in: 1...1.06, using: &random)
            self.sent += self.mean * self.tick * burst * (1 + self.swing * (abs(phase - 0.5) * 4 - 1))
            self.ticks += 1
            if self.ticks.isMultiple(of: 2) { self.counted = self.sent }
        }
        if time >= self.refreshAt {
            self.shown = self.counted
            self.refreshAt += 1.5
        }
    }
}

@Suite("What is left of a cap beside others")
struct CapRemainderTests {
    private static let cap = ByteRate(bytesPerSecond: 1_000_000)

    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    /// What both have sent, and the others alone, every tenth of a second.
    private func run(
        _ others: inout Others, seconds: Double, using random: inout SplitMix64
    ) -> [(both: Double, others: Double)] {
        var remainder = CapRemainder(own: 0, others: 0, at: self.instant(0))
        var watch = RefreshWatch()
        var (own, rate, lookAt) = (0.0, 0.0, 0.1)
        var sums: [(both: Double, others: Double)] = []
        for step in 1...Int(seconds * 100) {
            let (time, now) = (Double(step) / 100, self.instant(Double(step) / 100))
            others.advance(to: time, using: &random)
            own += rate / 100
            if time >= lookAt {
                watch.read([Int64(others.shown)], at: now)
                lookAt = Double(watch.nextLook(at: now)?.nanoseconds ?? 0) / 1e9
                remainder.observe(
                    own: Int64(own), others: Int64(others.shown), cap: Self.cap, wantsMore: true, at: now)
                rate = Double(remainder.rate(cap: Self.cap, at: now)?.bytesPerSecond ?? 0)
            }
            if step.isMultiple(of: 10) { sums.append((own + others.sent, others.sent)) }
        }
        return sums
    }

    /// The least and the most in any ten seconds, in caps.
    private func tens(_ sums: [Double]) -> (least: Double, most: Double) {
        var (least, most) = (Double.infinity, 0.0)
        for index in 400..<sums.count - 100 {
            let tens = (sums[index + 100] - sums[index]) / 10 / 1e6
            (least, most) = (min(least, tens), max(most, tens))
        }
        return (least, most)
    }

    @Test(
        "Beside others who send in bursts around a mean that moves, the cap is used and kept",
        arguments: 0..<200 as Range<UInt64>)
    func bursts(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let theirs = Double.random(in: 50_000...600_000, using: &random)
        var others = Others(
            mean: theirs, swing: Double.random(in: 0...0.1, using: &random), using: &random)
        let sums = self.run(&others, seconds: 240, using: &random)
        let (least, most) = self.tens(sums.map(\.both))
        #expect(least >= 0.90 && most <= 1.06, "\(least) \(most)")
        // Nothing is lost or won in the long run, but for what is kept free.
        let mean = (sums[2399].both - sums[400].both) / 199.9 / 1e6
        #expect(abs(mean - (1 - 0.03 * theirs / 1e6)) < 0.005, "\(mean)")
    }

    @Test(
        "Ten seconds of both differ by hardly more than those of steady others alone",
        arguments: 0..<100 as Range<UInt64>)
    func calm(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var others = Others(mean: 500_000, swing: 0, using: &random)
        let sums = self.run(&others, seconds: 240, using: &random)
        let (both, theirs) = (self.tens(sums.map(\.both)), self.tens(sums.map(\.others)))
        #expect(both.most - both.least < theirs.most - theirs.least + 0.05, "\(both) \(theirs)")
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
