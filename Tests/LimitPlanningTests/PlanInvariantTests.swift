import LimitPlanning
import SwarmTypes
import TestKit
import Testing

/// What every plan promises, whatever the observation.
@Suite("What every plan promises")
struct PlanInvariantTests {
    @Test(
        "No call takes a tracker above its cap or above what it was", arguments: AllocationStrategy.allCases)
    func sums(strategy: AllocationStrategy) {
        for seed in UInt64(0)..<400 {
            var random = RandomInput(seed: seed)
            var input = random.input()
            let settings = random.settings(strategy)
            var state = PlanningState()
            for cycle in 0..<3 {
                let scope: PlanningScope = random.chance(1, of: 3) ? .urgent : .full
                let plan = makePlan(
                    input, settings: settings, state: &state, scope: scope, at: instant(5 * Double(cycle)))
                let context: Comment = "seed \(seed) cycle \(cycle)"
                if scope == .full || strategy == .adaptive { checkPlan(plan, on: input, context) }
                checkCaps(plan, context)
                input = carriedOut(plan, on: input)
                random.moveRates(of: &input)
            }
        }
    }

    @Test("A plan that was carried out leaves nothing to plan", arguments: AllocationStrategy.allCases)
    func idempotence(strategy: AllocationStrategy) {
        for seed in UInt64(0)..<400 {
            var random = RandomInput(seed: seed)
            let input = random.input()
            let settings = random.settings(strategy)
            var state = PlanningState()
            let first = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(0))
            let done = carriedOut(first, on: input)
            for scope in [PlanningScope.full, .urgent] {
                let again = makePlan(done, settings: settings, state: &state, scope: scope, at: instant(0))
                #expect(again.changes.isEmpty && again.calls.isEmpty, "seed \(seed) \(scope)")
            }
            if strategy == .equal || strategy == .weighted {
                let later = makePlan(done, settings: settings, state: &state, scope: .full, at: instant(300))
                #expect(later.changes.isEmpty, "seed \(seed) later")
            }
        }
    }

    @Test("Rates that ignore every limit settle all the same", arguments: AllocationStrategy.allCases)
    func settling(strategy: AllocationStrategy) {
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            var input = random.input(upTo: 25)
            // Borrowing beside oversubscription can go round in a circle of half a minute here: a rate that no
            // limit lowers is cut by the margin, looks hungry, and brings the loan back.
            for index in input.trackers.indices where input.trackers[index].oversubscription != .strict {
                input.trackers[index].borrowThousandths = 0
            }
            let settings = random.settings(strategy)
            var state = PlanningState()
            var last = 0
            for cycle in 1...40 {
                let plan = makePlan(
                    input, settings: settings, state: &state, scope: .full, at: instant(5 * Double(cycle)))
                if !plan.changes.isEmpty { last = cycle }
                input = carriedOut(plan, on: input)
            }
            #expect(last <= 30, "seed \(seed) still changes in cycle \(last)")
        }
    }

    @Test("The order of the torrents does not matter", arguments: AllocationStrategy.allCases)
    func order(strategy: AllocationStrategy) {
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            let input = random.input()
            let settings = random.settings(strategy)
            var shuffled = input
            shuffled.torrents.shuffle(using: &random.random)
            var (state, shuffledState) = (PlanningState(), PlanningState())
            let plan = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(0))
            let other = makePlan(
                shuffled, settings: settings, state: &shuffledState, scope: .full, at: instant(0))
            #expect(plan.changes == other.changes, "seed \(seed)")
            #expect(plan.calls == other.calls, "seed \(seed)")
            #expect(plan.trackers == other.trackers, "seed \(seed)")
        }
    }

    @Test(
        "A torrent that fills its limit has a fair share after two cycles",
        arguments: AllocationStrategy.allCases)
    func noStarvation(strategy: AllocationStrategy) {
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            var settings = PlanningSettings()
            settings.strategy = strategy
            settings.weighsBursts = seed % 2 == 1
            let cap = Int64.random(in: 1 << 20...1 << 24, using: &random.random)
            let count = Int.random(in: 2...60, using: &random.random)
            var input = PlanningInput(
                trackers: [GovernedTracker(id: "t", cap: .bytesPerSecond(cap))],
                torrents: (0..<count).map {
                    PlanningTorrent(
                        key: key($0), tracker: 0, uploadRate: .zero, limit: .unlimited, leeches: 10)
                })
            var state = PlanningState()
            // Some torrents take what they get for a while, then one that was idle wakes up.
            let greedy = Int.random(in: 1..<count, using: &random.random)
            var now = 0.0
            func cycle(uploading: Int, _ input: inout PlanningInput) {
                for index in 0..<count {
                    let limit = input.torrents[index].limit.rate ?? rate(cap)
                    input.torrents[index].uploadRate = index < uploading ? limit : .zero
                }
                let plan = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(now))
                input = carriedOut(plan, on: input)
                now += 300
            }
            for _ in 0..<4 { cycle(uploading: greedy, &input) }
            for _ in 0..<2 { cycle(uploading: greedy + 1, &input) }
            let woken = input.torrents[greedy].limit.rate?.bytesPerSecond ?? 0
            // With equally many peers, a weight is between 0.3 and 0.7, whatever the rate.
            let part: Int64 = strategy == .equal || strategy == .adaptive ? 2 : 3
            #expect(part * woken * Int64(greedy + 1) >= cap * 9 / 10, "seed \(seed): \(woken) of \(cap)")
        }
    }

    @Test("Nonsense does not trap and still fits", arguments: AllocationStrategy.allCases)
    func nonsense(strategy: AllocationStrategy) {
        let extremes: [Int64] = [0, 1, 2, 10_240, 1 << 31, (1 << 31) - 1, 1 << 53, .max / 2, .max]
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            var state = PlanningState()
            for cycle in 0..<3 {
                var input = random.input()
                for index in input.trackers.indices {
                    let value = extremes.randomElement(using: &random.random) ?? 0
                    input.trackers[index].cap = .bytesPerSecond(value)
                    input.trackers[index].priority =
                        [Int.min, 0, 5, .max].randomElement(using: &random.random) ?? 0
                    input.trackers[index].borrowThousandths = random.chance(1, of: 2) ? .max : .min
                    input.trackers[index].oversubscription =
                        random.chance(1, of: 2)
                        ? .statistical : .thousandths(random.chance(1, of: 2) ? .max : .min)
                }
                for index in input.torrents.indices {
                    let value = extremes.randomElement(using: &random.random) ?? 0
                    if random.chance(1, of: 2) { input.torrents[index].uploadRate = rate(value) }
                    if random.chance(1, of: 2) { input.torrents[index].limit = .bytesPerSecond(value) }
                    if random.chance(1, of: 8) { input.torrents[index].tracker = .max }
                    input.torrents[index].leeches = random.chance(1, of: 2) ? .max : .min
                    input.torrents[index].lastActivityAgeSeconds = random.chance(1, of: 2) ? .max : .min
                }
                var settings = random.settings(strategy)
                settings.activeThreshold = rate(extremes.randomElement(using: &random.random) ?? 0)
                settings.differentialThresholdThousandths = random.chance(1, of: 2) ? .max : .min
                settings.maximumCalls = random.chance(1, of: 2) ? .min : .max
                settings.maximumManagedTorrents = random.chance(1, of: 2) ? .min : .max
                settings.changeBudget = random.chance(1, of: 2) ? .min : .max
                settings.smoothingAlpha = random.chance(1, of: 2) ? .nan : -.infinity
                settings.maximumBorrowFraction = random.chance(1, of: 2) ? .infinity : .nan
                settings.borrowThreshold = random.chance(1, of: 2) ? .infinity : .nan
                let now = [Int64.min, 0, 1, .max].randomElement(using: &random.random) ?? 0
                let plan = makePlan(
                    input, settings: settings, state: &state, scope: .full, at: Instant(nanoseconds: now))
                let done = carriedOut(plan, on: input)
                for torrent in done.torrents where input.trackers.indices.contains(torrent.tracker) {
                    guard torrent.standing == .governed else { continue }
                    #expect(torrent.limit >= .bytesPerSecond(1), "seed \(seed) cycle \(cycle)")
                }
                #expect(relaxPlan(input).trackers.count == input.trackers.count)
                #expect(restorePlan(input, reason: .rollback).trackers.count == input.trackers.count)
            }
        }
    }
}

extension RandomInput {
    /// The next readings: some follow their limits, some do what they like.
    mutating func moveRates(of input: inout PlanningInput) {
        for index in input.torrents.indices {
            let limit = input.torrents[index].limit.rate?.bytesPerSecond ?? 3_000_000
            if self.chance(1, of: 3) {
                input.torrents[index].uploadRate = rate(limit)
            } else if self.chance(1, of: 3) {
                input.torrents[index].uploadRate = rate(
                    Int64.random(in: 0...max(1, limit), using: &self.random))
            }
            if self.chance(1, of: 30) { input.torrents[index].limit = .unlimited }
        }
    }
}
