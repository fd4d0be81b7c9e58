import SwarmTypes

/// A cycle of `equal`, `weighted` or `soft`.
struct SharePlanning {
    let table: TorrentTable
    let trackers: [GovernedTracker]
    let settings: PlanningSettings
    let scope: PlanningScope

    func propose(_ state: inout PlanningState, at now: Instant) -> Proposal {
        var proposal = Proposal(self.table, self.trackers)
        var forced: Set<Int> = []
        if self.settings.strategy == .soft {
            var lending = CapLending(self.table, self.trackers, self.settings)
            lending.run(&state, isFull: self.scope == .full, at: now)
            proposal.effectiveCaps = lending.effectiveCaps
            forced = lending.reclaimed
        }
        for index in self.trackers.indices where self.trackers[index].cap == .unlimited {
            let span = self.table.spans[index]
            proposal.active[index] = span.count {
                self.table.rates[$0] >= self.settings.activeThreshold.bounded
            }
            proposal.restoreOriginals(in: span, of: self.table, .uncapped)
        }

        let shares = self.shares(proposal.effectiveCaps)
        for (index, share) in zip(self.trackers.indices, shares) {
            guard let share else { continue }
            proposal.active[index] = share.activeCount
            let follows = self.trackers[index].isShared
            if self.scope == .urgent, !forced.contains(index), !self.needsPlan(share),
                !follows || !self.isBehind(share, share.members.map { self.table.limits[$0] })
            {
                continue
            }
            self.apply(share, to: &proposal, follows: follows)
        }
        proposal.considered = zip(proposal.active, proposal.effectiveCaps).reduce(0) {
            $1.1 == nil ? $0 : $0 + $1.0
        }
        if self.settings.strategy == .weighted {
            proposal.considered = min(proposal.considered, max(0, self.settings.maximumManagedTorrents))
        }
        return proposal
    }

    /// The targets of every capped tracker, on a grid when they are too many different ones.
    ///
    /// Rounding depends on the targets alone and not on what is in force, so that a rounded plan, carried out,
    /// is rounded the same again. Every value may be needed once in each direction.
    private func shares(_ caps: [Int64?]) -> [ShareTargets?] {
        let classed = zip(caps, self.table.spans).map { cap, span in
            cap.map { ShareTargets(self.table, span, cap: $0, settings: self.settings) }
        }
        let exact = self.divide(classed, selected: self.selected(classed))
        guard let maximum = self.settings.maximumCalls else { return exact }

        let values = max(0, maximum) / 2
        if distinctTargets(exact) <= values { return exact }
        for bits in (0...7).reversed() {
            let rounded = exact.map { $0?.rounded(bits: bits) }
            if distinctTargets(rounded) <= values { return rounded }
        }
        // One value for all active torrents of a tracker is the least there can be.
        return self.divide(classed, selected: [])
    }

    /// - Parameter selected: the positions with a share of their own; nil for all of them.
    private func divide(_ classed: [ShareTargets?], selected: Set<Int>?) -> [ShareTargets?] {
        classed.map { share in
            share?.divided(threshold: self.settings.activeThreshold.bounded) { active, capacity in
                self.split(active, of: capacity, selected: selected)
            }
            .rounded(bits: nil)
        }
    }

    private func split(_ active: [Int], of capacity: Int64, selected: Set<Int>?) -> [Int64] {
        let weighted =
            self.settings.strategy == .equal
            ? [] : selected.map { selected in active.filter { selected.contains($0) } } ?? active
        let common = capacity / Int64(max(1, active.count))
        guard !weighted.isEmpty else { return Array(repeating: common, count: active.count) }

        let weights = weighted.map { position in
            let torrent = self.table.torrent(at: position)
            return weight(
                peers: Int64(torrent.leeches) + Int64(torrent.seeds), rate: self.table.rates[position])
        }
        let own = weightedSplit(weights, of: capacity - common * Int64(active.count - weighted.count))
        guard let selected else { return own }
        var next = own.makeIterator()
        return active.map { selected.contains($0) ? next.next() ?? common : common }
    }

    /// With `weighted`, the torrents with a share of their own; nil when all of them are. The others of a
    /// tracker share one value, an equal part.
    private func selected(_ classed: [ShareTargets?]) -> Set<Int>? {
        guard self.settings.strategy == .weighted else { return nil }
        let active = classed.flatMap { $0?.active ?? [] }
        let maximum = max(0, self.settings.maximumManagedTorrents)
        return active.count > maximum ? self.table.mostActive(active, maximum: maximum) : nil
    }
}

private func distinctTargets(_ shares: [ShareTargets?]) -> Int {
    shares.reduce(into: Set<Int64>()) { values, share in
        for target in share?.targets ?? [] { values.insert(target) }
    }.count
}
