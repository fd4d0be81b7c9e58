import ChangeJournal
import ControlAPI
import EventIO
import Glibc
import JSONValues
import LimitPlanning
import LogOutput
import NoticePolicy
import PatternMatching
import SwarmTypes
import UploadGovernor
import WeirSettings

/// The control API's port over the running service.
final class ControlAdapter: GovernorControl {
    private let service: RunningService

    init(_ service: RunningService) { self.service = service }

    private var governor: Governor { self.service.governor }

    // MARK: - Reporting

    func health() async -> HealthReport { self.health(await self.governor.status()) }

    private func health(_ status: GovernorStatus) -> HealthReport {
        var report = HealthReport()
        let problems = Self.problems(status)
        report.problems = problems
        report.uptimeSeconds = self.service.uptimeSeconds
        report.lastCycleTime = status.lastCycle.map { Double($0.endedAt) }
        report.lastCycleDuration = status.lastCycle?.durationSeconds
        report.rolloutPercentage = status.configuration.rolloutPercentage
        report.updateInterval = Int(status.configuration.updateSeconds)
        report.isDryRun = status.configuration.isDryRun
        report.isPaused = status.pause != nil
        report.activeTorrents = status.trackers.reduce(0) { $0 + $1.activeTorrents }
        report.managedTorrents = status.managed
        report.apiCallsLastCycle = status.lastCycle?.requests ?? 0
        if status.instances.isEmpty {
            // There is nothing to read: Weir's own torrents need no cycles.
            report.status = problems.isEmpty ? .healthy : .degraded
        } else if status.lastCycle == nil {
            report.status = .starting
        } else if !status.instances.contains(where: \.isCurrent) {
            report.status = .unhealthy
        } else {
            report.status = problems.isEmpty ? .healthy : .degraded
        }
        return report
    }

    private static func problems(_ status: GovernorStatus) -> [String] {
        var problems = status.instances.compactMap { instance in
            instance.problem.map { "\(instance.name): \($0)" }
        }
        problems += status.instances.compactMap(contestProblem)
        switch status.pause {
        case nil: break
        case .requested: problems.append("paused on request; `weir resume` or POST /resume goes on")
        case .rolledBack:
            problems.append("all limits were rolled back; `weir resume` or POST /resume governs again")
        case .reset: problems.append("all limits were reset; `weir resume` or POST /resume governs again")
        }
        switch status.lastCycle?.outcome {
        case .refused(let reason): problems.append("the journal takes no records: \(reason)")
        case .undetermined(_, let open): problems.append("\(open) changes could not be confirmed yet")
        default: break
        }
        return problems
    }

    func statistics() async throws(ControlFailure) -> StatisticsReport {
        let status = await self.governor.status()
        let activity = await self.governor.activity()
        var report = StatisticsReport()
        report.allocationCycles = status.counters.cycles
        report.apiCallsLastCycle = status.lastCycle?.requests ?? 0
        report.torrentsProcessed = status.lastCycle?.considered ?? 0
        report.limitsApplied = status.counters.limitsApplied.values.reduce(0, +)
        report.errors =
            status.counters.failedPolls + status.counters.failedCalls + status.counters.journalFailures
        report.lastCycleTime = status.lastCycle.map { Double($0.endedAt) }
        report.lastCycleDuration = status.lastCycle?.durationSeconds
        report.activeTorrents = status.trackers.reduce(0) { $0 + $1.activeTorrents }
        report.managedTorrents = status.managed
        report.scores.high = activity[0]
        report.scores.medium = activity[1]
        report.scores.low = activity[2]
        report.scores.ignored = activity[3]
        report.capacity = status.configuration.planning.maximumManagedTorrents
        report.rolloutPercentage = status.configuration.rolloutPercentage
        report.matchCache = self.service.matchCounts.report
        report.memoryBytes = residentMemory()
        report.strategy = status.configuration.planning.strategy
        report.isDryRun = status.configuration.isDryRun
        report.isPaused = status.pause != nil
        return report
    }

    func trackers() async throws(ControlFailure) -> [TrackerReport] {
        self.trackers(await self.governor.status())
    }

    private func trackers(_ status: GovernorStatus) -> [TrackerReport] {
        self.service.settings.trackers.map { tracker in
            let outcome = status.trackers.first { $0.id == tracker.id }
            return TrackerReport(
                id: tracker.id, name: tracker.name, priority: tracker.priority, cap: tracker.cap,
                effectiveCap: outcome?.effectiveCap ?? tracker.cap, torrents: outcome?.torrents ?? 0,
                activeTorrents: outcome?.activeTorrents ?? 0, uploadRate: outcome?.uploadRate ?? .zero)
        }
    }

    func managedTorrents() async throws(ControlFailure) -> ManagedReport {
        let managed = await self.governor.managedTorrents()
        let names = self.service.settings.instances.map(\.name)
        let ids = self.service.settings.trackers.map(\.id)
        var groups: [(id: String, torrents: [ManagedReport.Torrent])] = ids.map { ($0, []) }
        for torrent in managed where groups.indices.contains(torrent.tracker) {
            let place = Int(torrent.key.instance.rawValue)
            groups[torrent.tracker].torrents.append(
                ManagedReport.Torrent(
                    id: torrent.key.id, instance: names.indices.contains(place) ? names[place] : "",
                    limit: torrent.limit, addedAt: Double(torrent.managedSince),
                    lastSeen: Double(torrent.lastSeen)))
        }
        return ManagedReport(generatedAt: wallSeconds(), trackers: groups)
    }

    func instances() async throws(ControlFailure) -> [InstanceReport] {
        await self.instances(await self.governor.status())
    }

    private func instances(_ status: GovernorStatus) async -> [InstanceReport] {
        var reports: [InstanceReport] = []
        for (place, instance) in status.instances.enumerated() {
            let adapter = self.service.adapter(at: place)
            let version = await adapter?.version()
            var report = InstanceReport(
                name: instance.name, url: adapter?.address ?? "", isReachable: instance.isCurrent,
                version: version?.application, webAPIVersion: version?.webAPI, torrents: instance.torrents,
                lastSeen: instance.secondsSinceRead.map { wallSeconds() - $0 }, problem: instance.problem)
            report.isLoginBlocked = instance.isRefused
            report.restarts = instance.restarts
            report.drifts = instance.drifts
            report.lastApplied = instance.lastApplied.map(Double.init)
            report.openIntents = instance.openIntents
            reports.append(report)
        }
        return reports
    }

    func situation() async throws(ControlFailure) -> GovernorSituation {
        let status = await self.governor.status()
        let trackers = self.trackers(status)
        var shares: [TrackerShare] = []
        for instance in status.instances {
            for (tracker, share) in zip(status.configuration.trackers, instance.shares)
            where share.torrents > 0 {
                shares.append(
                    TrackerShare(
                        tracker: tracker.id, source: instance.name, rate: share.rate,
                        torrents: share.torrents,
                        active: share.active))
            }
        }
        return GovernorSituation(
            health: self.health(status), trackers: trackers, shares: shares,
            instances: await self.instances(status))
    }

    func governedTorrents(waitingForNames seconds: Double) async -> [GovernedRow] {
        await self.service.listing.rows(self.service, waitingForNames: seconds)
    }

    func preview() async throws(ControlFailure) -> PreviewReport {
        guard let plan = await self.governor.preview() else {
            throw ControlFailure(
                .unreachable, code: "no_observation",
                message: "No qBittorrent has been read yet; see /instances.")
        }
        return previewReport(plan, settings: self.service.settings)
    }

    func history(limit: Int, torrent: TorrentID?) async throws(ControlFailure) -> [HistoryEntry] {
        do throws(JournalFailure) {
            return try await self.service.keeper.history(limit: limit, torrent: torrent).map(
                HistoryEntry.init)
        } catch {
            throw ControlFailure(.failed, code: "journal_failed", message: error.description)
        }
    }

    func configuration() async throws(ControlFailure) -> JSONValue {
        configurationReport(
            self.service.settings, rollout: await self.governor.status().configuration.rolloutPercentage)
    }

    func match(url: String) async throws(ControlFailure) -> MatchReport {
        let (matcher, settings) = self.service.matching
        let place = matcher.match(url).index ?? max(0, settings.trackers.count - 1)
        return MatchReport(
            matchedTracker: settings.trackers.indices.contains(place) ? settings.trackers[place].id : "",
            patterns: matcher.explain(url).map {
                MatchReport.Pattern(tracker: $0.id, pattern: $0.pattern, matches: $0.result == .matches)
            })
    }

    func metrics() async -> MetricsSnapshot {
        let status = await self.governor.status()
        var snapshot = metricsSnapshot(status)
        let hooks = self.service.inbox.totals
        snapshot.hooksAccepted = hooks.accepted
        snapshot.hooksRefused = hooks.refused
        snapshot.uptimeSeconds = self.service.uptimeSeconds
        return snapshot
    }

    // MARK: - Commanding

    func forceCycle() async throws(ControlFailure) -> ControlAPI.CycleReport {
        if await self.governor.status().pause != nil { try await self.setPaused(false) }
        let report = await self.governor.runCycle(.full, isAskedFor: true)
        return try cycleReport(report)
    }

    func rollBack(reason: String) async throws(ControlFailure) -> ControlAPI.RollbackReport {
        let started = monotonicNow()
        self.service.logger.warning("rollback asked for", ["reason": .text(reason)])
        let report = await self.governor.rollBack()
        if case .refused(let message) = report.outcome {
            throw ControlFailure(.failed, code: "journal_failed", message: message)
        }
        if !report.isDryRun {
            self.service.notifier.note(
                .rollback, "\(report.restored) torrents have the limit back that they had before Weir")
        }
        return ControlAPI.RollbackReport(
            changesReversed: report.restored, remaining: report.remaining,
            durationSeconds: monotonicNow().seconds(since: started), isDryRun: report.isDryRun)
    }

    func setRollout(percentage: Int) async throws(ControlFailure) {
        try await self.recording { () async throws(JournalProblem) in
            try await self.governor.setRollout(percentage)
        }
    }

    func resetSmoothing(tracker: String?) async throws(ControlFailure) -> SmoothingReset {
        let settings = self.service.settings
        if let tracker, !settings.trackers.contains(where: { $0.id == tracker }) {
            throw ControlFailure(
                .notFound, code: "unknown_tracker", message: "There is no tracker with the id \(tracker).")
        }
        return SmoothingReset(
            clearedCount: await self.governor.resetSmoothing(tracker: tracker),
            strategy: settings.global.strategy)
    }

    func resetLimits(
        _ scope: LimitsResetScope, marksRestored: Bool
    ) async throws(ControlFailure) -> LimitsReset {
        let report = await self.governor.resetLimits(everTouched: scope == .all, endsClaims: marksRestored)
        if case .refused(let message) = report.outcome {
            throw ControlFailure(.failed, code: "journal_failed", message: message)
        }
        return LimitsReset(count: report.restored, isDryRun: report.isDryRun)
    }

    func reloadConfiguration() async throws(ControlFailure) -> ReloadReport {
        switch await self.service.reload() {
        case .success(let report): return report
        case .failure(let failure): throw failure
        }
    }

    func setPaused(_ isPaused: Bool) async throws(ControlFailure) {
        if !isPaused {
            for adapter in self.service.adapters() { await adapter.permitLogin() }
        }
        try await self.recording { () async throws(JournalProblem) in
            try await self.governor.setPaused(isPaused)
        }
    }

    private func recording(
        _ body: () async throws(JournalProblem) -> Void
    ) async throws(ControlFailure) {
        do throws(JournalProblem) {
            try await body()
        } catch {
            throw ControlFailure(.failed, code: "journal_failed", message: error.message)
        }
    }

    // MARK: - The webhook

    func hook(_ event: HookEvent) -> HookAcceptance { self.service.inbox.take(event) }
}

/// The resident memory of this process in bytes; 0 where the kernel does not tell.
func residentMemory() -> Int64 {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var total: Int64 = 0
    var resident: Int64 = 0
    guard
        withVaList(
            [withUnsafeMutablePointer(to: &total) { $0 }, withUnsafeMutablePointer(to: &resident) { $0 }],
            {
                vfscanf(file, "%ld %ld", $0)
            }) == 2
    else { return 0 }
    return resident * Int64(sysconf(Int32(_SC_PAGESIZE)))
}

/// Nil when nobody else sets the limits of an instance.
private func contestProblem(_ instance: InstanceStatus) -> String? {
    let question = "does a second Weir, or another program, govern it?"
    if instance.isContested {
        return
            "\(instance.name): another program sets its limits again and again; \(question) Weir leaves it alone until that ends, or until `weir resume`"
    }
    if instance.contested > 0 {
        return
            "\(instance.name): another program sets the limits of \(instance.contested) torrents again and again; \(question) Weir leaves them alone until that ends, or until `weir resume`"
    }
    guard instance.takenOver > 0 else { return nil }
    return
        "\(instance.name): another program has set the limits of \(instance.takenOver) torrents, which are most of them; \(question) Weir respects them (on_foreign_change)"
}
