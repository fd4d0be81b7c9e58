import LimitPlanning
import SwarmTypes
import TestKit
import Testing

@Suite("What stays behind")
struct StoppingPlanTests {
    @Test("Relaxing leaves an equal part of the cap to every torrent")
    func relax() {
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            let input = random.input()
            let plan = relaxPlan(input)
            checkPlan(plan, on: input, "seed \(seed)")
            #expect(plan.changes.allSatisfy { $0.reason == .relax || $0.reason == .uncapped })
            let done = carriedOut(plan, on: input)
            #expect(relaxPlan(done).changes.isEmpty)
            for (index, tracker) in input.trackers.enumerated() where tracker.cap != .unlimited {
                let governed = done.torrents.filter { $0.tracker == index && $0.standing == .governed }
                #expect(Set(governed.map(\.limit)).count <= 1, "seed \(seed)")
            }
        }
    }

    @Test("Rolling back gives every original back, exactly and once")
    func restore() {
        for seed in UInt64(0)..<300 {
            var random = RandomInput(seed: seed)
            let input = random.input()
            let plan = restorePlan(input, reason: .rollback)
            let done = carriedOut(plan, on: input)
            for (before, after) in zip(input.torrents, done.torrents) {
                let isRestored = before.standing == .governed && before.original != nil
                #expect(after.limit == (isRestored ? before.original : before.limit), "seed \(seed)")
            }
            #expect(plan.changes.allSatisfy { $0.reason == .rollback })
            #expect(restorePlan(done, reason: .rollback).changes.isEmpty)
        }
    }
}
