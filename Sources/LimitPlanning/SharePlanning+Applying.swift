import SwarmTypes

extension SharePlanning {
    /// Moves one tracker to its targets, as far as the changes are worth a request; cuts that the cap needs are
    /// made all the same, the largest first.
    ///
    /// - Parameter follows: where much of the capacity would be left over, every rise is made, whatever it is worth by
    ///   itself.
    func apply(_ share: ShareTargets, to proposal: inout Proposal, follows: Bool) {
        let gate = DifferentialGate(thresholdThousandths: self.settings.differentialThresholdThousandths)
        let threshold = self.settings.activeThreshold.bounded
        var limits: [Int64] = []
        for (index, position) in share.members.enumerated() {
            let (present, target) = (self.table.limits[position], share.targets[index])
            // A torrent whose limit keeps it under the activity threshold is raised without the gate, or it
            // could never show that it is active.
            let isHeldDown = 8 * min(present, RateBounds.rate) < 9 * threshold && self.isFilling(position)
            let isChanged =
                gate.isWorthwhile(from: present, to: target) || present < 1 || share.isRestored[index]
                || (isHeldDown && 8 * target >= 9 * present)
            limits.append(isChanged ? target : present)
        }
        cutToFit(&limits, targets: share.targets, within: share.capacity)
        if follows, self.isBehind(share, limits) {
            for (index, target) in share.targets.enumerated() { limits[index] = max(limits[index], target) }
            cutToFit(&limits, targets: share.targets, within: share.capacity)
        }

        let isOver = self.isOver(share)
        for (index, position) in share.members.enumerated() where limits[index] != self.table.limits[position]
        {
            proposal.change(position, to: limits[index], self.reason(share, index, to: limits[index], isOver))
        }
    }

    /// Whether a tracker cannot wait for the next full plan: a torrent without a limit, limits that add up to
    /// more than the cap, or a torrent that woke up and fills a limit far below its share.
    func needsPlan(_ share: ShareTargets) -> Bool {
        if self.isOver(share) { return true }
        return share.members.indices.contains { index in
            let position = share.members[index]
            let limit = self.table.limits[position]
            if limit == RateBounds.unlimited || limit < 1 { return true }
            return share.activities[index] != .idle && share.targets[index] >= 2 * limit
                && self.isFilling(position)
        }
    }

    /// Whether limits leave more than a fiftieth of the capacity, and a torrent fills its own.
    func isBehind(_ share: ShareTargets, _ limits: [Int64]) -> Bool {
        let sum = limits.reduce(0) { $0 + min($1, share.capacity) }
        guard sum < share.capacity - share.capacity / 50 else { return false }
        return share.members.indices.contains { index in
            share.activities[index] != .idle && self.isFilling(share.members[index], limit: limits[index])
        }
    }

    private func isFilling(_ position: Int) -> Bool {
        self.isFilling(position, limit: self.table.limits[position])
    }

    private func isFilling(_ position: Int, limit: Int64) -> Bool {
        let rate = self.table.rates[position]
        return limit != RateBounds.unlimited && rate > 0 && 5 * rate >= 4 * limit
    }

    /// A tracker with an unlimited torrent is not over its cap by that alone: the torrent is a newcomer.
    private func isOver(_ share: ShareTargets) -> Bool {
        share.members.reduce(0) { sum, position in
            let limit = self.table.limits[position]
            return limit == RateBounds.unlimited ? sum : sum + limit
        } > share.capacity
    }

    private func reason(_ share: ShareTargets, _ index: Int, to limit: Int64, _ isOver: Bool) -> ChangeReason
    {
        let present = self.table.limits[share.members[index]]
        if present == RateBounds.unlimited { return .newcomer }
        if share.isRestored[index] { return .inactive }
        let isIdle = share.activities[index] == .idle
        if limit > present { return !isIdle && present <= 2 * share.floor ? .wokeUp : .share }
        if isIdle { return .idle }
        return isOver ? .overCap : .share
    }
}
