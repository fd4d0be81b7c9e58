import ControlAPI
import JSONValues
import LimitPlanning
import LogOutput
import SwarmTypes
import WeirSettings

/// The running configuration for `GET /config`: Qguardarr's sections and keys, ours beside them, secrets masked.
func configurationReport(_ settings: Settings, rollout: Int) -> JSONValue {
    let instances = settings.instances.map(report)
    return .object([
        .init("global", report(settings.global, rollout: rollout)),
        .init("qbittorrent", instances.count == 1 ? instances[0] : .array(instances)),
        .init(
            "cross_seed",
            .object([
                .init("enabled", .bool(settings.crossSeed.isEnabled)),
                .init("url", text(settings.crossSeed.url.map(redactURL))),
                .init("api_key", secret(settings.crossSeed.apiKey)),
                .init("timeout", number(settings.crossSeed.timeoutSeconds)),
            ])),
        .init("trackers", .array(settings.trackers.map(report))),
        .init(
            "rollback",
            .object([
                .init("database_path", .string(settings.rollback.databasePath)),
                .init("track_all_changes", .bool(settings.rollback.tracksAllChanges)),
            ])),
        .init(
            "logging",
            .object([
                .init("level", .string(settings.logging.level.rawValue.uppercased())),
                .init("format", .string(settings.logging.format.rawValue)),
                .init("file", text(settings.logging.file)),
                .init("max_size_mb", number(settings.logging.maximumMegabytes)),
                .init("backup_count", number(settings.logging.backups)),
            ])),
    ])
}

private func report(_ global: GlobalSettings, rollout: Int) -> JSONValue {
    .object([
        .init("update_interval", number(global.updateIntervalSeconds)),
        .init("poll_interval", number(global.pollIntervalSeconds)),
        .init("active_torrent_threshold_kb", number(global.activeTorrentThresholdKiB)),
        .init("max_api_calls_per_cycle", number(global.maximumCallsPerCycle)),
        .init("change_budget", number(global.changeBudget)),
        .init("differential_threshold", .number(global.differentialThreshold)),
        .init("rollout_percentage", number(rollout)),
        .init("cache_ttl_seconds", number(global.cacheSeconds)),
        .init("host", .string(global.host)), .init("port", number(global.port)),
        .init("api_key", secret(global.apiKey)),
        .init("allowed_hosts", .array(global.allowedHosts.map(JSONValue.string))),
        .init("allocation_strategy", .string(global.strategy.rawValue)),
        .init("oversubscribe", oversubscription(global.oversubscription)),
        .init("max_managed_torrents", number(global.maximumManagedTorrents)),
        .init("borrow_threshold_ratio", .number(global.borrowThresholdRatio)),
        .init("max_borrow_fraction", .number(global.maximumBorrowFraction)),
        .init("smoothing_alpha", .number(global.smoothingAlpha)),
        .init("min_effective_delta", .number(global.minimumEffectiveDelta)),
        .init("headroom", .number(global.headroom)),
        .init("dry_run", .bool(global.isDryRun)),
        .init("dry_run_store_path", .string(global.dryRunStorePath)),
        .init("on_stop", .string(global.onStop.rawValue)),
        .init("on_foreign_change", .string(global.onForeignChange.rawValue)),
        .init("auto_unlimit_on_inactive", .bool(global.unlimitsInactive)),
    ])
}

private func report(_ instance: InstanceSettings) -> JSONValue {
    let address = instance.address
    return .object([
        .init("name", .string(instance.name)), .init("url", .string(address.url)),
        .init("host", .string(address.host)), .init("port", number(address.port)),
        .init("username", text(instance.username)), .init("password", secret(instance.password)),
        .init("api_key", secret(instance.apiKey)), .init("timeout", number(instance.timeoutSeconds)),
        .init(
            "tls",
            .object([
                .init("ca_file", text(instance.tls.caFile)), .init("verify", .bool(instance.tls.verifies)),
            ])),
    ])
}

private func report(_ tracker: TrackerSettings) -> JSONValue {
    .object([
        .init("id", .string(tracker.id)), .init("name", .string(tracker.name)),
        .init("pattern", .string(tracker.pattern)),
        .init("max_upload_speed", .integer(tracker.cap.rate?.bytesPerSecond ?? -1)),
        .init("priority", number(tracker.priority)),
        .init("oversubscribe", tracker.oversubscription.map(oversubscription) ?? .null),
        .init("borrow", .number(tracker.borrow)),
    ])
}

private func oversubscription(_ value: Oversubscription) -> JSONValue {
    switch value {
    case .thousandths(let thousandths): .number(Double(thousandths) / 1000)
    case .statistical: .string("statistical")
    }
}

private func number(_ value: Int) -> JSONValue { .integer(Int64(value)) }

private func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

private func secret(_ value: String?) -> JSONValue { value == nil ? .null : .string("***") }

/// Every secret of a configuration, for the log to leave out.
func secrets(of settings: Settings) -> [String] {
    let instances = settings.instances.flatMap { [$0.password, $0.apiKey] }
    let others = [settings.global.apiKey, settings.crossSeed.apiKey, settings.notifications.secret]
    return (others + instances).compactMap { $0 }
}
