import JSONValues
import SwarmTypes
import TorrentCatalog

/// A tracker's cap over all instances and the engine, as the dashboard shows it.
struct CapOverview: Hashable, Sendable {
    struct Source: Hashable, Sendable {
        var name: String
        var rate: ByteRate
        var torrents: Int
        var active: Int
    }

    var id: String
    var name: String
    var cap: UploadLimit
    var effective: UploadLimit
    var sources: [Source]

    var used: ByteRate {
        ByteRate(bytesPerSecond: self.sources.reduce(0) { $0 &+ $1.rate.bytesPerSecond })
    }
}

/// How the embedded engine is called beside the instances.
let engineSource = "engine"

/// Joins what the governor and the engine say of each tracker.
func capOverviews(_ situation: GovernorSituation?, _ engine: [CapLine]) -> [CapOverview] {
    var lines: [CapOverview] = []
    for tracker in situation?.trackers ?? [] {
        let shares = situation?.shares.filter { $0.tracker == tracker.id } ?? []
        var sources = shares.map {
            CapOverview.Source(name: $0.source, rate: $0.rate, torrents: $0.torrents, active: $0.active)
        }
        var effective = tracker.effectiveCap
        if let own = engine.first(where: { $0.name == tracker.id || $0.name == tracker.name }) {
            if sources.isEmpty { effective = own.effective }
            sources.append(source(own))
        } else if sources.isEmpty, tracker.torrents > 0 {
            sources = [
                .init(
                    name: "instances", rate: tracker.uploadRate, torrents: tracker.torrents,
                    active: tracker.activeTorrents)
            ]
        }
        lines.append(
            CapOverview(
                id: tracker.id, name: tracker.name, cap: tracker.cap, effective: effective, sources: sources))
    }
    for own in engine where !lines.contains(where: { $0.id == own.name || $0.name == own.name }) {
        lines.append(
            CapOverview(
                id: own.name, name: own.name, cap: own.limit, effective: own.effective, sources: [source(own)]
            ))
    }
    return lines
}

private func source(_ line: CapLine) -> CapOverview.Source {
    CapOverview.Source(name: engineSource, rate: line.rate, torrents: line.torrents, active: line.active)
}

let capSchema = Schema.object([
    "id": .string, "name": .string, "cap": .integer, "effective": .integer, "borrowed": .integer,
    "used": .integer, "torrents": .integer, "active": .integer,
    "sources": .array(
        .object(["name": .string, "rate": .integer, "torrents": .integer, "active": .integer])),
])

func write(_ cap: CapOverview, to json: inout JSONWriter) {
    json.object { json in
        json.member("id", cap.id)
        json.member("name", cap.name)
        json.member("cap", bytesPerSecond: cap.cap)
        json.member("effective", bytesPerSecond: cap.effective)
        json.member("borrowed", max(0, borrowed(cap.cap, cap.effective).bytesPerSecond))
        json.member("used", cap.used.bytesPerSecond)
        json.member("torrents", cap.sources.reduce(0) { $0 + $1.torrents })
        json.member("active", cap.sources.reduce(0) { $0 + $1.active })
        json.member(
            "sources",
            array: { json in
                for source in cap.sources {
                    json.object { json in
                        json.member("name", source.name)
                        json.member("rate", source.rate.bytesPerSecond)
                        json.member("torrents", source.torrents)
                        json.member("active", source.active)
                    }
                }
            })
    }
}
