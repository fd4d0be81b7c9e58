public import LimitPlanning
import SwarmTypes

extension Settings {
    /// The trackers as the planner takes them, in the same order.
    public var governedTrackers: [GovernedTracker] {
        self.trackers.map { tracker in
            GovernedTracker(
                id: tracker.id, cap: tracker.cap, priority: tracker.priority,
                oversubscription: tracker.oversubscription ?? self.global.oversubscription,
                borrowThousandths: thousandths(tracker.borrow))
        }
    }

    public var planningSettings: PlanningSettings {
        var planning = PlanningSettings()
        planning.strategy = self.global.strategy
        planning.activeThreshold = ByteRate(
            bytesPerSecond: Int64(self.global.activeTorrentThresholdKiB) * 1024)
        planning.differentialThresholdThousandths = thousandths(self.global.differentialThreshold)
        planning.maximumManagedTorrents = self.global.maximumManagedTorrents
        planning.maximumCalls = self.global.maximumCallsPerCycle
        planning.changeBudget = self.global.changeBudget
        planning.borrowThreshold = self.global.borrowThresholdRatio
        planning.maximumBorrowFraction = self.global.maximumBorrowFraction
        planning.smoothingAlpha = self.global.smoothingAlpha
        planning.minimumEffectiveDelta = self.global.minimumEffectiveDelta
        planning.restoresInactive = self.global.unlimitsInactive
        return planning
    }
}
