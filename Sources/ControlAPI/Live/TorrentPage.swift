import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// One torrent with all that explains it.
struct TorrentPage: Sendable {
    /// Of a torrent with more, the first are shown.
    static let maximumFiles = 5000
    static let maximumPeers = 500

    var summary: TorrentSummary
    /// Nil where the library cannot say at this moment.
    var verdict: TorrentVerdict?
    var timeline: [TorrentHappening] = []
    var trackers: [TrackerLine] = []
    var peers: [PeerLine] = []
    var files: [FileLine] = []
    var fileCount = 0

    /// A torrent that vanishes meanwhile is not there; whatever else cannot be told is left empty.
    static func of(_ id: TorrentID, in torrents: any TorrentDirecting) async -> TorrentPage? {
        guard let row = torrents.mirror.row(of: id) else { return nil }
        var page = TorrentPage(summary: row.summary)
        if let snapshot = try? await torrents.snapshot(of: id) { page.verdict = diagnose(snapshot) }
        page.timeline = (try? await torrents.timeline(of: id)) ?? []
        page.trackers = (try? await torrents.trackers(of: id)) ?? []
        page.peers = Array(((try? await torrents.peers(of: id)) ?? []).prefix(Self.maximumPeers))
        let files = (try? await torrents.files(of: id)) ?? []
        page.fileCount = files.count
        page.files = Array(files.prefix(Self.maximumFiles))
        return page
    }

    /// Hides what the trackers' addresses hold of secrets, wherever it is repeated.
    private func masked(_ words: String) -> String {
        self.trackers.reduce(words) { MaskedTracker($1.url).masking($0) }
    }

    func write(to json: inout JSONWriter) {
        json.name("row")
        json.row(self.summary)
        json.member("info", object: { self.writeInfo(&$0) })
        json.name("verdict")
        if let verdict { self.write(verdict, &json) } else { json.null() }
        json.member(
            "timeline",
            array: { json in
                for happening in self.timeline {
                    json.object { json in
                        json.member("at", happening.at)
                        json.member("code", happening.code)
                        json.member("text", self.masked(happening.text))
                    }
                }
            })
        json.member(
            "trackers", array: { json in for tracker in self.trackers { Self.write(tracker, &json) } })
        json.member("peers", array: { json in for peer in self.peers { Self.write(peer, &json) } })
        json.member("file_count", self.fileCount)
        json.member("files", array: { json in for file in self.files { Self.write(file, &json) } })
    }

    private func writeInfo(_ json: inout JSONWriter) {
        let summary = self.summary
        json.member("info_hash_v1", summary.infoHashV1)
        json.member("info_hash_v2", summary.infoHashV2)
        json.member("directory", summary.directory)
        json.member("comment", summary.comment)
        json.member("creator", summary.creator)
        json.name("created")
        json.whole(summary.createdAt)
        json.member("private", summary.isPrivate.map { .bool($0) } ?? JSONValue.null)
        json.member("total_size", summary.totalSize)
        json.member("piece_length", summary.pieceLength)
        json.member("pieces", summary.pieceCount)
        json.member("pieces_had", summary.piecesHad)
        json.member("wasted", summary.wasted)
        json.member("availability", summary.availability)
        json.name("next_announce")
        json.whole(summary.nextAnnounceAt)
        json.member("active_seconds", summary.activeSeconds)
        json.member("seeding_seconds", summary.seedingSeconds)
        json.member("forced", summary.isForced)
        json.member("sequential", summary.isSequential)
        json.member("super_seeding", summary.isSuperSeeding)
    }

    private func write(_ verdict: TorrentVerdict, _ json: inout JSONWriter) {
        json.object { json in
            json.member("code", verdict.code.code)
            json.member("severity", verdict.severity.word)
            json.member("headline", self.masked(verdict.headline))
            json.member("remedy", verdict.remedy)
            json.member("evidence", verdict.evidence.map { self.masked($0.phrase) })
            json.member(
                "contributors",
                array: { json in
                    for contributor in verdict.contributors {
                        json.object { json in
                            json.member("reason", contributor.reason.code)
                            json.member("meaning", contributor.reason.meaning)
                            json.member("severity", contributor.severity.word)
                            json.member("count", contributor.count)
                        }
                    }
                })
        }
    }

    private static func write(_ tracker: TrackerLine, _ json: inout JSONWriter) {
        let masked = MaskedTracker(tracker.url)
        json.object { json in
            json.member("url", masked.url)
            json.member("host", trackerHost(tracker.url))
            json.member("tier", tracker.tier)
            json.member("state", tracker.state.rawValue)
            json.member("words", masked.masking(tracker.words))
            json.member("seeds", tracker.seeds)
            json.member("leechers", tracker.leechers)
            json.member("downloads", tracker.downloads)
            json.member("peers_given", tracker.peersGiven)
            json.member("failures", tracker.failures)
            json.name("next_announce")
            json.whole(tracker.nextAnnounceAt)
            json.name("last_announce")
            json.whole(tracker.lastAnnounceAt)
        }
    }

    private static func write(_ peer: PeerLine, _ json: inout JSONWriter) {
        json.object { json in
            json.member("address", peer.address.description)
            json.member("client", visibleText(peer.client, limit: 80))
            json.member("source", peer.source.rawValue)
            json.member("direction", peer.direction.rawValue)
            json.member("connected", peer.isConnected)
            json.member("seed", peer.isSeed)
            json.member("encrypted", peer.isEncrypted)
            json.member("progress", rounded(peer.progress, decimals: 4))
            json.member("up", peer.upRate.bytesPerSecond)
            json.member("down", peer.downRate.bytesPerSecond)
            json.member("uploaded", peer.uploaded)
            json.member("downloaded", peer.downloaded)
            json.name("receiving")
            self.write(peer.receiving, &json)
            json.name("sending")
            self.write(peer.sending, &json)
        }
    }

    private static func write(_ finding: PeerFinding?, _ json: inout JSONWriter) {
        guard let finding else { return json.null() }
        json.object { json in
            json.member("reason", finding.reason.code)
            json.member("severity", finding.severity.word)
            json.member("meaning", finding.reason.meaning)
            json.member("evidence", finding.evidence.map(\.phrase))
            json.member("remedy", finding.remedy)
        }
    }

    private static func write(_ file: FileLine, _ json: inout JSONWriter) {
        json.object { json in
            json.member("number", file.number)
            json.member("path", file.path)
            json.member("size", file.size)
            json.member("done", file.done)
            json.member("priority", file.priority.rawValue)
        }
    }
}

extension Severity {
    var word: String {
        switch self {
        case .expected: "expected"
        case .watch: "watch"
        case .problem: "problem"
        }
    }
}

private let findingSchema = Schema.nullable(
    .object([
        "reason": .string, "severity": .string, "meaning": .string, "evidence": .array(.string),
        "remedy": .nullable(.string),
    ]))

let torrentPageSchema = Schema.object([
    "row": .array(.any),
    "info": .object([
        "info_hash_v1": .string, "info_hash_v2": .string, "directory": .string, "comment": .string,
        "creator": .string, "created": .nullable(.integer), "private": .nullable(.boolean),
        "total_size": .integer, "piece_length": .integer, "pieces": .integer, "pieces_had": .integer,
        "wasted": .integer, "availability": .nullable(.number), "next_announce": .nullable(.integer),
        "active_seconds": .integer, "seeding_seconds": .integer, "forced": .boolean, "sequential": .boolean,
        "super_seeding": .boolean,
    ]),
    "verdict": .nullable(
        .object([
            "code": .string, "severity": .string, "headline": .string, "remedy": .nullable(.string),
            "evidence": .array(.string),
            "contributors": .array(
                .object(["reason": .string, "meaning": .string, "severity": .string, "count": .integer])),
        ])),
    "timeline": .array(.object(["at": .integer, "code": .string, "text": .string])),
    "trackers": .array(
        .object([
            "url": .string, "host": .string, "tier": .integer, "state": .string, "words": .string,
            "seeds": .nullable(.integer), "leechers": .nullable(.integer), "downloads": .nullable(.integer),
            "peers_given": .integer, "failures": .integer, "next_announce": .nullable(.integer),
            "last_announce": .nullable(.integer),
        ])),
    "peers": .array(
        .object([
            "address": .string, "client": .string, "source": .string, "direction": .string,
            "connected": .boolean, "seed": .boolean, "encrypted": .boolean, "progress": .number,
            "up": .integer, "down": .integer, "uploaded": .integer, "downloaded": .integer,
            "receiving": findingSchema, "sending": findingSchema,
        ])),
    "file_count": .integer,
    "files": .array(
        .object([
            "number": .integer, "path": .string, "size": .integer, "done": .integer, "priority": .string,
        ])),
])
