import HTTPServing
import JSONValues
import SwarmTypes

/// What can be read of the governor.
let reportRoutes: [Route] = [
    .get(
        "/stats", "Counters of the governor", answer: .json(statisticsSchema),
        run: .later { call throws(APIError) in
            let report = try await asking { () throws(ControlFailure) in try await call.control.statistics() }
            return jsonObject(reservingBytes: 1024) { write(report, to: &$0) }
        }),
    .get(
        "/stats/trackers", "Cap and use of each tracker; \"mbps\" is MiB/s, null is unlimited",
        answer: .json(.map(trackerSchema)),
        run: .later { call throws(APIError) in
            let trackers = try await asking { () throws(ControlFailure) in try await call.control.trackers() }
            return jsonObject(reservingBytes: 256 * (1 + trackers.count)) { json in
                for tracker in trackers { json.member(tracker.id, object: { write(tracker, to: &$0) }) }
            }
        }),
    .get(
        "/stats/managed", "Every torrent whose limit Weir answers for, by tracker",
        answer: .json(managedSchema),
        run: .later { call throws(APIError) in
            let report = try await asking { () throws(ControlFailure) in
                try await call.control.managedTorrents()
            }
            let count = report.trackers.reduce(0) { $0 + $1.torrents.count }
            return jsonObject(reservingBytes: 1024 + 176 * count) { write(report, to: &$0) }
        }),
    .get(
        "/instances", "The qBittorrent instances and whether they answer",
        answer: .json(.object(["instances": .array(instanceSchema)])),
        run: .later { call throws(APIError) in
            let instances = try await asking { () throws(ControlFailure) in try await call.control.instances()
            }
            return jsonObject { json in
                json.member("instances", array: { for instance in instances { write(instance, to: &$0) } })
            }
        }),
    .get(
        "/preview/next-cycle", "What the next cycle would change, without changing it",
        answer: .json(previewSchema), failures: [500, 502, 503],
        run: .later { call throws(APIError) in
            let report = try await asking { () throws(ControlFailure) in try await call.control.preview() }
            return jsonObject(reservingBytes: 4096 + 240 * report.changes.count) { write(report, to: &$0) }
        }),
    .get(
        "/history", "What Weir has set, the newest first, and what became of it",
        parameters: [
            .init(name: "limit", summary: "How many, 1 to 10000; 100 unless told", schema: .integer),
            .init(name: "hash", summary: "Of one torrent only: 40 or 64 hexadecimal digits", schema: .string),
        ],
        answer: .json(.object(["entries": .array(historySchema)])), failures: [400, 500, 503],
        run: .later { call throws(APIError) in
            let limit = try historyLimit(call.parameter("limit"))
            var torrent: TorrentID?
            if let hash = try call.parameter("hash") {
                torrent = TorrentID(hex: hash)
                guard torrent != nil else {
                    throw APIError(
                        400, "bad_hash", "hash must be an info-hash of 40 or 64 hexadecimal digits.")
                }
            }
            let entries = try await asking { () throws(ControlFailure) in
                try await call.control.history(limit: limit, torrent: torrent)
            }
            return jsonObject(reservingBytes: 256 + 288 * entries.count) { json in
                json.member("entries", array: { for entry in entries { write(entry, to: &$0) } })
            }
        }),
    .get(
        "/match/test", "Which tracker a URL belongs to",
        parameters: [
            .init(
                name: "url", summary: "A tracker's URL, at most 8192 bytes", schema: .string, isRequired: true
            ),
            .init(
                name: "detailed", summary: "True lists every pattern, else the one that matches",
                schema: .boolean),
        ],
        answer: .json(matchSchema), failures: [400, 422, 503],
        run: .later { call throws(APIError) in
            guard let url = try call.parameter("url") else {
                throw APIError(
                    422, "url_missing", "Name the URL to test: /match/test?url=https%3A%2F%2Ftracker.example")
            }
            guard url.utf8.count <= 8192 else {
                throw APIError(400, "url_too_long", "A tracker's URL of more than 8192 bytes is not tested.")
            }
            let isDetailed = try boolean(call.parameter("detailed"), named: "detailed")
            let report = try await asking { () throws(ControlFailure) in
                try await call.control.match(url: url)
            }
            return jsonObject { write(report, url: url, isDetailed: isDetailed, to: &$0) }
        }),
    .get(
        "/config", "The running configuration without secrets; \"global_settings\" repeats \"global\"",
        answer: .json(.map(.any)),
        run: .later { call throws(APIError) in
            let dump = try await asking { () throws(ControlFailure) in try await call.control.configuration()
            }
            return jsonObject(reservingBytes: 4096) { writeConfiguration(dump, to: &$0) }
        }),
]

private func historyLimit(_ text: String?) throws(APIError) -> Int {
    guard let text else { return 100 }
    guard let limit = Int(text), (1...10_000).contains(limit) else {
        throw APIError(400, "bad_limit", "limit must be a number from 1 to 10000.")
    }
    return limit
}

/// The spellings that Qguardarr's framework takes.
private func boolean(_ text: String?, named name: String) throws(APIError) -> Bool {
    switch text?.lowercased() {
    case nil, "false", "0", "no", "off", "f", "n": return false
    case "true", "1", "yes", "on", "t", "y": return true
    default: throw APIError(422, "bad_\(name)", "\(name) must be true or false.")
    }
}
