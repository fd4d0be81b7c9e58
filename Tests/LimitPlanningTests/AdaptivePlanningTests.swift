import SwarmTypes
import TestKit
import Testing

@testable import LimitPlanning

private let mebibyte: Int64 = 1_048_576

private func settings() -> PlanningSettings {
    var settings = PlanningSettings()
    settings.strategy = .adaptive
    return settings
}

private func input(_ caps: [Int64], _ torrents: [(tracker: Int, rate: Int64, limit: Int64?)]) -> PlanningInput
{
    PlanningInput(
        trackers: caps.enumerated().map { GovernedTracker(id: "t\($0)", cap: .bytesPerSecond($1)) },
        torrents: torrents.enumerated().map { index, torrent in
            PlanningTorrent(
                key: key(index), tracker: torrent.tracker, uploadRate: rate(torrent.rate),
                limit: torrent.limit.map { .bytesPerSecond($0) } ?? .unlimited)
        })
}

@Suite("How adaptive remembers and decides")
struct AdaptivePlanningTests {
    @Test("An uneven tracker is filled by the torrent that can, in two cycles")
    func uneven() {
        var input = input([6 * mebibyte], [(0, 6 * mebibyte, nil), (0, 209_715, nil)])
        var state = PlanningState()
        for (cycle, expected) in [[3_145_728, 3_145_728], [6_062_080, 229_376], [6_062_080, 229_376]]
            .enumerated()
        {
            let plan = makePlan(
                input, settings: settings(), state: &state, scope: .full, at: instant(60 * Double(cycle)))
            input = carriedOut(plan, on: input)
            #expect(input.torrents.map { $0.limit.rate?.bytesPerSecond } == expected.map { Int64($0) })
            for (index, demand) in [6 * mebibyte, 209_715].enumerated() {
                input.torrents[index].uploadRate = min(
                    rate(demand), input.torrents[index].limit.rate ?? .zero)
            }
        }
    }

    @Test("Only torrents that upload are remembered, and those that left are forgotten")
    func memory() {
        var input = input([mebibyte], [(0, 5_000, nil), (0, 0, nil), (0, 7_000, nil)])
        var state = PlanningState()
        _ = makePlan(input, settings: settings(), state: &state, scope: .full, at: instant(0))
        #expect(Set(state.adaptiveKeys) == [key(0), key(2)])
        #expect(state[adaptive: key(0)]?.hungryCycles == 1)
        input.torrents.removeFirst()
        _ = makePlan(input, settings: settings(), state: &state, scope: .full, at: instant(5))
        #expect(Set(state.adaptiveKeys) == [key(2)])
        #expect(MemoryLayout<TorrentMemory>.stride <= 40 && MemoryLayout<AdaptiveReading>.stride <= 32)
    }

    @Test("A state that was written down and read again plans the same")
    func stateFromOutside() {
        for seed in UInt64(0)..<200 {
            var random = RandomInput(seed: seed)
            let settings = random.settings(.adaptive)
            var input = random.input()
            for index in input.trackers.indices {
                input.trackers[index].oversubscription = .strict
                input.trackers[index].borrowThousandths = 0
            }
            var state = PlanningState()
            var copy = PlanningState()
            let plan = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(0))
            input = carriedOut(plan, on: input)
            for key in state.adaptiveKeys { copy[adaptive: key] = state[adaptive: key] }
            for key in state.adaptiveKeys { #expect(copy[adaptive: key] == state[adaptive: key]) }

            // Nothing has changed, so there is nothing to plan.
            let again = makePlan(input, settings: settings, state: &copy, scope: .full, at: instant(77))
            #expect(again.changes.isEmpty, "seed \(seed)")
        }
    }

    @Test("The change budget serves the longest waiting tracker, and every tracker in the end")
    func changeBudget() {
        var random = SplitMix64(seed: 3)
        var input = input(
            Array(repeating: 10 * mebibyte, count: 6),
            (0..<900).map { ($0 % 6, Int64.random(in: 1_000...200_000, using: &random), nil) })
        var state = PlanningState()
        var settings = settings()
        settings.changeBudget = 100
        let first = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(0))
        #expect(first.changes.count == 900)
        input = carriedOut(first, on: input)

        var served: Set<Int> = []
        for cycle in 1...12 {
            for index in input.torrents.indices {
                let limit = input.torrents[index].limit.rate?.bytesPerSecond ?? 1
                input.torrents[index].uploadRate = rate(index % 7 < 3 ? limit : limit / 4)
            }
            let plan = makePlan(
                input, settings: settings, state: &state, scope: .full, at: instant(60 * Double(cycle)))
            checkPlan(plan, on: input, "cycle \(cycle)")
            let trackers = Set(plan.changes.map(\.tracker))
            #expect(plan.changes.count <= 100 || trackers.count == 1, "cycle \(cycle)")
            served.formUnion(trackers)
            input = carriedOut(plan, on: input)
        }
        #expect(served.count == 6)
    }

    @Test("Borrowed caps never add up to more than the caps, and come back")
    func borrowing() {
        var input = input(
            [4 * mebibyte, 2 * mebibyte],
            [(0, mebibyte / 2, nil), (1, 2 * mebibyte, nil), (1, 2 * mebibyte, nil)])
        for index in 0..<2 { input.trackers[index].borrowThousandths = 500 }
        let demands = [mebibyte / 2, 4 * mebibyte, 4 * mebibyte]
        var state = PlanningState()
        var plan: Plan?
        func run(_ cycles: Range<Int>, _ demands: [Int64]) {
            for cycle in cycles {
                for index in demands.indices {
                    input.torrents[index].uploadRate = min(
                        rate(demands[index]), input.torrents[index].limit.rate ?? rate(demands[index]))
                }
                let next = makePlan(
                    input, settings: settings(), state: &state, scope: .full, at: instant(5 * Double(cycle)))
                checkPlan(next, on: input, "cycle \(cycle)")
                checkCaps(next, "cycle \(cycle)")
                input = carriedOut(next, on: input)
                plan = next
            }
        }
        run(0..<20, demands)
        #expect(plan?.trackers[1].effectiveCap == .bytesPerSecond(3 * mebibyte))
        run(20..<32, [8 * mebibyte, 4 * mebibyte, 4 * mebibyte])
        #expect(plan?.trackers[0].effectiveCap == .bytesPerSecond(4 * mebibyte))
        #expect(plan?.trackers[1].effectiveCap == .bytesPerSecond(2 * mebibyte))
        #expect(input.torrents[0].limit > .bytesPerSecond(4 * mebibyte * 9 / 10))
    }

    @Test("With few calls allowed, cuts go first and rises wait")
    func maximumCalls() {
        var random = SplitMix64(seed: 9)
        var input = input(
            [20 * mebibyte],
            (0..<200).map { _ in (0, Int64.random(in: 1_000...300_000, using: &random), nil) })
        let demands = input.torrents.map(\.uploadRate)
        var state = PlanningState()
        var settings = settings()
        settings.maximumCalls = 6
        for cycle in 0..<40 {
            for index in input.torrents.indices {
                input.torrents[index].uploadRate = min(
                    demands[index], input.torrents[index].limit.rate ?? demands[index])
            }
            let plan = makePlan(
                input, settings: settings, state: &state, scope: .full, at: instant(5 * Double(cycle)))
            checkPlan(plan, on: input, "cycle \(cycle)")
            #expect(plan.calls.count <= 6, "cycle \(cycle)")
            input = carriedOut(plan, on: input)
        }
        let delivered = zip(demands, input.torrents).reduce(0) {
            $0 + min($1.0, $1.1.limit.rate ?? $1.0).bytesPerSecond
        }
        #expect(delivered >= 15 * mebibyte)
    }

    @Test("Every change says why")
    func reasons() {
        func reason(_ torrents: [(tracker: Int, rate: Int64, limit: Int64?)]) -> ChangeReason? {
            var state = PlanningState()
            let plan = makePlan(
                input([mebibyte], torrents), settings: settings(), state: &state, scope: .full, at: instant(0)
            )
            return plan.changes.first { $0.key == key(0) }?.reason
        }
        #expect(reason([(0, 5_000, nil)]) == .newcomer)
        #expect(reason([(0, 0, 900_000), (0, 300_000, 400_000)]) == .overCap)
        #expect(reason([(0, 500, 1_000), (0, 300_000, 900_000)]) == .wokeUp)
        #expect(reason([(0, 0, 700_000), (0, 300_000, 300_000)]) == .idle)
    }
}

@Suite("The water level")
struct WaterLevelTests {
    @Test("The level is the largest that fits, and a group counts like its members")
    func level() {
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let count = Int.random(in: 0...20, using: &random)
            let wants = (0..<count).map { _ in Int64.random(in: 0...1000, using: &random) }
            let group = Int.random(in: 0...10, using: &random)
            let each = Int64.random(in: 0...300, using: &random)
            let all = wants + Array(repeating: each, count: group)
            let capacity = Int64.random(in: Int64(all.count)...8000, using: &random)
            func filled(_ level: Int64) -> Int64 { all.reduce(0) { $0 + min($1, level) } }

            let level = waterLevel(wants, and: group, of: each, within: capacity)
            #expect(level == waterLevel(all, within: capacity))
            if let level {
                #expect(filled(level) <= capacity && filled(level + 1) > capacity, "seed \(seed)")
                let higher = waterLevel(all, within: capacity + 7)
                #expect(higher.map { $0 >= level } ?? true)
            } else {
                #expect(filled(.max) <= capacity, "seed \(seed)")
            }
        }
    }

    @Test("Shared caps keep to the total, give everyone its own, and reach no higher than the ceilings")
    func sharedCaps() {
        for seed in UInt64(0)..<400 {
            var random = SplitMix64(seed: seed)
            let trackers = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                let cap = Int64.random(in: 1...(1 << 24), using: &random)
                return BorrowingTracker(
                    want: Int64.random(in: 0...(4 * cap), using: &random), cap: cap,
                    ceiling: cap + cap * Int64.random(in: 0...2, using: &random) / 2,
                    priority: Int64.random(in: 1...10, using: &random))
            }
            let total = trackers.reduce(0) { $0 + $1.cap }
            let shares = shareCaps(of: trackers, total: total)
            #expect(shares.reduce(0, +) <= total, "seed \(seed)")
            for (share, tracker) in zip(shares, trackers) {
                #expect(share >= min(tracker.want, tracker.cap), "seed \(seed)")
                #expect(share <= max(tracker.ceiling, tracker.cap), "seed \(seed)")
            }
        }
    }
}
