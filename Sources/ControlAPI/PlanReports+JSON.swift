import JSONValues
import LimitPlanning
import SwarmTypes

let managedSchema = Schema.object([
    "generated_at": .integer, "total": .integer, "counts_by_tracker": .map(.integer),
    "trackers": .map(
        .array(
            .object([
                "hash": .string, "instance": .string, "current_limit": .integer, "added_at": .integer,
                "last_seen": .integer, "age_seconds": .integer,
            ]))),
])

func write(_ report: ManagedReport, to json: inout JSONWriter) {
    json.member("generated_at", seconds(report.generatedAt))
    json.member("total", report.trackers.reduce(0) { $0 + $1.torrents.count })
    json.member(
        "counts_by_tracker",
        object: { for tracker in report.trackers { $0.member(tracker.id, tracker.torrents.count) } })
    json.member(
        "trackers",
        object: { json in
            for tracker in report.trackers {
                json.member(
                    tracker.id,
                    array: { json in
                        for torrent in tracker.torrents { write(torrent, at: report.generatedAt, to: &json) }
                    })
            }
        })
}

private func write(_ torrent: ManagedReport.Torrent, at now: Double, to json: inout JSONWriter) {
    json.object { json in
        json.name("hash")
        json.torrent(torrent.id)
        json.member("instance", torrent.instance)
        json.member("current_limit", bytesPerSecond: torrent.limit)
        json.member("added_at", seconds(torrent.addedAt))
        json.member("last_seen", seconds(torrent.lastSeen))
        json.member("age_seconds", seconds(max(0, now - torrent.lastSeen)))
    }
}

let historySchema = Schema.object([
    "id": .integer, "batch": .integer, "at": .number, "instance": .string, "hash": .string,
    "tracker": .string,
    "from": .integer, "to": .integer, "reason": .string,
    "state": .choice(HistoryEntry.State.allCases.map(\.rawValue)),
])

func write(_ entry: HistoryEntry, to json: inout JSONWriter) {
    json.object { json in
        json.member("id", entry.id)
        json.member("batch", entry.batch)
        json.member("at", entry.at)
        json.member("instance", entry.instance)
        json.name("hash")
        json.torrent(entry.torrent)
        json.member("tracker", entry.tracker)
        json.member("from", bytesPerSecond: entry.from)
        json.member("to", bytesPerSecond: entry.to)
        json.member("reason", entry.reason)
        json.member("state", entry.state.rawValue)
    }
}

let previewSchema = Schema.object([
    "strategy": strategySchema, "torrents_considered": .integer, "proposed_count": .integer,
    "proposed_changes": .map(.integer),
    "trackers": .map(.object(["base_cap": .integer, "effective_cap": .integer, "borrowed": .integer])),
    "summary": .object([
        "trackers": .array(
            .object([
                "id": .string, "base_cap_mbps": .nullable(.number), "base_cap_h": .string,
                "effective_cap_mbps": .nullable(.number), "effective_cap_h": .string,
                "borrowed_mbps": .number,
                "borrowed_h": .string,
            ])),
        "top_changes": .array(
            .object([
                "hash": .string, "new_limit_kib": .integer, "delta_kib": .nullable(.integer),
                "new_limit_h": .string,
                "delta_h": .nullable(.string),
            ])),
    ]),
    "changes": .array(
        .object([
            "hash": .string, "instance": .string, "tracker": .string, "from": .integer, "to": .integer,
            "reason": .choice(ChangeReason.allCases.map(\.rawValue)),
        ])),
])

/// "proposed_changes" has one limit for a hash; "changes" tells apart the instances that share a torrent, and
/// gives the reasons.
func write(_ report: PreviewReport, to json: inout JSONWriter) {
    json.member("strategy", report.strategy.rawValue)
    json.member("torrents_considered", report.torrentsConsidered)
    json.member("proposed_count", report.changes.count)
    json.member(
        "proposed_changes",
        object: { json in
            var seen: Set<TorrentID> = []
            for change in report.changes where seen.insert(change.torrent).inserted {
                json.member(change.torrent.hex, bytesPerSecond: change.to)
            }
        })
    json.member(
        "trackers",
        object: { json in
            for tracker in report.trackers {
                json.member(
                    tracker.id,
                    object: { json in
                        json.member("base_cap", bytesPerSecond: tracker.baseCap)
                        json.member("effective_cap", bytesPerSecond: tracker.effectiveCap)
                        json.member(
                            "borrowed", borrowed(tracker.baseCap, tracker.effectiveCap).bytesPerSecond)
                    })
            }
        })
    json.member(
        "summary",
        object: { json in
            json.member(
                "trackers", array: { for tracker in report.trackers { writeSummary(tracker, to: &$0) } })
            json.member(
                "top_changes",
                array: { for change in largest(10, of: report.changes) { writeTop(change, to: &$0) } })
        })
    json.member(
        "changes",
        array: { json in
            for change in report.changes {
                json.object { json in
                    json.name("hash")
                    json.torrent(change.torrent)
                    json.member("instance", change.instance)
                    json.member("tracker", change.tracker)
                    json.member("from", bytesPerSecond: change.from)
                    json.member("to", bytesPerSecond: change.to)
                    json.member("reason", change.reason.rawValue)
                }
            }
        })
}

private func writeSummary(_ tracker: PreviewReport.Tracker, to json: inout JSONWriter) {
    let loan = borrowed(tracker.baseCap, tracker.effectiveCap)
    json.object { json in
        json.member("id", tracker.id)
        json.member("base_cap_mbps", mebibytesPerSecond(tracker.baseCap))
        json.member("base_cap_h", spelled(tracker.baseCap))
        json.member("effective_cap_mbps", mebibytesPerSecond(tracker.effectiveCap))
        json.member("effective_cap_h", spelled(tracker.effectiveCap))
        json.member("borrowed_mbps", mebibytesPerSecond(loan))
        json.member("borrowed_h", spelled(.atMost(loan)))
    }
}

private func writeTop(_ change: PreviewReport.Change, to json: inout JSONWriter) {
    let delta = finiteDelta(change).map { $0 / 1024 }
    json.object { json in
        json.name("hash")
        json.torrent(change.torrent)
        json.member("new_limit_kib", change.to.rate.map { $0.bytesPerSecond / 1024 } ?? -1)
        json.member("delta_kib", delta.map { Int($0) })
        json.member("new_limit_h", spelled(change.to))
        json.member("delta_h", delta.map { "\($0) KiB/s" })
    }
}

/// Nil when either side is unlimited. Rates are not negative, so the difference and its size fit.
private func finiteDelta(_ change: PreviewReport.Change) -> Int64? {
    guard let from = change.from.rate, let to = change.to.rate else { return nil }
    return to.bytesPerSecond - from.bytesPerSecond
}

/// The largest first: those that begin or end a limit, by that limit, then the others by their difference;
/// equal ones in the order of the plan.
private func largest(_ count: Int, of changes: [PreviewReport.Change]) -> [PreviewReport.Change] {
    func size(_ change: PreviewReport.Change) -> (Int, Int64) {
        guard let delta = finiteDelta(change) else {
            return (1, -(change.from.rate ?? change.to.rate ?? .zero).bytesPerSecond)
        }
        return (0, abs(delta))
    }
    var top: [(size: (Int, Int64), change: PreviewReport.Change)] = []
    for change in changes {
        let size = size(change)
        if top.count == count, let last = top.last, last.size >= size { continue }
        let place = top.firstIndex { $0.size < size } ?? top.count
        top.insert((size, change), at: place)
        if top.count > count { top.removeLast() }
    }
    return top.map(\.change)
}
