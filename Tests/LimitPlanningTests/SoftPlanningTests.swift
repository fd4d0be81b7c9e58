import LimitPlanning
import SwarmTypes
import TestKit
import Testing

private let mebibyte: Int64 = 1_048_576

/// A lends to B; rates are what each tracker's one torrent uploads.
private struct Pair {
    var input = PlanningInput(
        trackers: [
            GovernedTracker(id: "A", cap: .bytesPerSecond(4 * mebibyte), priority: 5),
            GovernedTracker(id: "B", cap: .bytesPerSecond(2 * mebibyte), priority: 10),
            GovernedTracker(id: "free", cap: .unlimited),
        ],
        torrents: (0..<2).map {
            PlanningTorrent(key: key($0), tracker: $0, uploadRate: .zero, limit: .unlimited)
        })
    var state = PlanningState()
    var second = 0.0
    var settings = PlanningSettings()

    init() { self.settings.strategy = .soft }

    mutating func cycle(_ a: Int64, _ b: Int64, scope: PlanningScope = .full) -> Plan {
        self.second += scope == .full ? 300 : 5
        for (index, value) in [a, b].enumerated() {
            self.input.torrents[index].uploadRate = min(
                rate(value), self.input.torrents[index].limit.rate ?? rate(value))
        }
        let plan = makePlan(
            self.input, settings: self.settings, state: &self.state, scope: scope, at: instant(self.second))
        checkPlan(plan, on: self.input, "second \(self.second)")
        checkCaps(plan, "second \(self.second)")
        self.input = carriedOut(plan, on: self.input)
        return plan
    }

    func smoothed(_ id: String) -> Int64 { Int64(self.state.smoothedCaps[id] ?? 0) }
}

private func effective(_ plan: Plan) -> [Int64] {
    plan.trackers.compactMap { $0.effectiveCap.rate?.bytesPerSecond }
}

@Suite("How soft lends and takes back")
struct SoftPlanningTests {
    @Test("What B borrows is taken off A's cap")
    func bookedOnce() {
        var pair = Pair()
        let plan = pair.cycle(mebibyte, 3 * mebibyte)
        #expect(effective(plan) == [3 * mebibyte, 3 * mebibyte])
        #expect(plan.trackers[1].borrowed == rate(mebibyte))
        #expect(plan.trackers[2].effectiveCap == .unlimited)
    }

    @Test("A smoothed cap arrives at the computed one, up and down")
    func converges() {
        var pair = Pair()
        _ = pair.cycle(mebibyte, 0)
        #expect(pair.smoothed("B") == 2 * mebibyte)
        var steps: [Int64] = []
        for _ in 0..<8 {
            _ = pair.cycle(mebibyte, 3 * mebibyte)
            steps.append(pair.smoothed("B"))
        }
        #expect(steps.first == 2_516_582)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(steps.last == 3 * mebibyte)

        for _ in 0..<8 { _ = pair.cycle(mebibyte, 0) }
        #expect(pair.smoothed("B") == 2 * mebibyte)
    }

    @Test("Small moves leave a cap that has arrived where it is")
    func smallMoves() {
        var pair = Pair()
        pair.settings.maximumBorrowFraction = 10
        _ = pair.cycle(mebibyte, 3 * mebibyte)
        let arrived = pair.smoothed("B")
        _ = pair.cycle(mebibyte + 100_000, 5 * mebibyte)
        #expect(pair.smoothed("B") == arrived)
    }

    @Test("A lender that fills what it kept has its cap back at once, also between full plans")
    func reclaim() {
        var pair = Pair()
        pair.settings.maximumBorrowFraction = 10
        // B takes all that A leaves unused.
        #expect(effective(pair.cycle(mebibyte, 9 * mebibyte)) == [mebibyte, 5 * mebibyte])
        let plan = pair.cycle(4 * mebibyte, 9 * mebibyte, scope: .urgent)
        #expect(effective(plan) == [4 * mebibyte, 2 * mebibyte])
        #expect(pair.input.torrents[0].limit == .bytesPerSecond(4 * mebibyte))
    }

    @Test("A lender with a steady demand is not lent out and called back for ever")
    func steadyLender() {
        var pair = Pair()
        pair.settings.maximumBorrowFraction = 10
        var caps: [[Int64]] = []
        for _ in 0..<20 { caps.append(effective(pair.cycle(mebibyte, 9 * mebibyte))) }
        #expect(Set(caps.suffix(12)).count == 1)
        #expect((caps.last?[0] ?? 0) >= mebibyte * 3 / 2)
        #expect((caps.last?[1] ?? 0) > 4 * mebibyte)
    }

    @Test("A tracker without an active torrent lends too, and keeps enough to wake up with")
    func idleLender() {
        var pair = Pair()
        pair.settings.maximumBorrowFraction = 10
        let caps = effective(pair.cycle(0, 9 * mebibyte))
        #expect(caps[0] == mebibyte / 4)
        #expect(caps[1] == 6 * mebibyte - mebibyte / 4)
    }

    @Test("Planning twice at one instant smooths once")
    func sameInstant() {
        var pair = Pair()
        _ = pair.cycle(mebibyte, 0)
        _ = pair.cycle(mebibyte, 3 * mebibyte)
        let before = pair.state.smoothedCaps
        let plan = makePlan(
            pair.input, settings: pair.settings, state: &pair.state, scope: .full, at: instant(pair.second))
        #expect(plan.changes.isEmpty)
        #expect(pair.state.smoothedCaps == before)
    }

    @Test("The smoothed caps can be set from outside")
    func restoredState() {
        var pair = Pair()
        pair.state.smoothedCaps = ["A": Double(4 * mebibyte), "B": Double(2 * mebibyte), "gone": 1]
        _ = pair.cycle(mebibyte, 3 * mebibyte)
        #expect(pair.smoothed("B") == 2_516_582)
        #expect(pair.state.smoothedCaps["gone"] == nil)
    }

    @Test("A lowered base cap is in force in the same cycle")
    func loweredCap() {
        var pair = Pair()
        _ = pair.cycle(4 * mebibyte, 0)
        pair.input.trackers[0].cap = .bytesPerSecond(3_355_443)
        let plan = pair.cycle(4 * mebibyte, 2 * mebibyte)
        #expect(plan.trackers[0].sumAfter <= .bytesPerSecond(3_355_443))
    }
}
