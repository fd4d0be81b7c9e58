import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// The list of torrents as arrays in this order: tens of thousands of rows are sent without their names.
let torrentColumns = [
    "id", "name", "state", "trouble", "size", "done", "down", "up", "downloaded", "uploaded", "ratio",
    "seeds",
    "leechers", "swarm_seeds", "swarm_leechers", "category", "tags", "tracker", "cap", "added", "completed",
    "active", "up_limit", "down_limit", "queue", "eta", "instance", "reason",
]

extension JSONWriter {
    mutating func row(_ torrent: TorrentSummary) {
        self.array { json in
            json.torrent(torrent.id)
            json.string(torrent.name)
            json.string(torrent.state.rawValue)
            json.text(torrent.trouble?.code.code)
            json.integer(torrent.wantedSize)
            json.integer(torrent.wantedDone)
            json.integer(torrent.downRate.bytesPerSecond)
            json.integer(torrent.upRate.bytesPerSecond)
            json.integer(torrent.downloaded)
            json.integer(torrent.uploaded)
            // Infinite is null.
            if let ratio = torrent.ratio { json.number(rounded(ratio, decimals: 3)) } else { json.null() }
            json.integer(Int64(torrent.connectedSeeds))
            json.integer(Int64(torrent.connectedLeechers))
            json.whole(torrent.swarmSeeds.map(Int64.init))
            json.whole(torrent.swarmLeechers.map(Int64.init))
            json.string(torrent.category)
            json.array { json in for tag in torrent.tags { json.string(tag) } }
            json.string(trackerHost(torrent.tracker))
            json.text(torrent.capName)
            json.integer(torrent.addedAt)
            json.whole(torrent.completedAt)
            json.whole(torrent.lastActivityAt)
            json.integer(torrent.uploadLimit.rate?.bytesPerSecond ?? -1)
            json.integer(torrent.downloadLimit.rate?.bytesPerSecond ?? -1)
            json.whole(torrent.queuePosition.map(Int64.init))
            json.whole(torrent.remainingSeconds)
            // Of the engine, and governed by its own bucket.
            json.null()
            json.null()
        }
    }

    mutating func text(_ value: String?) { if let value { self.string(value) } else { self.null() } }

    mutating func whole(_ value: Int64?) { if let value { self.integer(value) } else { self.null() } }
}

/// All rows of one moment.
func torrentList(_ state: CatalogMirror.State, run: UInt64) -> [UInt8] {
    var json = JSONWriter(reservingBytes: 1024 + 240 * state.rows.count)
    json.object { json in
        json.member("revision", Int64(clamping: state.revision))
        json.member("mark", ListMark(run: run, revision: state.revision).text)
        json.member("columns", torrentColumns)
        json.member("rows", array: { json in for row in state.rows.values { json.row(row.summary) } })
        json.member(
            "categories",
            array: { json in
                for category in state.categories {
                    json.object { json in
                        json.member("name", category.name)
                        json.member("directory", category.directory)
                    }
                }
            })
        json.member("tags", state.tags)
        json.member("directory", state.preferences.directory)
    }
    return json.bytes
}

let torrentListSchema = Schema.object([
    "revision": .integer, "mark": .string, "columns": .array(.string), "rows": .array(.array(.any)),
    "categories": .array(.object(["name": .string, "directory": .string])), "tags": .array(.string),
    "directory": .string,
])

/// The host of a tracker's address, which says who it is without the passkey; empty for none.
func trackerHost(_ url: String) -> String {
    let bytes = url.utf8
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return "" }
    let rest = bytes[bytes.index(after: colon)...]
    guard rest.starts(with: "//".utf8) else { return "" }
    var authority = rest.dropFirst(2).prefix {
        ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0)
    }
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
        authority = authority[authority.index(after: at)...]
    }
    if authority.first == UInt8(ascii: "["), let end = authority.firstIndex(of: UInt8(ascii: "]")) {
        return String(decoding: authority[...end], as: UTF8.self)
    }
    return String(decoding: authority.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self)
}
