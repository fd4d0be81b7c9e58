import SwarmTypes

/// `soft`: who borrows how much of whose unused cap.
///
/// What a tracker may borrow is smoothed as documented. What it has at any time is also bounded by what the
/// others really leave, and is taken off their caps: the effective caps never add up to more than the caps.
/// A lender that fills what it kept has its cap back at once.
struct CapLending {
    /// By tracker; nil for one without a cap.
    private(set) var effectiveCaps: [Int64?]
    /// Trackers that must be planned anew, because they have their cap back.
    private(set) var reclaimed: Set<Int> = []
    private let table: TorrentTable
    private let trackers: [GovernedTracker]
    private let settings: PlanningSettings
    private let usage: [Int64]
    /// Indices of the trackers with a cap.
    private let capped: [Int]

    init(_ table: TorrentTable, _ trackers: [GovernedTracker], _ settings: PlanningSettings) {
        self.table = table
        self.trackers = trackers
        self.settings = settings
        self.usage = table.spans.map { table.rate(in: $0) }
        self.effectiveCaps = trackers.map { $0.cap.rate?.bounded }
        self.capped = trackers.indices.filter { trackers[$0].cap != .unlimited }
    }

    /// Between full plans, and when no time has passed, the caps stay as they were, except that a lender may
    /// claim its own back.
    mutating func run(_ state: inout PlanningState, isFull: Bool, at now: Instant) {
        let isStep = isFull && state.smoothedAt != now
        let lenders = state.lending
        // What is smoothed is the loan: a share that moves is no loan.
        for index in self.capped where self.trackers[index].isShared {
            let id = self.trackers[index].id
            guard let before = lenders[id]?.cap, before != self.cap(index) else { continue }
            state.smoothedCaps[id]? += Double(self.cap(index) - before)
        }
        let isCurrent =
            lenders.count == self.capped.count
            && self.capped.allSatisfy { lenders[self.trackers[$0].id]?.cap == self.cap($0) }
        if state.smoothedAt != now {
            self.reclaimed = Set(self.capped.filter { self.isFilled($0, lenders[self.trackers[$0].id]) })
        }
        self.smooth(&state, isStep: isStep)
        if isFull { state.smoothedAt = now }

        if isCurrent, !isStep, self.reclaimed.isEmpty {
            for index in self.capped {
                self.effectiveCaps[index] = lenders[self.trackers[index].id]?.effectiveCap
            }
            return
        }
        self.book(&state)
    }

    private func cap(_ index: Int) -> Int64 { self.trackers[index].cap.rate?.bounded ?? 0 }

    private func isFilled(_ index: Int, _ memory: LendingMemory?) -> Bool {
        guard let memory, memory.effectiveCap < min(memory.cap, self.cap(index)) else { return false }
        return 20 * self.usage[index] >= 19 * memory.effectiveCap
    }
}

// MARK: Smoothing

extension CapLending {
    /// The documented caps: the base cap and a bonus out of all that is unused, by priority and need.
    private func computedCaps() -> [Double] {
        var pool = 0.0
        var weights: [Double] = []
        for index in self.capped {
            let (cap, usage) = (Double(self.cap(index)), Double(self.usage[index]))
            pool += max(0, cap - usage)
            let need = max(0, usage - cap * self.settings.borrowThreshold)
            weights.append(Double(max(0, self.trackers[index].priority)) * need)
        }
        let total = weights.reduce(0, +)
        return zip(self.capped, weights).map { index, weight in
            let cap = Double(self.cap(index))
            let bonus = total > 0 ? min(pool * weight / total, cap * self.settings.maximumBorrowFraction) : 0
            return cap + max(0, bonus)
        }
    }

    /// An exponential average that arrives: once what is left to go is below the gate, it is there. From then
    /// on, moves below the gate leave it where it is.
    private func smooth(_ state: inout PlanningState, isStep: Bool) {
        var smoothed: [String: Double] = [:]
        var settled: Set<String> = []
        let alpha = min(max(0.01, self.settings.smoothingAlpha), 1)
        for (index, computed) in zip(self.capped, self.computedCaps()) {
            let id = self.trackers[index].id
            let previous = state.smoothedCaps[id].flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
            let isClose = previous.map { previous in
                abs(computed - previous) / max(previous, 1) < self.settings.minimumEffectiveDelta
            }
            switch (previous, isClose) {
            case (.some(let previous), _) where !isStep:
                smoothed[id] = previous
                if state.settledCaps.contains(id) { settled.insert(id) }
            case (.some(let previous), .some(true)) where state.settledCaps.contains(id):
                smoothed[id] = previous
                settled.insert(id)
            case (.some(let previous), .some(false)):
                smoothed[id] = alpha * computed + (1 - alpha) * previous
            default:
                smoothed[id] = computed
                settled.insert(id)
            }
        }
        state.smoothedCaps = smoothed
        state.settledCaps = settled
    }
}

// MARK: Booking

extension CapLending {
    /// Takes every loan off the caps of those who lend, in proportion to what they leave unused.
    private mutating func book(_ state: inout PlanningState) {
        var memory: [String: LendingMemory] = [:]
        var loans: [Int64] = []
        var spare: [Int64] = []
        for index in self.capped {
            let (id, cap) = (self.trackers[index].id, self.cap(index))
            let loan = max(0, nearestInteger(state.smoothedCaps[id] ?? 0) - cap)
            let wasCautious = state.lending[id]?.isCautious ?? false
            let isCautious = self.reclaimed.contains(index) || (wasCautious && self.usage[index] >= cap / 32)
            memory[id] = LendingMemory(cap: cap, effectiveCap: cap, isCautious: isCautious)
            loans.append(loan)
            spare.append(loan > 0 ? 0 : self.spare(index, isCautious: isCautious))
        }

        let (asked, offered) = (loans.reduce(0, +), spare.reduce(0, +))
        let lent = min(asked, offered)
        // Each lender gives its part of what is still to be given, so that together they give it all.
        var (toGive, stillOffered) = (lent, offered)
        for (order, index) in self.capped.enumerated() {
            let received = proportion(of: lent, loans[order], in: asked)
            let given = proportion(of: toGive, spare[order], in: stillOffered)
            toGive -= given
            stillOffered -= spare[order]
            let effective = self.cap(index) + received - given
            self.effectiveCaps[index] = effective
            memory[self.trackers[index].id]?.effectiveCap = effective
        }
        state.lending = memory
    }

    /// What a tracker can do without: what it does not use, less a sixteenth of its cap to wake up with and
    /// what torrents that must not be touched may take.
    private func spare(_ index: Int, isCautious: Bool) -> Int64 {
        if self.reclaimed.contains(index) { return 0 }
        let span = self.table.spans[index]
        let held = span.reduce(0) { $0 + (self.table.isGoverned[$1] ? 0 : self.table.heldShare(at: $1)) }
        let used = isCautious ? self.usage[index] + self.usage[index] / 2 : self.usage[index]
        return max(0, self.cap(index) - max(used, held, self.cap(index) / 16))
    }
}
