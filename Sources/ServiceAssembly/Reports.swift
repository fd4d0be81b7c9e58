import ChangeJournal
import ControlAPI
import LimitPlanning
import SwarmTypes
import UploadGovernor
import WeirSettings

// The governor's values as the control API's.

func previewReport(_ plan: Plan, settings: Settings) -> PreviewReport {
    let names = settings.instances.map(\.name)
    let ids = settings.trackers.map(\.id)
    return PreviewReport(
        strategy: plan.strategy, torrentsConsidered: plan.considered,
        changes: plan.changes.map { change in
            let place = Int(change.key.instance.rawValue)
            return PreviewReport.Change(
                torrent: change.key.id, instance: names.indices.contains(place) ? names[place] : "",
                tracker: ids.indices.contains(change.tracker) ? ids[change.tracker] : "", from: change.from,
                to: change.to, reason: change.reason)
        },
        trackers: plan.trackers.map {
            PreviewReport.Tracker(id: $0.id, baseCap: $0.baseCap, effectiveCap: $0.effectiveCap)
        })
}

/// A cycle that could not be completed is an error, with what to do about it.
func cycleReport(_ report: UploadGovernor.CycleReport) throws(ControlFailure) -> ControlAPI.CycleReport {
    let outcome: ControlAPI.CycleReport.Outcome
    switch report.outcome {
    case .unchanged: outcome = .unchanged
    case .applied: outcome = .applied
    case .drifted: outcome = .drifted
    case .simulated: outcome = .dryRun
    case .skipped(let reason):
        throw ControlFailure(
            .unreachable, code: "cycle_skipped",
            message: "No qBittorrent could be read, nothing was changed: \(reason)")
    case .refused(let reason):
        throw ControlFailure(
            .failed, code: "journal_failed",
            message: "The journal took no records, nothing was sent: \(reason)")
    case .undetermined(let confirmed, let open):
        throw ControlFailure(
            .unreachable, code: "cycle_undetermined",
            message:
                "\(confirmed) changes were confirmed, \(open) could not be; the next cycle reads and repairs."
        )
    case .paused(let reason):
        throw ControlFailure(
            .conflict, code: "paused", message: "Weir is paused (\(reason.rawValue)); POST /resume goes on.")
    }
    return ControlAPI.CycleReport(
        outcome: outcome, durationSeconds: report.durationSeconds, changes: report.plan?.changes.count ?? 0,
        apiCalls: report.requests)
}

func metricsSnapshot(_ status: GovernorStatus) -> MetricsSnapshot {
    var snapshot = MetricsSnapshot()
    snapshot.trackers = status.trackers.map { tracker in
        MetricsSnapshot.Tracker(
            id: tracker.id, cap: tracker.baseCap, effectiveCap: tracker.effectiveCap,
            uploadRate: tracker.uploadRate, sumOfLimits: tracker.sumAfter, torrents: tracker.torrents,
            activeTorrents: tracker.activeTorrents)
    }
    snapshot.instances = status.instances.map { status in
        var instance = MetricsSnapshot.Instance(name: status.name)
        instance.isReachable = status.isCurrent
        instance.isLoginBlocked = status.isRefused
        instance.torrents = status.torrents
        instance.apiRequests = Int64(status.requests)
        instance.restartsDetected = Int64(status.restarts)
        return instance
    }
    for (name, count) in status.counters.cyclesByOutcome {
        let spelled = name == "simulated" ? "dry_run" : name
        guard let outcome = MetricsSnapshot.CycleOutcome(rawValue: spelled) else { continue }
        snapshot.cycles[outcome] = Int64(count)
    }
    snapshot.cycleSecondsTotal = status.counters.cycleSeconds
    snapshot.lastCycleDuration = status.lastCycle?.durationSeconds
    snapshot.lastCycleTime = status.lastCycle.map { Double($0.endedAt) }
    snapshot.limitsApplied = status.counters.limitsApplied.mapValues(Int64.init)
    snapshot.driftsSeen = Int64(status.counters.drift.values.reduce(0, +))
    snapshot.journalFailures = Int64(status.counters.journalFailures)
    snapshot.openIntents = status.openIntents
    snapshot.isPaused = status.pause != nil
    snapshot.isDryRun = status.configuration.isDryRun
    return snapshot
}

extension HistoryEntry {
    init(_ entry: JournalEntry) {
        self.init(
            id: entry.intent.rawValue, batch: entry.batch, at: Double(entry.at.millisecondsSince1970) / 1000,
            instance: entry.change.key.instance, torrent: entry.change.key.torrent,
            tracker: entry.change.tracker,
            from: entry.change.from, to: entry.change.to, reason: entry.change.reason,
            state: State(rawValue: entry.state.name) ?? .open)
    }
}
