import Foundation
import LimitPlanning
import SwarmTypes
import TestKit
import Testing

/// Prints what a plan costs. Only on request, because a debug build takes a minute and says nothing:
/// `WEIR_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter PlanningSpeedTests`.
@Suite(
    "What planning costs", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["WEIR_MEASURE"] != nil))
struct PlanningSpeedTests {
    /// 30,000 torrents, every tenth active, on 5 trackers of 10 MiB/s.
    private func library(sorted: Bool) -> PlanningInput {
        var random = SplitMix64(seed: 1)
        var torrents = (0..<30_000).map { index in
            PlanningTorrent(
                key: key(index), tracker: index / 10 % 5,
                uploadRate: index % 10 == 0
                    ? rate(Int64.random(in: 11_000...400_000, using: &random)) : .zero,
                limit: .unlimited, leeches: Int32.random(in: 0...30, using: &random))
        }
        if !sorted { torrents.shuffle(using: &random) }
        return PlanningInput(
            trackers: (0..<5).map { GovernedTracker(id: "t\($0)", cap: .bytesPerSecond(10 << 20)) },
            torrents: torrents)
    }

    @Test("A plan over 30,000 torrents", arguments: AllocationStrategy.allCases, [true, false])
    func cost(strategy: AllocationStrategy, sorted: Bool) {
        var settings = PlanningSettings()
        settings.strategy = strategy
        let fresh = self.library(sorted: sorted)
        var state = PlanningState()
        let clock = ContinuousClock()
        var first: Plan?
        let firstTime = clock.measure {
            first = makePlan(fresh, settings: settings, state: &state, scope: .full, at: instant(0))
        }
        guard let first else { return }
        checkPlan(first, on: fresh, "the first cycle")

        var input = carriedOut(first, on: fresh)
        var random = SplitMix64(seed: 2)
        var times: [Duration] = []
        for cycle in 1...15 {
            for index in input.torrents.indices where input.torrents[index].uploadRate > .zero {
                let limit = input.torrents[index].limit.rate?.bytesPerSecond ?? 1
                input.torrents[index].uploadRate = rate(Int64.random(in: limit / 2...limit, using: &random))
            }
            var plan: Plan?
            times.append(
                clock.measure {
                    plan = makePlan(
                        input, settings: settings, state: &state, scope: .full, at: instant(5 * Double(cycle))
                    )
                })
            if let plan { input = carriedOut(plan, on: input) }
        }
        times.sort()
        print(
            "\(strategy.rawValue) \(sorted ? "sorted" : "shuffled"): first \(firstTime), "
                + "\(first.calls.count) calls; later median \(times[times.count / 2]), worst \(times.last ?? .zero)"
        )
    }
}
