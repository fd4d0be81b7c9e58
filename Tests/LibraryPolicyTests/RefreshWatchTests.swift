import LibraryPolicy
import SwarmTypes
import TestKit
import Testing

@Suite("When counters are read that are refreshed now and then")
struct RefreshWatchTests {
    private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test(
        "Each refresh is seen within an eighth of a second, with few looks, also when others look in between",
        arguments: 0..<100 as Range<UInt64>)
    func refreshes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var watch = RefreshWatch()
        let phase = Double.random(in: 0..<1.5, using: &random)
        var (time, nextCycle, looks) = (10.0, 12.0, 0)
        var seen: [Int: Double] = [:]
        while time < 70 {
            let refresh = Int((time - phase) / 1.5)
            if seen[refresh] == nil { seen[refresh] = time }
            watch.read([Int64(refresh)], at: self.instant(time))
            looks += 1
            let next = Double(watch.nextLook(at: self.instant(time))?.nanoseconds ?? 0) / 1e9
            #expect(next > time)
            // A cycle reads too, when its time has come.
            time = min(next, nextCycle)
            if time == nextCycle { nextCycle += 5 }
        }
        for (refresh, at) in seen where at > 14 {
            #expect(at - (Double(refresh) * 1.5 + phase) < 0.125)
        }
        #expect(seen.count >= 39)
        #expect(looks < 160)
    }

    @Test("Counters that rest are read once a second, and so are those that cannot be read")
    func rest() {
        var watch = RefreshWatch()
        #expect(watch.nextLook(at: self.instant(1)) == nil)
        watch.read([5, 0], at: self.instant(1))
        watch.read([5, 0], at: self.instant(5.5))
        #expect(watch.nextLook(at: self.instant(5.5)) == self.instant(6.5))
        // A look at 6.5 brought nothing.
        #expect(watch.nextLook(at: self.instant(8)) == self.instant(9))
        // One that comes a little late is made at once.
        #expect(watch.nextLook(at: self.instant(6.75)) == self.instant(6.5))
    }
}
