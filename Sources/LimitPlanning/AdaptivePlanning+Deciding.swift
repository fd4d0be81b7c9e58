import SwarmTypes

extension AdaptivePlanning {
    /// Borrowing: what trackers want goes by its maximum over 30 s, so that a short pause does not give a cap
    /// away. With no tracker that may borrow, each has its own cap.
    func shareCaps(among capped: inout [AdaptiveTracker]) {
        for index in capped.indices where !capped[index].isSettled || capped[index].memory.want == nil {
            let want = capped[index].demands.reduce(capped[index].heldLimits) { $0 + $1.want }
            capped[index].memory.recordWant(min(want, 4 * capped[index].cap), at: self.now)
        }
        let parts = capped.map { tracker in
            let governed = self.trackers[tracker.index]
            let loan = tracker.cap * Int64(min(max(0, governed.borrowThousandths), 1_000_000)) / 1000
            return BorrowingTracker(
                want: tracker.memory.want ?? 0, cap: tracker.cap,
                ceiling: min(tracker.cap + loan, RateBounds.rate),
                priority: Int64(governed.priority))
        }
        let mayBorrow = parts.contains { $0.ceiling > $0.cap }
        let shares =
            mayBorrow
            ? LimitPlanning.shareCaps(of: parts, total: parts.reduce(0) { $0 + $1.cap }) : parts.map(\.cap)
        for index in capped.indices { capped[index].memory.effectiveCap = shares[index] }
    }

    /// Decides the limits of one tracker. A tracker of which nothing new is known keeps its limits as long as
    /// they fit, so that planning again on what has just been carried out changes nothing.
    func allocate(_ tracker: inout AdaptiveTracker) {
        let present = tracker.members.map { self.table.limits[$0] }
        let count = Int64(present.count)
        tracker.limits = present

        let factor: Int64? =
            switch self.trackers[tracker.index].oversubscription {
            case .statistical: nil
            case .thousandths(let thousandths): Int64(min(max(1000, thousandths), 4000))
            }
        let bound = factor.map { max(tracker.memory.effectiveCap * $0 / 1000 - tracker.heldLimits, count) }
        let cap = max(tracker.memory.effectiveCap - tracker.heldRate, count)
        let rate = tracker.readings.reduce(0) { $0 + $1.rate }
        let measured = self.measuredCapacity(&tracker, cap: cap, rate: rate, isStrict: factor == 1000)

        tracker.isOver = present.contains(RateBounds.unlimited)
        if let bound, !tracker.isOver { tracker.isOver = present.reduce(0, +) > bound }
        if tracker.isSettled && !tracker.isOver { return }

        tracker.limits =
            AdaptiveAllocation(
                tracker.readings, tracker.demands,
                bounds: AdaptiveBounds(
                    cap: cap, measured: measured, limits: bound, isStrict: factor == 1000,
                    takesBack: self.settings.weighsBursts)
            ).limits
        tracker.pending = PendingChanges(
            count: zip(present, tracker.limits).count { $0 != $1 }, isUrgent: tracker.isOver || rate > cap,
            age: tracker.memory.age)
    }

    private func measuredCapacity(
        _ tracker: inout AdaptiveTracker, cap: Int64, rate: Int64, isStrict: Bool
    ) -> Int64 {
        if isStrict { return cap }
        if let elapsed, elapsed > 0 {
            let milliseconds = min(Int64(min(elapsed, 3600) * 1000), MeasuredBudget.longestMilliseconds)
            let sent = min(rate, 16 * cap) * milliseconds / 1000
            tracker.memory.budget.advance(cap: cap, rate: rate, sent: sent, milliseconds: milliseconds)
        }
        return tracker.memory.budget.capacity(cap: cap)
    }

    /// Once more than 500 torrents upload, only as many limits change in a cycle as the change budget allows:
    /// each one costs the client a write of the torrent's resume data. A tracker changes as a whole, so that its
    /// limits always fit.
    func limitChanges(of capped: inout [AdaptiveTracker]) {
        let uploading = capped.reduce(0) { $0 + $1.readings.count { $0.rate > 0 } }
        guard uploading > 500 else { return }

        let picked = Set(pickTrackers(capped.map(\.pending), budget: self.settings.changeBudget))
        for index in capped.indices where capped[index].pending.count > 0 {
            if picked.contains(index) {
                capped[index].memory.age = 0
            } else {
                capped[index].memory.age += 1
                capped[index].limits = capped[index].members.map { self.table.limits[$0] }
            }
        }
    }

    /// Keeps the calls few: changed limits are rounded down to the grid; then rises wait for a later cycle, the
    /// values for the fewest torrents first; then cuts are rounded coarser. So the sum only falls.
    func limitCalls(of capped: inout [AdaptiveTracker]) {
        guard let maximum = self.settings.maximumCalls.map({ max(0, $0) }) else { return }
        if self.calls(of: capped).total > maximum { self.round(&capped, bits: 3) }

        let calls = self.calls(of: capped)
        if calls.total > maximum {
            let byCount = calls.rises.keys.sorted {
                let (first, second) = (calls.rises[$0] ?? 0, calls.rises[$1] ?? 0)
                return first == second ? $0 < $1 : first > second
            }
            let kept = Set(byCount.prefix(max(0, maximum - calls.cuts.count)))
            self.adjust(&capped) { present, planned in
                planned < present || present < 1 || kept.contains(planned) ? planned : present
            }
        }
        for bits in (0...2).reversed() where self.calls(of: capped).total > maximum {
            self.round(&capped, bits: bits)
        }
    }

    private func round(_ capped: inout [AdaptiveTracker], bits: Int) {
        self.adjust(&capped) { present, planned in
            let rounded = gridDown(planned, bits: bits)
            return planned > present ? max(present, rounded) : rounded
        }
    }

    /// Replaces every changed limit, except an original that comes back.
    private func adjust(
        _ capped: inout [AdaptiveTracker], _ replacement: (_ present: Int64, _ planned: Int64) -> Int64
    ) {
        for index in capped.indices {
            for (member, position) in capped[index].members.enumerated() {
                let (present, planned) = (self.table.limits[position], capped[index].limits[member])
                if planned == present || planned == capped[index].readings[member].restored { continue }
                capped[index].limits[member] = replacement(present, planned)
            }
        }
    }

    /// The distinct values that changes need, and for how many torrents each.
    private struct CallCounts {
        var cuts: Set<Int64> = []
        var rises: [Int64: Int] = [:]
        var total: Int { self.cuts.count + self.rises.count }
    }

    private func calls(of capped: [AdaptiveTracker]) -> CallCounts {
        var counts = CallCounts()
        for tracker in capped {
            for (position, planned) in zip(tracker.members, tracker.limits) {
                let present = self.table.limits[position]
                if planned < present { counts.cuts.insert(planned) }
                if planned > present { counts.rises[planned, default: 0] += 1 }
            }
        }
        return counts
    }

    func write(_ tracker: AdaptiveTracker, into proposal: inout Proposal) {
        for (member, position) in tracker.members.enumerated() {
            let (present, planned) = (self.table.limits[position], tracker.limits[member])
            guard planned != present else { continue }
            proposal.change(position, to: planned, self.reason(tracker, member, present: present))
        }
    }

    private func reason(_ tracker: AdaptiveTracker, _ member: Int, present: Int64) -> ChangeReason {
        let reading = tracker.readings[member]
        if reading.isUnlimited { return .newcomer }
        if reading.restored == tracker.limits[member] { return .inactive }
        if tracker.limits[member] > present {
            return reading.isQuiet && tracker.demands[member].isHungry ? .wokeUp : .share
        }
        if tracker.isOver { return .overCap }
        return reading.rate == 0 ? .idle : .share
    }

    /// Keeps what the next cycle needs, of the torrents that upload. What it is not given is forgotten.
    func remember(_ capped: [AdaptiveTracker], _ state: inout PlanningState) {
        var torrents: [TorrentKey: TorrentMemory] = [:]
        torrents.reserveCapacity(capped.reduce(0) { $0 + $1.readings.count { $0.rate > 0 } })
        var trackers: [String: TrackerMemory] = [:]
        for tracker in capped {
            trackers[self.trackers[tracker.index].id] = tracker.memory
            // The same reading is not counted twice.
            let isRepeated = tracker.isSettled && tracker.pending.count == 0
            for (member, position) in tracker.members.enumerated() where tracker.readings[member].rate > 0 {
                let key = self.table.torrent(at: position).key
                let reading = tracker.readings[member]
                if isRepeated, let memory = state.torrents[key] {
                    torrents[key] = memory
                    continue
                }
                torrents[key] = TorrentMemory(
                    saturation: reading.saturation, hungryCycles: tracker.demands[member].hungryCycles,
                    rate: reading.rate, limitThen: reading.limit, planned: tracker.limits[member],
                    isQuiet: reading.isQuiet)
                if let index = reading.trend {
                    var trend = tracker.trends[index]
                    if tracker.demands[member].isWaking { trend.probe() }
                    torrents[key]?.trend = trend
                }
            }
        }
        state.torrents = torrents
        state.trackers = trackers
        state.plannedAt = self.now
    }
}
