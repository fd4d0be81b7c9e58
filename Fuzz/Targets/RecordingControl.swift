import ControlAPI
import JSONValues
import LimitPlanning
import SwarmTypes

/// A service that takes every command and counts what came of a request. What no POST asks for is not there.
///
/// `@unchecked Sendable`: made and used by one call of a target, on its thread.
final class RecordingControl: GovernorControl, @unchecked Sendable {
    private(set) var hooks: [HookEvent] = []
    private(set) var commands = 0
    private let hookCapacity: Int

    init(hookCapacity: Int) { self.hookCapacity = hookCapacity }

    func hook(_ event: HookEvent) -> HookAcceptance {
        guard self.hooks.count < self.hookCapacity else { return .full(queueSize: self.hooks.count) }
        self.hooks.append(event)
        return .accepted(queueSize: self.hooks.count)
    }

    func forceCycle() async throws(ControlFailure) -> CycleReport {
        self.commands += 1
        return CycleReport(outcome: .applied, durationSeconds: 1, changes: 1, apiCalls: 1)
    }

    func rollBack(reason: String) async throws(ControlFailure) -> RollbackReport {
        self.commands += 1
        return RollbackReport(changesReversed: 1, remaining: 0, durationSeconds: 1, isDryRun: false)
    }

    func setRollout(percentage: Int) async throws(ControlFailure) {
        guard 1...100 ~= percentage else { throw .unasked }
        self.commands += 1
    }

    func resetSmoothing(tracker: String?) async throws(ControlFailure) -> SmoothingReset {
        self.commands += 1
        return SmoothingReset(clearedCount: 1, strategy: .equal)
    }

    func resetLimits(
        _ scope: LimitsResetScope, marksRestored: Bool
    ) async throws(ControlFailure) -> LimitsReset {
        self.commands += 1
        return LimitsReset(count: 1, isDryRun: false)
    }

    func reloadConfiguration() async throws(ControlFailure) -> ReloadReport {
        self.commands += 1
        return ReloadReport(rolloutPercentage: 100, strategy: .equal)
    }

    func setPaused(_ isPaused: Bool) async throws(ControlFailure) { self.commands += 1 }

    func health() async -> HealthReport { HealthReport() }
    func metrics() async -> MetricsSnapshot { MetricsSnapshot() }
    func statistics() async throws(ControlFailure) -> StatisticsReport { throw .unasked }
    func trackers() async throws(ControlFailure) -> [TrackerReport] { throw .unasked }
    func managedTorrents() async throws(ControlFailure) -> ManagedReport { throw .unasked }
    func instances() async throws(ControlFailure) -> [InstanceReport] { throw .unasked }
    func preview() async throws(ControlFailure) -> PreviewReport { throw .unasked }
    func history(limit: Int, torrent: TorrentID?) async throws(ControlFailure) -> [HistoryEntry] {
        throw .unasked
    }
    func configuration() async throws(ControlFailure) -> JSONValue { throw .unasked }
    func match(url: String) async throws(ControlFailure) -> MatchReport { throw .unasked }
}

extension ControlFailure {
    /// Its status, 500, is one that no input may cause.
    fileprivate static let unasked = ControlFailure(.failed, code: "unasked", message: "Nothing asks for it.")
}
