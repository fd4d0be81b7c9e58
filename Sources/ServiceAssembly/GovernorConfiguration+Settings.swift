import LimitPlanning
import PatternMatching
import SwarmTypes
import UploadGovernor
import WeirSettings

extension GovernorConfiguration {
    init(_ settings: Settings) {
        self.init(
            trackers: settings.governedTrackers, planning: settings.planningSettings,
            rolloutPercentage: settings.global.rolloutPercentage, isDryRun: settings.global.isDryRun,
            onStop: StopPolicy(settings.global.onStop),
            onForeignChange: ForeignChangePolicy(settings.global.onForeignChange),
            pollSeconds: Double(settings.global.pollIntervalSeconds),
            updateSeconds: Double(settings.global.updateIntervalSeconds),
            trackerChoiceSeconds: Double(settings.global.cacheSeconds))
    }
}

extension StopPolicy {
    init(_ setting: StopBehaviour) {
        switch setting {
        case .restore: self = .restore
        case .relax: self = .relax
        case .keep: self = .keep
        }
    }
}

extension ForeignChangePolicy {
    init(_ setting: ForeignChangeRule) {
        switch setting {
        case .respect: self = .respect
        case .enforce: self = .enforce
        }
    }
}

/// The governor's matching port over the configured patterns.
struct MatcherAdapter: TrackerMatching {
    let matcher: TrackerMatcher
    let catchAll: Int
    /// Told when a pattern ran into its bound: the URL then counts as not matching it.
    let reportExceeded: @Sendable (_ trackerIDs: [String]) -> Void
    let trackerIDs: [String]

    init(_ settings: Settings, reportExceeded: @escaping @Sendable ([String]) -> Void) throws(PatternFailure) {
        self.matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
        self.trackerIDs = settings.trackers.map(\.id)
        self.catchAll = max(0, settings.trackers.count - 1)
        self.reportExceeded = reportExceeded
    }

    func tracker(for url: String) -> Int {
        let outcome = self.matcher.match(url)
        if !outcome.exceededLimits.isEmpty {
            self.reportExceeded(outcome.exceededLimits.map { self.trackerIDs[$0] })
        }
        return outcome.index ?? self.catchAll
    }
}
