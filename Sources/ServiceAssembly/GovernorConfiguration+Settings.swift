import ControlAPI
import EventIO
import LimitPlanning
import LogOutput
import PatternMatching
import SwarmTypes
import UploadGovernor
import WeirSettings

extension GovernorConfiguration {
    init(_ settings: Settings) {
        var planning = settings.planningSettings
        planning.weighsBursts = true
        self.init(
            trackers: settings.governedTrackers, planning: planning,
            rolloutPercentage: settings.global.rolloutPercentage, isDryRun: settings.global.isDryRun,
            onStop: StopPolicy(settings.global.onStop),
            onForeignChange: ForeignChangePolicy(settings.global.onForeignChange),
            pollSeconds: Double(settings.global.pollIntervalSeconds),
            updateSeconds: Double(settings.global.updateIntervalSeconds),
            trackerChoiceSeconds: Double(settings.global.cacheSeconds),
            headroomThousandths: Int((settings.global.headroom * 1000).rounded()))
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

/// How the matcher was used, for `/stats`.
final class MatchCounts: Sendable {
    private let counts = Lock((matched: 0, unmatched: 0))

    func add(isMatch: Bool) {
        self.counts.withLock { if isMatch { $0.matched += 1 } else { $0.unmatched += 1 } }
    }

    /// Each distinct list of URLs is matched once, so every match is a miss of what would be a cache.
    var report: StatisticsReport.MatchCache {
        var report = StatisticsReport.MatchCache()
        let (matched, unmatched) = self.counts.withLock { $0 }
        report.size = matched + unmatched
        report.misses = matched + unmatched
        report.patternMatches = matched
        report.failedMatches = unmatched
        return report
    }
}

/// The governor's matching port over the configured patterns.
struct MatcherAdapter: TrackerMatching {
    private let matcher: TrackerMatcher
    private let catchAll: Int
    private let trackerIDs: [String]
    private let counts: MatchCounts
    private let logger: Logger

    init(_ matcher: TrackerMatcher, _ settings: Settings, counts: MatchCounts, logger: Logger) {
        self.matcher = matcher
        self.trackerIDs = settings.trackers.map(\.id)
        self.catchAll = max(0, settings.trackers.count - 1)
        self.counts = counts
        self.logger = logger
    }

    func tracker(for url: String) -> Int {
        let outcome = self.matcher.match(url)
        let place = outcome.index ?? self.catchAll
        self.counts.add(isMatch: place != self.catchAll)
        for exceeded in outcome.exceededLimits {
            self.logger.warning(
                "a pattern was given up on: it takes too long for this URL, which counts as not matching",
                ["tracker": .text(self.trackerIDs[exceeded]), "url": .text(redactURL(url))])
        }
        return place
    }
}
