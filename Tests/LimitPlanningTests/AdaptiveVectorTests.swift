import SwarmTypes
import Testing

@testable import LimitPlanning

private struct Reading: Decodable {
    var limit: Int64
    var rate: Int64
    var sat: Double
    var hungryCycles: Int
    var quiet: Bool

    var value: AdaptiveReading {
        AdaptiveReading(
            rate: self.rate, limit: self.limit == 0 ? RateBounds.unlimited : self.limit, saturation: self.sat,
            hungryCycles: UInt8(self.hungryCycles), isQuiet: self.quiet)
    }
}

/// One element of `calls`: a value and the indices it goes to.
private struct VectorCall<Target: Decodable & Equatable>: Decodable, Equatable {
    var limit: Int64
    var targets: [Target]

    init(limit: Int64, targets: [Target]) {
        self.limit = limit
        self.targets = targets
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        self.limit = try container.decode(Int64.self)
        self.targets = try container.decode([Target].self)
    }
}

@Suite("The vectors of the adaptive strategy")
struct AdaptiveVectorTests {
    @Test("The value grid")
    func grid() throws {
        struct Case: Decodable {
            var v: Int64
            var down: Int64
            var up: Int64
        }
        for vector: Case in try vectorCases("adaptive_grid") {
            #expect(gridDown(vector.v) == vector.down, "\(vector.v)")
            #expect(gridUp(vector.v) == vector.up, "\(vector.v)")
        }
    }

    @Test("The water level")
    func waterLevels() throws {
        struct Case: Decodable {
            var want: [Int64?]
            var capacity: Int64
            var level: Int64?

            enum CodingKeys: String, CodingKey {
                case want, level
                case capacity = "K"
            }
        }
        for vector: Case in try vectorCases("adaptive_waterfill") {
            let wants = vector.want.map { $0 ?? vector.capacity + 1 }
            #expect(
                waterLevel(wants, within: vector.capacity) == vector.level,
                "\(vector.want) \(vector.capacity)")
        }
    }

    @Test("One tracker, one cycle")
    func allocate() throws {
        struct Case: Decodable {
            struct Expected: Decodable {
                var hungry: [Bool]
                var hungryCycles: [Int]
                var need: [Int64]
                var target: [Int64]
                var limits: [Int64]
                var calls: [VectorCall<Int>]
            }
            var name: String
            var mode: String
            var cap: Int64
            var measuredBudget: Int64
            var limitBound: Int64?
            var torrents: [Reading]
            var expect: Expected
        }
        for vector: Case in try vectorCases("adaptive_allocate") {
            let readings = vector.torrents.map(\.value)
            let demands = assessDemand(readings, cap: vector.cap, tuning: AdaptiveTuning())
            #expect(demands.map(\.isHungry) == vector.expect.hungry, "\(vector.name)")
            #expect(demands.map { Int($0.hungryCycles) } == vector.expect.hungryCycles, "\(vector.name)")
            #expect(demands.map(\.need) == vector.expect.need, "\(vector.name)")

            let bounds = AdaptiveBounds(
                cap: vector.cap, measured: vector.measuredBudget, limits: vector.limitBound,
                isStrict: vector.mode == "strict")
            let allocation = AdaptiveAllocation(readings, demands, bounds: bounds)
            #expect(allocation.targets == vector.expect.target, "\(vector.name)")
            #expect(allocation.limits == vector.expect.limits, "\(vector.name)")
            #expect(
                calls(from: readings.map(\.limit), to: allocation.limits) == vector.expect.calls,
                "\(vector.name)")
        }
    }

    @Test("A strict cycle through the whole planner")
    func strictThroughPlanner() throws {
        struct Case: Decodable {
            struct Expected: Decodable { var limits: [Int64] }
            var name: String
            var mode: String
            var cap: Int64
            var torrents: [Reading]
            var expect: Expected
        }
        for vector: Case in try vectorCases("adaptive_allocate") where vector.mode == "strict" {
            var state = PlanningState()
            var input = PlanningInput(
                trackers: [GovernedTracker(id: "t", cap: .bytesPerSecond(vector.cap))], torrents: [])
            for (index, torrent) in vector.torrents.enumerated() {
                input.torrents.append(
                    PlanningTorrent(
                        key: key(index), tracker: 0, uploadRate: rate(torrent.rate),
                        limit: limit(torrent.limit)))
                state[adaptive: key(index)] = AdaptiveMemory(
                    hungryCycles: torrent.hungryCycles, saturation: torrent.sat, isQuiet: torrent.quiet)
            }
            var settings = PlanningSettings()
            settings.strategy = .adaptive
            let plan = makePlan(input, settings: settings, state: &state, scope: .full, at: instant(0))
            #expect(
                limits(of: input, after: plan) == vector.expect.limits.map { .bytesPerSecond($0) },
                "\(vector.name)")
        }
    }

    @Test("Cycle after cycle under constant demand")
    func sequence() throws {
        struct Case: Decodable {
            struct Step: Decodable {
                var rates: [Int64]
                var limits: [Int64]
            }
            var name: String
            var mode: String
            var cap: Int64
            var measuredBudget: Int64
            var limitBound: Int64?
            var demand: [Int64]
            var steps: [Step]
        }
        for vector: Case in try vectorCases("adaptive_sequence") {
            let bounds = AdaptiveBounds(
                cap: vector.cap, measured: vector.measuredBudget, limits: vector.limitBound,
                isStrict: vector.mode == "strict")
            var memories: [TorrentMemory?] = vector.demand.map { _ in nil }
            var limits = vector.demand.map { _ in RateBounds.unlimited }
            for (number, step) in vector.steps.enumerated() {
                let rates = zip(vector.demand, limits).map { min($0, $1, number == 0 ? vector.cap : $1) }
                #expect(rates == step.rates, "\(vector.name) step \(number)")
                let readings = vector.demand.indices.map { index in
                    AdaptiveReading(
                        rate: rates[index], limit: limits[index],
                        saturation: limits[index] == RateBounds.unlimited ? 0 : Double(limits[index]),
                        hungryCycles: memories[index]?.hungryCycles ?? 0,
                        isQuiet: memories[index]?.isQuiet(limitNow: limits[index]) ?? true)
                }
                let demands = assessDemand(readings, cap: vector.cap, tuning: AdaptiveTuning())
                let planned = AdaptiveAllocation(readings, demands, bounds: bounds).limits
                #expect(planned == step.limits, "\(vector.name) step \(number)")
                for index in vector.demand.indices {
                    memories[index] = TorrentMemory(
                        saturation: 0, hungryCycles: demands[index].hungryCycles, rate: rates[index],
                        limitThen: limits[index], planned: planned[index], isQuiet: readings[index].isQuiet)
                }
                limits = planned
            }
        }
    }

    @Test("What a tracker wants")
    func trackerWant() throws {
        struct Case: Decodable {
            var cap: Int64
            var torrents: [Reading]
            var want: Int64
        }
        for vector: Case in try vectorCases("adaptive_tracker_want") {
            let demands = assessDemand(
                vector.torrents.map(\.value), cap: vector.cap, tuning: AdaptiveTuning())
            #expect(min(demands.reduce(0) { $0 + $1.want }, 4 * vector.cap) == vector.want)
        }
    }

    @Test("Borrowing among trackers")
    func twoLevel() throws {
        struct Case: Decodable {
            var name: String
            var want: [Int64]
            var cap: [Int64]
            var ceil: [Int64]
            var priority: [Int64]
            var group: Int64
            var effective: [Int64]
        }
        for vector: Case in try vectorCases("adaptive_two_level") {
            let trackers = vector.want.indices.map {
                BorrowingTracker(
                    want: vector.want[$0], cap: vector.cap[$0], ceiling: vector.ceil[$0],
                    priority: vector.priority[$0])
            }
            #expect(shareCaps(of: trackers, total: vector.group) == vector.effective, "\(vector.name)")
        }
    }

    @Test("The choice of trackers under a change budget")
    func pick() throws {
        struct Case: Decodable {
            var changes: [Int]
            var must: [Bool]
            var age: [Int]
            var budget: Int
            var picked: [Int]
        }
        for vector: Case in try vectorCases("adaptive_pick_trackers") {
            let pending = vector.changes.indices.map {
                PendingChanges(count: vector.changes[$0], isUrgent: vector.must[$0], age: vector.age[$0])
            }
            #expect(pickTrackers(pending, budget: vector.budget) == vector.picked, "\(vector)")
        }
    }

    @Test("Margin and debt")
    func budget() throws {
        struct Case: Decodable {
            struct Start: Decodable {
                var muPpm: Int64
                var debt: Int64
            }
            struct Step: Decodable {
                var sumRate: Int64
                var sent: Int64
                var dtMs: Int64
                var measuredBudget: Int64
                var muPpm: Int64
                var debt: Int64
            }
            var cap: Int64
            var start: Start
            var steps: [Step]
        }
        for vector: Case in try vectorCases("adaptive_budget") {
            var budget = MeasuredBudget(marginMillionths: vector.start.muPpm, debt: vector.start.debt)
            for step in vector.steps {
                budget.advance(cap: vector.cap, rate: step.sumRate, sent: step.sent, milliseconds: step.dtMs)
                #expect(budget == MeasuredBudget(marginMillionths: step.muPpm, debt: step.debt))
                #expect(budget.capacity(cap: vector.cap) == step.measuredBudget)
            }
        }
    }

    @Test("The saturation filter")
    func sensor() throws {
        struct Case: Decodable {
            struct Step: Decodable {
                var limitBefore: Double
                var limit: Double
                var dt: Double
                var sat: Double
            }
            var steps: [Step]
        }
        for vector: Case in try vectorCases("adaptive_sensor") {
            var saturation: Double?
            for step in vector.steps {
                let advanced = SaturationFilter(seconds: step.dt).advance(
                    saturation ?? step.limitBefore, limitBefore: step.limitBefore, limit: step.limit)
                #expect(abs(advanced - step.sat) <= 1e-6 * max(1, step.sat), "\(step)")
                saturation = advanced
            }
        }
    }

    @Test("The order of calls")
    func callOrder() throws {
        struct Case: Decodable {
            var old: [String: Int64]
            var new: [String: Int64]
            var calls: [VectorCall<String>]
        }
        for vector: Case in try vectorCases("adaptive_calls") {
            let hashes = vector.old.keys.sorted()
            let old = hashes.map { limit(vector.old[$0] ?? 0).bounded }
            let new = hashes.map { limit(vector.new[$0] ?? 0).bounded }
            let expected = vector.calls.map { call in
                VectorCall(
                    limit: call.limit, targets: call.targets.compactMap { hashes.firstIndex(of: $0) }.sorted()
                )
            }
            #expect(calls(from: old, to: new) == expected)
        }
    }

    /// The calls of a plan that changes `old` to `new`.
    private func calls(from old: [Int64], to new: [Int64]) -> [VectorCall<Int>] {
        let torrents = old.indices.map { index in
            PlanningTorrent(
                key: key(index), tracker: 0, uploadRate: .zero, limit: UploadLimit(bounded: old[index]))
        }
        let input = PlanningInput(
            trackers: [GovernedTracker(id: "t", cap: .bytesPerSecond(1))], torrents: torrents)
        let table = TorrentTable(input)
        var proposal = Proposal(table, input.trackers)
        for (position, limit) in new.enumerated() { proposal.change(position, to: limit, .share) }
        let plan = proposal.plan(.adaptive, input.trackers, table)
        return plan.calls.map { call in
            VectorCall(
                limit: call.limit.rate?.bytesPerSecond ?? 0,
                targets: call.changes.map { change in
                    torrents.firstIndex { $0.key == plan.changes[change].key } ?? -1
                })
        }
    }
}
