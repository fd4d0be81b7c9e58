import JSONValues
import LimitPlanning
import SwarmTypes

let healthStatus = Schema.choice(HealthReport.Status.allCases.map(\.rawValue))
let strategySchema = Schema.choice(AllocationStrategy.allCases.map(\.rawValue))

let healthSchema = Schema.object([
    "status": healthStatus, "uptime_seconds": .number, "version": .string,
    "last_cycle_time": .nullable(.number),
    "last_cycle_duration": .nullable(.number), "rollout_percentage": .integer, "update_interval": .integer,
    "dry_run": .boolean, "active_torrents": .integer, "managed_torrents": .integer,
    "api_calls_last_cycle": .integer, "paused": .boolean, "problems": .array(.string),
])

func write(_ report: HealthReport, version: String, to json: inout JSONWriter) {
    json.member("status", report.status.rawValue)
    json.member("uptime_seconds", rounded(report.uptimeSeconds, decimals: 1))
    json.member("version", version)
    json.member("last_cycle_time", report.lastCycleTime)
    json.member("last_cycle_duration", report.lastCycleDuration)
    json.member("rollout_percentage", report.rolloutPercentage)
    json.member("update_interval", report.updateInterval)
    json.member("dry_run", report.isDryRun)
    json.member("active_torrents", report.activeTorrents)
    json.member("managed_torrents", report.managedTorrents)
    json.member("api_calls_last_cycle", report.apiCallsLastCycle)
    json.member("paused", report.isPaused)
    json.member("problems", report.problems)
}

let statisticsSchema = Schema.object([
    "allocation_cycles": .integer, "api_calls_last_cycle": .integer, "torrents_processed": .integer,
    "limits_applied": .integer, "errors": .integer, "last_cycle_duration": .nullable(.number),
    "last_cycle_time": .nullable(.number), "active_torrents": .integer, "managed_torrents": .integer,
    "managed_torrent_count": .integer,
    "score_distribution": .object([
        "high": .integer, "medium": .integer, "low": .integer, "ignored": .integer,
    ]),
    "used_count": .integer, "free_slots": .integer, "capacity": .integer, "utilization_percent": .number,
    "rollout_percentage": .integer,
    "cache_stats": .object([
        "cache_size": .integer, "cache_hits": .integer, "cache_misses": .integer, "hit_rate_percent": .number,
        "pattern_matches": .integer, "failed_matches": .integer,
    ]),
    "estimated_memory_mb": .number, "strategy": strategySchema, "dry_run": .boolean, "paused": .boolean,
])

func write(_ report: StatisticsReport, to json: inout JSONWriter) {
    json.member("allocation_cycles", report.allocationCycles)
    json.member("api_calls_last_cycle", report.apiCallsLastCycle)
    json.member("torrents_processed", report.torrentsProcessed)
    json.member("limits_applied", report.limitsApplied)
    json.member("errors", report.errors)
    json.member("last_cycle_duration", report.lastCycleDuration)
    json.member("last_cycle_time", report.lastCycleTime)
    json.member("active_torrents", report.activeTorrents)
    json.member("managed_torrents", report.managedTorrents)
    json.member("managed_torrent_count", report.managedTorrents)
    json.member(
        "score_distribution",
        object: { json in
            json.member("high", report.scores.high)
            json.member("medium", report.scores.medium)
            json.member("low", report.scores.low)
            json.member("ignored", report.scores.ignored)
        })
    json.member("used_count", report.managedTorrents)
    json.member("free_slots", max(0, report.capacity - report.managedTorrents))
    json.member("capacity", report.capacity)
    json.member("utilization_percent", percentage(of: report.managedTorrents, in: report.capacity))
    json.member("rollout_percentage", report.rolloutPercentage)
    json.member(
        "cache_stats",
        object: { json in
            let cache = report.matchCache
            json.member("cache_size", cache.size)
            json.member("cache_hits", cache.hits)
            json.member("cache_misses", cache.misses)
            json.member("hit_rate_percent", percentage(of: cache.hits, in: cache.hits + cache.misses))
            json.member("pattern_matches", cache.patternMatches)
            json.member("failed_matches", cache.failedMatches)
        })
    json.member("estimated_memory_mb", rounded(Double(report.memoryBytes) / mebibyte, decimals: 2))
    json.member("strategy", report.strategy.rawValue)
    json.member("dry_run", report.isDryRun)
    json.member("paused", report.isPaused)
}

let trackerSchema = Schema.object([
    "name": .string, "configured_limit_mbps": .nullable(.number), "priority": .integer, "torrents": .integer,
    "active_torrents": .integer, "current_usage_mbps": .number, "effective_cap_mbps": .nullable(.number),
    "borrowed_mbps": .number, "efficiency_percent": .nullable(.number),
])

func write(_ tracker: TrackerReport, to json: inout JSONWriter) {
    json.member("name", tracker.name)
    json.member("configured_limit_mbps", mebibytesPerSecond(tracker.cap))
    json.member("priority", tracker.priority)
    json.member("torrents", tracker.torrents)
    json.member("active_torrents", tracker.activeTorrents)
    json.member("current_usage_mbps", mebibytesPerSecond(tracker.uploadRate))
    json.member("effective_cap_mbps", mebibytesPerSecond(tracker.effectiveCap))
    json.member("borrowed_mbps", mebibytesPerSecond(borrowed(tracker.cap, tracker.effectiveCap)))
    let efficiency = tracker.effectiveCap.rate.map { cap in
        let share = Double(tracker.uploadRate.bytesPerSecond) / Double(max(1, cap.bytesPerSecond))
        return rounded(share * 100, decimals: 1)
    }
    json.member("efficiency_percent", efficiency)
}

let instanceSchema = Schema.object([
    "name": .string, "url": .string, "reachable": .boolean, "version": .nullable(.string),
    "web_api_version": .nullable(.string), "torrents": .integer, "last_seen": .nullable(.number),
    "problem": .nullable(.string),
])

func write(_ instance: InstanceReport, to json: inout JSONWriter) {
    json.object { json in
        json.member("name", instance.name)
        json.member("url", instance.url)
        json.member("reachable", instance.isReachable)
        json.member("version", instance.version)
        json.member("web_api_version", instance.webAPIVersion)
        json.member("torrents", instance.torrents)
        json.member("last_seen", instance.lastSeen)
        json.member("problem", instance.problem)
    }
}

let matchSchema = Schema.object([
    "url": .string, "matched_tracker": .string,
    "matches": .array(.object(["tracker_id": .string, "pattern": .string, "matches": .boolean])),
])

func write(_ report: MatchReport, url: String, isDetailed: Bool, to json: inout JSONWriter) {
    json.member("url", url)
    json.member("matched_tracker", report.matchedTracker)
    json.member(
        "matches",
        array: { json in
            for pattern in report.patterns where isDetailed || pattern.tracker == report.matchedTracker {
                json.object { json in
                    json.member("tracker_id", pattern.tracker)
                    json.member("pattern", pattern.pattern)
                    json.member("matches", pattern.matches)
                }
            }
        })
}

/// Names whose values never leave, whatever the service has masked already.
private let secretNames: Set<String> = [
    "password", "api_key", "apikey", "token", "secret", "passkey", "cookie",
]

/// The section "global" again as "global_settings", the name that Qguardarr's code used where its
/// documentation said "global": its clients find either.
func writeConfiguration(_ dump: JSONValue, to json: inout JSONWriter) {
    guard case .object(let sections) = masked(dump) else { return }
    for section in sections { json.member(section.name, section.value) }
    if let global = sections.first(where: { $0.name == "global" }) {
        json.member("global_settings", global.value)
    }
}

private func masked(_ value: JSONValue) -> JSONValue {
    switch value {
    case .object(let members):
        .object(
            members.map { member in
                guard secretNames.contains(member.name), member.value != .null else {
                    return JSONValue.Member(member.name, masked(member.value))
                }
                return JSONValue.Member(member.name, .string("***"))
            })
    case .array(let elements): .array(elements.map(masked))
    default: value
    }
}
