import LimitPlanning
import SwarmTypes
import Testing

private let mebibyte: Int64 = 1_048_576

/// One tracker with a cap; torrents by their rates and limits (nil is unlimited).
private func input(cap: Int64, _ torrents: [(rate: Int64, limit: Int64?)]) -> PlanningInput {
    PlanningInput(
        trackers: [GovernedTracker(id: "t", cap: .bytesPerSecond(cap))],
        torrents: torrents.enumerated().map { index, torrent in
            PlanningTorrent(
                key: key(index), tracker: 0, uploadRate: rate(torrent.rate),
                limit: torrent.limit.map { .bytesPerSecond($0) } ?? .unlimited, leeches: 5)
        })
}

private func settings(_ strategy: AllocationStrategy = .equal) -> PlanningSettings {
    var settings = PlanningSettings()
    settings.strategy = strategy
    return settings
}

private func planOnce(
    _ input: PlanningInput, _ settings: PlanningSettings = settings(), scope: PlanningScope = .full
) -> Plan {
    var state = PlanningState()
    return makePlan(input, settings: settings, state: &state, scope: scope, at: instant(0))
}

private func values(_ input: PlanningInput, _ plan: Plan) -> [Int64?] {
    limits(of: input, after: plan).map { $0.rate?.bytesPerSecond }
}

@Suite("How equal, weighted and soft treat the torrents of a tracker")
struct SharePlanningTests {
    @Test("Idle torrents keep about a hundredth of the cap, the active ones the rest")
    func idleFloor() {
        let input = input(cap: 4 * mebibyte, [(3 * mebibyte, nil)] + Array(repeating: (0, nil), count: 99))
        let plan = planOnce(input)
        let values = values(input, plan).compactMap { $0 }
        #expect(values.dropFirst().allSatisfy { $0 == 416 })
        #expect(values.first == 4 * mebibyte - 99 * 416)
        #expect(plan.calls.count == 2)
        #expect(plan.trackers[0].activeTorrents == 1 && plan.considered == 1)
        #expect(Set(plan.changes.map(\.reason)) == [.newcomer])
    }

    @Test("Where no torrent is active, all share the cap")
    func allIdle() {
        let input = input(cap: mebibyte, Array(repeating: (0, nil), count: 8))
        #expect(values(input, planOnce(input)) == Array(repeating: mebibyte / 8, count: 8))
    }

    @Test("A torrent held below the threshold by its own limit is not idle for ever")
    func heldBelowThreshold() {
        // 120 torrents on 1 MiB/s get less than the activity threshold each; all upload what they may.
        var input = input(cap: mebibyte, Array(repeating: (20_000, nil), count: 120))
        for _ in 0..<3 {
            input = carriedOut(planOnce(input), on: input)
            for index in input.torrents.indices {
                input.torrents[index].uploadRate = input.torrents[index].limit.rate ?? .zero
            }
        }
        #expect(input.torrents.allSatisfy { $0.limit == .bytesPerSecond(mebibyte / 120) })
    }

    @Test("A torrent that wakes up has room at the next plan and its share at the one after")
    func wakeUp() {
        var input = input(cap: 4 * mebibyte, [(3 * mebibyte, nil)] + Array(repeating: (0, nil), count: 99))
        input = carriedOut(planOnce(input), on: input)
        input.torrents[1].uploadRate = rate(380)
        for scope in [PlanningScope.urgent, .urgent] {
            let plan = planOnce(input, scope: scope)
            #expect(plan.changes.first { $0.key == key(1) }?.isDecrease == false)
            input = carriedOut(plan, on: input)
            input.torrents[1].uploadRate = input.torrents[1].limit.rate ?? .zero
        }
        #expect(input.torrents[1].limit >= .bytesPerSecond(2 * mebibyte - 99 * 416))
    }

    @Test("Many slow torrents leave the cap to the active ones")
    func stirring() {
        let input = input(cap: 10 * mebibyte, [(mebibyte, nil)] + Array(repeating: (2_000, nil), count: 50))
        let values = values(input, planOnce(input)).compactMap { $0 }
        #expect(values[1] == 13_312)
        #expect(values[0] == 10 * mebibyte - 50 * 13_312)
    }

    @Test("The gate keeps small changes back, but not a cut that the cap needs")
    func gateNeverBreaksCap() {
        // 200 torrents with an equal share each become 390.
        let share = 4 * mebibyte / 200
        let old = Array(repeating: (rate: share, limit: Int64?.some(share)), count: 200)
        let input = input(cap: 4 * mebibyte, old + Array(repeating: (15_000, nil), count: 190))
        let plan = planOnce(input)
        #expect(plan.trackers[0].sumAfter <= plan.trackers[0].effectiveCap)

    }

    @Test("A change that is not worth a request is not made")
    func smallChange() {
        let input = input(cap: 4 * mebibyte, [(mebibyte, 2 * mebibyte), (mebibyte, 2 * mebibyte - 150_000)])
        #expect(planOnce(input).changes.isEmpty)
    }

    @Test("A torrent more or less does not change the limits of thousands of idle ones")
    func calmWhenIdle() {
        var input = input(cap: mebibyte, Array(repeating: (0, nil), count: 500))
        input = carriedOut(planOnce(input), on: input)
        input.torrents.removeLast()
        #expect(planOnce(input).changes.isEmpty)
        for index in 0..<2 {
            input.torrents.append(
                PlanningTorrent(key: key(1000 + index), tracker: 0, uploadRate: .zero, limit: .unlimited))
        }
        #expect(planOnce(input).changes.map(\.reason) == [.newcomer, .newcomer])
    }

    @Test("What cannot be touched counts against the cap and stays as it is")
    func held() {
        var input = input(cap: mebibyte, [(50_000, 300_000), (80_000, nil), (20_000, nil), (20_000, nil)])
        input.torrents[0].standing = .held
        input.torrents[1].standing = .held
        for strategy in AllocationStrategy.allCases {
            let plan = planOnce(input, settings(strategy))
            let values = values(input, plan)
            #expect(values[0] == 300_000 && values[1] == nil)
            let governed = (values[2] ?? 0) + (values[3] ?? 0)
            #expect(governed <= mebibyte - 380_000 && governed >= mebibyte - 380_010, "\(strategy)")
        }
    }

    @Test("Without a cap the original comes back, and what was never touched is left alone")
    func uncapped() {
        var input = input(cap: mebibyte, [(0, 500), (0, 500), (0, nil), (0, 70_000)])
        input.trackers[0].cap = .unlimited
        input.torrents[0].original = .unlimited
        input.torrents[1].original = .bytesPerSecond(60_000)
        input.torrents[2].original = .unlimited
        for strategy in AllocationStrategy.allCases {
            let plan = planOnce(input, settings(strategy), scope: .urgent)
            #expect(values(input, plan) == [nil, 60_000, nil, 70_000])
            #expect(plan.changes.allSatisfy { $0.reason == .uncapped })
        }
        #expect(values(input, relaxPlan(input)) == [nil, 60_000, nil, 70_000])
    }

    @Test(
        "A torrent that stopped gets its original back where that fits",
        arguments: AllocationStrategy.allCases)
    func restoresInactive(strategy: AllocationStrategy) {
        var input = input(cap: mebibyte, [(900_000, 900_000), (0, 400), (0, 400), (0, 400)])
        input.torrents[1].original = .bytesPerSecond(50_000)
        input.torrents[2].original = .unlimited
        input.torrents[3].original = .bytesPerSecond(900_000)
        var settings = settings(strategy)
        settings.restoresInactive = true
        let plan = planOnce(input, settings)
        let restored = plan.changes.filter { $0.reason == .inactive }
        #expect(restored.map(\.key) == [key(1)] && restored.map(\.to) == [.bytesPerSecond(50_000)])
        #expect(plan.trackers[0].sumAfter <= .bytesPerSecond(mebibyte))
    }

    @Test("Between full plans only trackers that need it are planned")
    func urgent() {
        var input = input(cap: mebibyte, [(400_000, 500_000), (20_000, 200_000)])
        #expect(!planOnce(input).changes.isEmpty)
        #expect(planOnce(input, scope: .urgent).changes.isEmpty)

        input.torrents[1].limit = .unlimited
        #expect(planOnce(input, scope: .urgent).changes.contains { $0.reason == .newcomer })
        input.torrents[1].limit = .bytesPerSecond(900_000)
        #expect(planOnce(input, scope: .urgent).changes.contains { $0.reason == .overCap })
    }

    @Test("Only the most active get a share of their own; the others share one value")
    func managedTorrents() {
        var input = input(cap: 10 * mebibyte, (0..<30).map { (20_000 + 10_000 * Int64($0), nil) })
        for index in input.torrents.indices { input.torrents[index].leeches = Int32(index) }
        var settings = settings(.weighted)
        settings.maximumManagedTorrents = 10
        let plan = planOnce(input, settings)
        let values = values(input, plan).compactMap { $0 }
        #expect(Set(values.prefix(20)) == [10 * mebibyte / 30])
        #expect(Set(values.suffix(10)).count > 1)
        #expect(values.reduce(0, +) <= 10 * mebibyte && values.reduce(0, +) > 10 * mebibyte - 100)
        #expect(plan.considered == 10)
    }

    @Test("A plan that would need too many calls is rounded down to fewer values")
    func maximumCalls() {
        var input = input(cap: 40 * mebibyte, (0..<300).map { (20_000 + 5_000 * Int64($0), nil) })
        for index in input.torrents.indices { input.torrents[index].leeches = Int32(index % 20) }
        let exact = planOnce(input, settings(.weighted))
        #expect(exact.calls.count > 150)
        var settings = settings(.weighted)
        for maximum in [200, 60, 20, 4] {
            settings.maximumCalls = maximum
            let plan = planOnce(input, settings)
            #expect(plan.calls.count <= maximum)
            #expect(plan.trackers[0].sumAfter <= exact.trackers[0].sumAfter)
            #expect(planOnce(carriedOut(plan, on: input), settings).changes.isEmpty)
        }
    }

    @Test("A cap beyond what a client can keep is planned as far as it can")
    func hugeCap() {
        let input = input(cap: 1 << 40, [(1 << 33, nil), (20_000, nil)])
        for strategy in AllocationStrategy.allCases {
            #expect(values(input, planOnce(input, settings(strategy))) == [2_147_483_646, 2_147_483_646])
        }
    }
}
