import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// Torrents that should move and do not, by reason, and how many there are in each state.
struct TorrentTally: Sendable {
    struct Group: Sendable {
        var code: VerdictCode
        var count = 0
        /// The longest-standing first.
        var examples: [TorrentRow] = []
        var oldest = Int64.max
    }

    private static let examples = 3

    var states: [TorrentActivity: Int] = [:]
    var groups: [Group] = []

    init(_ rows: some Sequence<TorrentRow>) {
        var byCode: [VerdictCode: Group] = [:]
        for row in rows {
            self.states[row.summary.state, default: 0] += 1
            guard let trouble = row.summary.trouble, trouble.severity != .expected else { continue }
            var group = byCode.removeValue(forKey: trouble.code) ?? Group(code: trouble.code)
            group.count += 1
            group.oldest = min(group.oldest, trouble.since)
            let place = group.examples.firstIndex { ($0.summary.trouble?.since ?? .max) > trouble.since }
            group.examples.insert(row, at: place ?? group.examples.count)
            if group.examples.count > Self.examples { group.examples.removeLast() }
            byCode[trouble.code] = group
        }
        // What needs somebody to act comes first.
        self.groups = byCode.values.sorted {
            ($1.code.severity, $1.count, $0.code.code) < ($0.code.severity, $0.count, $1.code.code)
        }
    }

    /// A tracker's words in it may repeat what it was sent.
    private static func headline(of torrent: TorrentSummary) -> String {
        torrent.trackers.reduce(torrent.trouble?.headline ?? "") { MaskedTracker($1).masking($0) }
    }

    func writeStuck(to json: inout JSONWriter) {
        for group in self.groups {
            json.object { json in
                json.member("code", group.code.code)
                json.member("severity", group.code.severity == .problem ? "problem" : "watch")
                json.member("meaning", group.code.meaning)
                json.member("remedy", group.code.remedy)
                json.member("count", group.count)
                json.member("since", group.oldest)
                json.member(
                    "examples",
                    array: { json in
                        for row in group.examples {
                            json.object { json in
                                json.member("id", row.summary.id.hex)
                                json.member("name", row.summary.name)
                                json.member("headline", Self.headline(of: row.summary))
                            }
                        }
                    })
            }
        }
    }
}

let stuckSchema = Schema.object([
    "code": .string, "severity": .choice(["problem", "watch"]), "meaning": .string,
    "remedy": .nullable(.string), "count": .integer, "since": .integer,
    "examples": .array(.object(["id": .string, "name": .string, "headline": .string])),
])
