import Testing

@testable import LimitPlanning

private let bounds = DemandBounds(cap: 1_000_000, floor: 2304, uploading: 4, torrents: 4)

/// Judges readings that are three seconds apart, all below one limit that has been in force for long.
private func judge(_ rates: [Int64], limit: Int64, hungryCycles: UInt8 = 0) -> [AdaptiveDemand] {
    var trend: DemandTrend?
    var before = hungryCycles
    return rates.map { rate in
        let reading = AdaptiveReading(
            rate: rate, limit: limit, saturation: Double(limit), hungryCycles: before, isQuiet: false)
        if trend == nil {
            trend = DemandTrend(rate: rate, full: Double(limit))
        } else {
            trend?.observe(rate: rate, full: Double(limit), seconds: 3)
            trend?.note(isFull: DemandTrend.isFull(reading, AdaptiveTuning()), usesShare: false)
        }
        let demand =
            trend?.demand(of: reading, bounds, AdaptiveTuning())
            ?? AdaptiveDemand(isHungry: false, hungryCycles: 0, need: 0, want: 0)
        if demand.isWaking { trend?.probe() }
        before = demand.hungryCycles
        return demand
    }
}

@Suite("What readings come to over several cycles")
struct DemandTrendTests {
    @Test("Blocks of a slow torrent are not hunger, and it needs little more than it uses")
    func blocks() {
        // 2 kB/s: a block every eight seconds, and what is left of its reading between.
        let demands = judge([1700, 800, 3300, 1700, 800, 3300, 1700, 800, 3300, 1700], limit: 4352)
        #expect(demands.dropFirst().allSatisfy { !$0.isHungry })
        #expect(demands.dropFirst(3).allSatisfy { $0.need <= 6000 })
    }

    @Test("A torrent that comes and goes by a fifth keeps one limit")
    func comesAndGoes() {
        let demands = judge(
            [150_000, 125_000, 178_000, 150_000, 120_000, 170_000, 140_000, 165_000, 130_000], limit: 180_000)
        #expect(demands.dropFirst().allSatisfy { !$0.isHungry })
        #expect(demands.allSatisfy { (140_000...190_000).contains($0.need) })
    }

    @Test("A torrent that fills its limit is hungry, in steps, and then may have whatever is left")
    func fills() {
        let demands = judge([Int64](repeating: 100_000, count: 6), limit: 100_000, hungryCycles: 1)
        #expect(demands.dropFirst().allSatisfy { $0.isHungry })
        #expect(demands.last?.wantsAll == true && (demands.last?.want ?? 0) >= 250_000)
    }

    @Test("An upload that stops is seen at once")
    func stops() {
        let demands = judge([500_000, 500_000, 500_000, 250_000, 60_000, 15_000], limit: 600_000)
        #expect((demands.last?.need ?? .max) <= 50_000)
    }
}
