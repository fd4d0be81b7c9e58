import Foundation
import LimitPlanning
import SwarmTypes
import TestKit
import Testing

/// Demands of one tracker's torrents, nil for all they can get, and its cap.
private struct BlockSwarm: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let demands: [Int64?]
    let cap: Int64
    /// The least part of min(planned cap, demand), over seeds, that is uploaded.
    let least: Double
}

private let swarms = [
    BlockSwarm(
        testDescription: "a hot torrent beside one of 150 kB/s and one of 2 kB/s",
        demands: [nil, 150_000, 2000],
        cap: 800_000, least: 0.93),
    BlockSwarm(
        testDescription: "a hot torrent beside three of 4 kB/s", demands: [nil, 4000, 4000, 4000],
        cap: 1_000_000, least: 0.96),
    BlockSwarm(testDescription: "three hot torrents", demands: [nil, nil, nil], cap: 1_500_000, least: 0.97),
    BlockSwarm(
        testDescription: "two hot torrents beside twenty slow ones and three of some size",
        demands: [nil, nil, 60_000, 90_000, 200_000] + Array(repeating: 3000, count: 20), cap: 2_000_000,
        least: 0.88),
    BlockSwarm(
        testDescription: "a hot torrent beside sixty of 2 to 43 kB/s",
        demands: [nil] + (0..<60).map { Int64(2000 + 700 * $0) }, cap: 4_000_000, least: 0.78),
]

private func adaptive() -> PlanningSettings {
    var settings = PlanningSettings()
    settings.strategy = .adaptive
    settings.weighsBursts = true
    return settings
}

@Suite("The adaptive strategy beside clients that send blocks and swing around their limits")
struct BlockTests {
    @Test("What slow torrents leave is used, and no limit is above the cap", arguments: swarms)
    fileprivate func used(swarm: BlockSwarm) {
        let results = (1...20).map {
            BlockSimulation(demands: swarm.demands, cap: swarm.cap, settings: adaptive(), seed: UInt64($0))
                .run()
        }
        let least = results.map(\.utilisation).min() ?? 0
        let mean = results.map(\.utilisation).reduce(0, +) / Double(results.count)
        let largest = results.map(\.largestTenSeconds).max() ?? 0
        print(
            String(
                format: "of min(cap, demand): %.3f, least %.3f; 10 s at most %.3f: ", mean, least, largest)
                + swarm.testDescription)
        #expect(least >= 0.93 * swarm.least)
        #expect(largest <= 1.03)
        #expect(results.allSatisfy { $0.largestSum <= 0.93 })
        #expect(results.allSatisfy { ($0.convergedAt ?? .infinity) <= 120 })
    }

    @Test("Judged cycle by cycle, blocks of slow torrents take a part of the cap for nothing")
    func cycleByCycle() {
        var settings = adaptive()
        settings.weighsBursts = false
        let swarm = swarms[3]
        let one = BlockSimulation(demands: swarm.demands, cap: swarm.cap, settings: settings, seed: 1).run()
        let many = BlockSimulation(demands: swarm.demands, cap: swarm.cap, settings: adaptive(), seed: 1)
            .run()
        #expect(many.utilisation >= one.utilisation + 0.1)
        #expect(many.changes < one.changes)
    }

    @Test("Whatever the swarm: never more limits than the cap, little left unused, soon", arguments: 0..<200)
    func anySwarm(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let cap = Int64.random(in: 300_000...5_000_000, using: &random)
        let hot = [Int64?](repeating: nil, count: Int.random(in: 1...3, using: &random))
        let others: [Int64?] = (0..<Int.random(in: 0...6, using: &random)).map { _ in
            let part = pow(10, Double.random(in: -3.3 ... -0.7, using: &random))
            return max(1000, Int64(Double(cap) * part))
        }
        let result = BlockSimulation(
            demands: hot + others, cap: cap, settings: adaptive(), seed: UInt64(seed), seconds: 90,
            settleSeconds: 60
        ).run()
        let figures: Comment =
            "cap \(cap), \(hot.count) hot, others \(others.compactMap(\.self)): \(result.utilisation), 10 s \(result.largestTenSeconds), sum \(result.largestSum), \(result.convergedAt ?? 0) s"
        #expect(result.largestSum <= 0.93, figures)
        #expect(result.largestTenSeconds <= 1.03, figures)
        #expect(result.utilisation >= 0.9 * 0.93, figures)
        #expect((result.convergedAt ?? .infinity) <= 60, figures)
    }
}
