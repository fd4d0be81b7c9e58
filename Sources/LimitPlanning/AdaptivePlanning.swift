import SwarmTypes

/// A capped tracker in an `adaptive` cycle.
struct AdaptiveTracker {
    var index: Int
    var cap: Int64
    /// Positions of the governed torrents.
    var members: [Int] = []
    var readings: [AdaptiveReading] = []
    /// Of those that upload.
    var trends: [DemandTrend] = []
    var demands: [AdaptiveDemand] = []
    /// What the held torrents may take and what they do take.
    var heldLimits: Int64 = 0
    var heldRate: Int64 = 0
    /// Nothing has been measured since the last plan, which has been carried out.
    var isSettled = true
    /// Its limits add up to more than they may, or one of its torrents has none.
    var isOver = false
    var memory = TrackerMemory()
    var limits: [Int64] = []
    var pending = PendingChanges(count: 0, isUrgent: false, age: 0)
}

/// A cycle of `adaptive`: demands, effective caps, one allocation a tracker, and the choice of the trackers
/// that may change in this cycle.
struct AdaptivePlanning {
    let table: TorrentTable
    let trackers: [GovernedTracker]
    let settings: PlanningSettings
    let now: Instant
    /// Seconds since the last plan; nil when that is not known.
    let elapsed: Double?
    private let filter: SaturationFilter

    init(
        _ table: TorrentTable, _ trackers: [GovernedTracker], _ settings: PlanningSettings,
        since last: Instant?, at now: Instant
    ) {
        self.table = table
        self.trackers = trackers
        self.settings = settings
        self.now = now
        self.elapsed = last.map { max(0, now.seconds(since: $0)) }
        self.filter = SaturationFilter(seconds: self.elapsed ?? 0)
    }

    func propose(_ state: inout PlanningState) -> Proposal {
        var proposal = Proposal(self.table, self.trackers)
        var capped: [AdaptiveTracker] = []
        for index in self.trackers.indices {
            let span = self.table.spans[index]
            proposal.active[index] = span.count {
                self.table.rates[$0] >= self.settings.activeThreshold.bounded
            }
            guard let cap = self.trackers[index].cap.rate?.bounded else {
                proposal.restoreOriginals(in: span, of: self.table, .uncapped)
                continue
            }
            capped.append(self.observe(index, cap: cap, state))
        }

        self.shareCaps(among: &capped)
        for index in capped.indices { self.allocate(&capped[index]) }
        self.limitChanges(of: &capped)
        self.limitCalls(of: &capped)
        for tracker in capped {
            proposal.effectiveCaps[tracker.index] = tracker.memory.effectiveCap
            proposal.considered += tracker.readings.count { $0.rate > 0 }
            self.write(tracker, into: &proposal)
        }
        self.remember(capped, &state)
        return proposal
    }
}

// MARK: Observing

extension AdaptivePlanning {
    private func observe(_ index: Int, cap: Int64, _ state: PlanningState) -> AdaptiveTracker {
        var tracker = AdaptiveTracker(index: index, cap: cap)
        tracker.memory = state.trackers[self.trackers[index].id] ?? TrackerMemory()
        tracker.isSettled = (self.elapsed ?? 0) == 0
        let span = self.table.spans[index]
        let part = cap / Int64(max(1, span.count))
        let tuning = self.settings.limitsIncludeOverhead ? AdaptiveTuning.withOverhead : AdaptiveTuning()
        for position in span {
            guard self.table.isGoverned[position] else {
                let share = self.table.heldShare(at: position)
                tracker.heldLimits += share
                tracker.heldRate += min(share, self.table.rates[position])
                continue
            }
            let (rate, limit) = (self.table.rates[position], self.table.limits[position])
            var memory: TorrentMemory?
            if rate > 0 {
                memory = state.torrents[self.table.torrent(at: position).key]
                if memory?.matches(rate: rate, limit: limit) != true { tracker.isSettled = false }
            }
            if limit == RateBounds.unlimited || limit < 1 { tracker.isSettled = false }
            tracker.members.append(position)
            var reading = self.reading(position, rate, limit, memory, restoring: part)
            if self.settings.weighsBursts, rate > 0 {
                reading.refer(toTrend: tracker.trends.count)
                tracker.trends.append(self.trend(of: reading, memory, tuning))
            }
            tracker.readings.append(reading)
        }
        tracker.demands = assessDemand(
            tracker.readings, trends: tracker.trends, cap: cap, tuning: tuning)
        return tracker
    }

    /// - Parameter part: an equal part of the cap, up to which an original limit fits.
    private func reading(
        _ position: Int, _ rate: Int64, _ limit: Int64, _ memory: TorrentMemory?, restoring part: Int64
    ) -> AdaptiveReading {
        let limitNow = limit == RateBounds.unlimited ? 0 : Double(limit)
        guard let memory else {
            var restored: Int64?
            if rate == 0, self.settings.restoresInactive,
                let original = self.table.torrent(at: position).original?.plannable,
                (1...max(1, part)) ~= original
            {
                restored = original
            }
            return AdaptiveReading(
                rate: rate, limit: limit, saturation: limitNow, hungryCycles: 0, isQuiet: true,
                restored: restored)
        }

        var saturation = memory.saturation
        var isQuiet = memory.isQuiet(limitNow: limit)
        if let elapsed, elapsed > 0 {
            let before = memory.limitBefore ?? limit
            saturation = self.filter.advance(
                saturation, limitBefore: before == RateBounds.unlimited ? 0 : Double(before), limit: limitNow)
        } else if elapsed != nil {
            isQuiet = memory.wasQuiet
        }
        return AdaptiveReading(
            rate: rate, limit: limit, saturation: saturation, hungryCycles: memory.hungryCycles,
            isQuiet: isQuiet)
    }

    /// The means that a reading belongs to.
    private func trend(
        of reading: AdaptiveReading, _ memory: TorrentMemory?, _ tuning: AdaptiveTuning
    ) -> DemandTrend {
        let full = reading.isUnlimited ? 0 : min(reading.saturation, Double(reading.limit))
        guard var trend = memory?.trend else { return DemandTrend(rate: reading.rate, full: full) }
        if let elapsed, elapsed > 0 {
            trend.observe(rate: reading.rate, full: full, seconds: elapsed)
            trend.note(
                isFull: DemandTrend.isFull(reading, tuning), usesShare: 4 * reading.rate >= reading.limit)
        }
        return trend
    }
}
