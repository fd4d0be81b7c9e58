import RateControl
import SwarmTypes
import TestKit
import Testing

private func instant(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

@Suite("A rate meter")
struct RateMeterTests {
    @Test("A steady flow is measured exactly by the mean, and nearly by the smoothed rate")
    func steady() {
        var meter = RateMeter(at: instant(300))
        for step in 0..<400 { meter.add(10_000, at: instant(300 + step * 100)) }
        let mean = meter.mean(at: instant(40_300)).bytesPerSecond
        #expect(abs(mean - 100_000) <= 1100)
        #expect(abs(meter.smoothed(at: instant(40_300)).bytesPerSecond - 100_000) <= 100)
        #expect(meter.lastSecond(at: instant(40_300)).bytesPerSecond == 100_000)
        #expect(meter.total == 4_000_000)
    }

    @Test("A young meter does not divide by less than a second")
    func young() {
        var meter = RateMeter(at: instant(999))
        meter.add(50_000, at: instant(1001))
        #expect(meter.mean(at: instant(1001)).bytesPerSecond == 50_000)
        #expect(meter.mean(at: instant(2999)).bytesPerSecond == 25_000)
    }

    @Test("Silence brings both rates to zero, however long it is", arguments: [11, 64, 65, 3600, 1_000_000])
    func silence(seconds: Int) {
        var meter = RateMeter(at: instant(0))
        for step in 0..<100 { meter.add(1_000_000, at: instant(step * 100)) }
        #expect(meter.mean(at: instant(10_000 + seconds * 1000)).bytesPerSecond == 0)
        #expect(meter.smoothed(at: instant(10_000 + seconds * 1000)).bytesPerSecond < 500_000)
    }

    @Test("A clock that steps back, huge amounts and negative ones do no harm")
    func oddInput() {
        var meter = RateMeter(at: instant(5000))
        meter.add(100, at: instant(4000))
        meter.add(-5, at: instant(5000))
        meter.add(1 << 40, at: instant(6000))
        meter.add(1 << 40, at: instant(6000))
        #expect(meter.total == 100 + 2 << 40)
        #expect(meter.lastSecond(at: instant(7000)).bytesPerSecond == Int64(UInt32.max))
    }

    @Test("The mean is the bytes of its window over its length", arguments: 0..<200 as Range<UInt64>)
    func window(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let start = Int.random(in: 0...5000, using: &random)
        var meter = RateMeter(at: instant(start))
        var added: [(time: Int, bytes: Int)] = []
        var time = start
        for _ in 0..<100 {
            time += Int.random(in: 0...1500, using: &random)
            let bytes = Int.random(in: 0...100_000, using: &random)
            meter.add(bytes, at: instant(time))
            added.append((time, bytes))
        }
        let windowStart = max(start, time / 1000 * 1000 - 9000)
        let sum = added.filter { $0.time >= windowStart }.reduce(0) { $0 + $1.bytes }
        let expected = Double(sum) * 1000 / Double(max(1000, time - windowStart))
        #expect(abs(Double(meter.mean(at: instant(time)).bytesPerSecond) - expected) <= 1)
    }

    @Test("A meter is small: every peer has two")
    func memory() {
        #expect(MemoryLayout<RateMeter>.size <= 80)
    }
}
