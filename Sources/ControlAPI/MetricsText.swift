import LimitPlanning
import SwarmTypes

/// The text exposition format of Prometheus.
let metricsContentType = "text/plain; version=0.0.4; charset=utf-8"

func metricsText(_ snapshot: MetricsSnapshot, version: String) -> [UInt8] {
    var text = MetricsWriter()
    text.family("weir_info", .gauge, "The running version.") { $0.sample([("version", version)], 1.0) }
    text.family("weir_uptime_seconds", .gauge, "Time since the start.") { $0.sample(snapshot.uptimeSeconds) }
    text.family("weir_paused", .gauge, "1 while changes are paused.") { $0.sample(snapshot.isPaused ? 1 : 0) }
    text.family("weir_dry_run", .gauge, "1 while nothing is written to qBittorrent.") {
        $0.sample(snapshot.isDryRun ? 1 : 0)
    }
    writeTrackers(snapshot.trackers, to: &text)
    writeInstances(snapshot.instances, to: &text)
    writeCycles(snapshot, to: &text)
    text.family("weir_journal_failures_total", .counter, "Writes to the journal that failed.") {
        $0.sample(Double(snapshot.journalFailures))
    }
    text.family("weir_journal_open_intents", .gauge, "Recorded changes whose outcome is not known yet.") {
        $0.sample(Double(snapshot.openIntents))
    }
    text.family("weir_hooks_total", .counter, "Webhooks by what became of them.") {
        $0.sample([("result", "accepted")], Double(snapshot.hooksAccepted))
        $0.sample([("result", "refused")], Double(snapshot.hooksRefused))
    }
    return text.bytes
}

private func writeTrackers(_ trackers: [MetricsSnapshot.Tracker], to text: inout MetricsWriter) {
    let gauges: [(String, String, (MetricsSnapshot.Tracker) -> Double)] = [
        ("cap_bytes_per_second", "The configured cap; +Inf is unlimited.", { value($0.cap) }),
        ("effective_cap_bytes_per_second", "The cap with what is borrowed.", { value($0.effectiveCap) }),
        ("upload_bytes_per_second", "What the tracker's torrents upload.", { value(.atMost($0.uploadRate)) }),
        ("limits_bytes_per_second", "The limits in force added up.", { value($0.sumOfLimits) }),
        ("torrents", "Torrents that can upload.", { Double($0.torrents) }),
        ("active_torrents", "Torrents at or above the activity threshold.", { Double($0.activeTorrents) }),
    ]
    for (name, help, read) in gauges {
        text.family("weir_tracker_\(name)", .gauge, help) { text in
            for tracker in trackers { text.sample([("tracker", tracker.id)], read(tracker)) }
        }
    }
}

private func writeInstances(_ instances: [MetricsSnapshot.Instance], to text: inout MetricsWriter) {
    let families: [(String, MetricsWriter.Kind, String, (MetricsSnapshot.Instance) -> Double)] = [
        ("up", .gauge, "1 while the instance answers.", { $0.isReachable ? 1 : 0 }),
        (
            "login_blocked", .gauge, "1 while no log-in is tried until the credentials change.",
            { $0.isLoginBlocked ? 1 : 0 }
        ),
        ("torrents", .gauge, "Torrents that the instance has.", { Double($0.torrents) }),
        ("api_requests_total", .counter, "Requests to the instance.", { Double($0.apiRequests) }),
        ("api_failures_total", .counter, "Requests that failed.", { Double($0.apiFailures) }),
        (
            "restarts_detected_total", .counter, "Restarts of the instance that were noticed.",
            { Double($0.restartsDetected) }
        ),
    ]
    for (name, kind, help, read) in families {
        text.family("weir_instance_\(name)", kind, help) { text in
            for instance in instances { text.sample([("instance", instance.name)], read(instance)) }
        }
    }
}

private func writeCycles(_ snapshot: MetricsSnapshot, to text: inout MetricsWriter) {
    text.family("weir_cycles_total", .counter, "Cycles by how they ended.") { text in
        for outcome in MetricsSnapshot.CycleOutcome.allCases {
            text.sample([("outcome", outcome.rawValue)], Double(snapshot.cycles[outcome] ?? 0))
        }
    }
    text.family("weir_cycle_seconds_total", .counter, "Time spent in cycles.") {
        $0.sample(snapshot.cycleSecondsTotal)
    }
    text.family("weir_last_cycle_seconds", .gauge, "How long the last cycle took.") { text in
        if let duration = snapshot.lastCycleDuration { text.sample(duration) }
    }
    text.family("weir_last_cycle_timestamp_seconds", .gauge, "When the last cycle began, since 1970.") {
        text in
        if let time = snapshot.lastCycleTime { text.sample(time) }
    }
    text.family("weir_limits_applied_total", .counter, "Limits that were set, by reason.") { text in
        for reason in ChangeReason.allCases {
            text.sample([("reason", reason.rawValue)], Double(snapshot.limitsApplied[reason] ?? 0))
        }
    }
    text.family("weir_limit_drifts_total", .counter, "Limits found changed by another hand.") {
        $0.sample(Double(snapshot.driftsSeen))
    }
}

private func value(_ limit: UploadLimit) -> Double {
    limit.rate.map { Double($0.bytesPerSecond) } ?? .infinity
}
