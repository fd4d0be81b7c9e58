import LimitPlanning
import SwarmTypes
import Testing

/// What each tracker's limits add up to, held torrents included; nil while a governed one has none.
private func sums(_ input: PlanningInput) -> [Int64?] {
    var sums = input.trackers.map { _ in Int64?.some(0) }
    for torrent in input.torrents {
        if let limit = torrent.limit.rate {
            sums[torrent.tracker] = sums[torrent.tracker].map { $0 + limit.bytesPerSecond }
        } else if torrent.standing == .held {
            sums[torrent.tracker] = sums[torrent.tracker].map { $0 + torrent.uploadRate.bytesPerSecond }
        } else {
            sums[torrent.tracker] = nil
        }
    }
    return sums
}

/// What each capped tracker's limits may add up to; nil where nothing bounds them.
private func bounds(_ input: PlanningInput, _ plan: Plan) -> [Int64?] {
    zip(input.trackers, plan.trackers).map { tracker, outcome in
        guard let effective = outcome.effectiveCap.rate?.bytesPerSecond else { return nil }
        if plan.strategy != .adaptive { return effective }
        guard case .thousandths(let thousandths) = tracker.oversubscription else { return nil }
        return effective * Int64(thousandths) / 1000
    }
}

/// Carries a plan out call by call and holds it against every promise that one plan can be held to.
func checkPlan(_ plan: Plan, on input: PlanningInput, _ context: Comment) {
    let bounds = bounds(input, plan)
    let before = sums(input)
    let rows = Dictionary(uniqueKeysWithValues: input.torrents.enumerated().map { ($1.key, $0) })
    var current = input
    for call in plan.calls {
        for index in call.changes {
            let change = plan.changes[index]
            guard let row = rows[change.key] else {
                Issue.record("a change of no torrent", severity: .error)
                continue
            }
            #expect(current.torrents[row].limit == change.from, context)
            #expect(change.to == call.limit && change.isDecrease == call.isDecrease, context)
            current.torrents[row].limit = call.limit
        }
        for (sum, (bound, before)) in zip(sums(current), zip(bounds, before)) {
            guard let bound, let before else { continue }
            if sum.map({ $0 <= max(bound, before) }) != true { Issue.record("after a call: \(context)") }
        }
    }
    let after = sums(current)
    for (tracker, bound) in bounds.enumerated() {
        guard let bound else { continue }
        // A tracker whose held torrents alone exceed the cap gets no better than one byte for each other one.
        let members = input.torrents.filter { $0.tracker == tracker }
        let held = members.filter { $0.standing == .held }.reduce(0) { sum, torrent in
            sum + (torrent.limit.rate ?? torrent.uploadRate).bytesPerSecond
        }
        let governed = Int64(members.count { $0.standing == .governed })
        if plan.strategy == .adaptive || before[tracker] == nil || (before[tracker] ?? 0) > bound {
            #expect(after[tracker].map { $0 <= max(bound, held + governed) } == true, context)
        }
    }
    checkCalls(plan, context)
    for torrent in current.torrents where input.trackers[torrent.tracker].cap != .unlimited {
        if torrent.standing == .governed { #expect(torrent.limit >= .bytesPerSecond(1), context) }
    }
    for change in plan.changes {
        #expect(change.from != change.to, context)
        #expect(change.to == .unlimited || change.to <= .bytesPerSecond(2_147_483_646), context)
        #expect(rows[change.key].map { input.torrents[$0].standing } == .governed, context)
    }
    for (tracker, outcome) in plan.trackers.enumerated() {
        #expect(outcome.sumAfter == after[tracker].map { .bytesPerSecond($0) } ?? .unlimited, context)
    }
}

private func checkCalls(_ plan: Plan, _ context: Comment) {
    #expect(plan.changes.map(\.key) == plan.changes.map(\.key).sorted(), context)
    #expect(plan.calls.flatMap(\.changes).sorted() == Array(plan.changes.indices), context)
    #expect(plan.calls.allSatisfy { $0.changes == $0.changes.sorted() }, context)
    let firstRise = plan.calls.firstIndex { !$0.isDecrease } ?? plan.calls.endIndex
    #expect(plan.calls[firstRise...].allSatisfy { !$0.isDecrease }, context)
    for part in [plan.calls[..<firstRise], plan.calls[firstRise...]] {
        #expect(zip(part, part.dropFirst()).allSatisfy { $0.limit < $1.limit }, context)
    }
}

/// The effective caps of the capped trackers never add up to more than their caps.
func checkCaps(_ plan: Plan, _ context: Comment) {
    let capped = plan.trackers.filter { $0.baseCap != .unlimited }
    // Far above what planning calculates with, so the sums are exact.
    let base = capped.reduce(0) { $0 + ($1.baseCap.rate?.bytesPerSecond ?? 0) }
    let effective = capped.reduce(0) { $0 + ($1.effectiveCap.rate?.bytesPerSecond ?? 0) }
    #expect(effective <= base, context)
}
