import HTTPServing
import JSONValues
import SwarmTypes
import TorrentCatalog

/// What is told of torrents.
let torrentReadings: [FacadeRoute] = [
    .ask("torrents/info") { call async throws(FacadeRefusal) in
        let rows = await call.desk.select(try TorrentFilter(call))
        var trackers: [TorrentID: [TrackerLine]] = [:]
        if call.flag("includeTrackers") == true {
            for row in rows {
                let id = row.summary.id
                trackers[id] = try? await call.directing.trackers(of: id)
            }
        }
        let list = RowSlices(
            rows, trackers: call.flag("includeTrackers") == true ? trackers : nil, call.telling)
        return .json(list.nextSlice(), slices: list.isOver ? nil : list)
    },
    .read("torrents/count") { call in .text("\(call.directing.mirror.state.rows.count)") },
    .ask("torrents/properties") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        guard let summary = call.directing.mirror.row(of: id)?.summary else {
            throw FacadeRefusal(404, "Not Found")
        }
        return .json { $0.object { $0.properties(of: summary, now: call.desk.now()) } }
    },
    .ask("torrents/trackers") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let lines = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.trackers(of: id)
        }
        let isPrivate = call.directing.mirror.row(of: id)?.summary.isPrivate ?? false
        return .json { writer in
            writer.array {
                for name in ["** [DHT] **", "** [PeX] **", "** [LSD] **"] {
                    // Peers are exchanged unless the torrent is private; the other two do not exist here.
                    let isOn = name == "** [PeX] **" && !isPrivate
                    $0.object(pseudoTracker: name, isOn: isOn, isPrivate: isPrivate)
                }
                for line in lines { $0.object(line, call.telling) }
            }
        }
    },
    .ask("torrents/webseeds") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let seeds = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.webSeeds(of: id)
        }
        return .json {
            $0.array {
                for seed in seeds {
                    let shown = call.telling.showsKeys ? seed : MaskedTracker(seed).url
                    $0.object { $0.member("url", shown) }
                }
            }
        }
    },
    .ask("torrents/files") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let files = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.files(of: id)
        }
        var wanted: Set<Int>?
        if let texts = call["indexes"]?.split(separator: "|") {
            let numbers = texts.compactMap { Int($0) }
            guard numbers.count == texts.count, numbers.allSatisfy({ 0...(files.last?.number ?? -1) ~= $0 })
            else { throw FacadeRefusal(409, "An index is out of bounds") }
            wanted = Set(numbers)
        }
        let isSeed = call.directing.mirror.row(of: id)?.summary.isComplete ?? false
        return .json { writer in
            writer.array {
                for file in files where wanted?.contains(file.number) ?? true {
                    $0.object(file, isSeed: isSeed)
                }
            }
        }
    },
    .ask("torrents/pieceStates") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let pieces = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.pieces(of: id)
        }
        return .json { $0.array { for piece in pieces { $0.integer(Int64(piece.rawValue)) } } }
    },
    .ask("torrents/pieceHashes") { call async throws(FacadeRefusal) in
        let id = try call.torrent()
        let hashes = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.pieceHashes(of: id)
        }
        return .json { writer in
            writer.array {
                for start in stride(from: 0, to: hashes.count - hashes.count % 20, by: 20) {
                    if let hash = TorrentID(bytes: hashes[start..<start + 20]) { $0.string(hash.hex) }
                }
            }
        }
    },
    .ask("torrents/export") { call async throws(FacadeRefusal) in
        guard call.telling.showsKeys else { throw FacadeRefusal(403, "Forbidden") }
        let id = try call.torrent()
        let bytes = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.metainfo(of: id)
        }
        return .file(bytes, type: "application/x-bittorrent", name: "\(id.hex).torrent")
    },
    .read("torrents/uploadLimit") { call throws(FacadeRefusal) in
        try call.limits { $0.uploadLimit }
    },
    .read("torrents/downloadLimit") { call throws(FacadeRefusal) in
        try call.limits { $0.downloadLimit }
    },
    .read("torrents/categories") { call in
        let categories = call.directing.mirror.state.categories
        return .json { $0.object { for category in categories { $0.member(category) } } }
    },
    .read("torrents/tags") { call in
        let tags = call.directing.mirror.state.tags
        return .json { $0.array { for tag in tags { $0.string(tag) } } }
    },
    // Certificates of torrents do not exist here.
    .read("torrents/SSLParameters") { call throws(FacadeRefusal) in
        _ = try call.torrent()
        return .json {
            $0.object {
                $0.member("ssl_certificate", "")
                $0.member("ssl_private_key", "")
                $0.member("ssl_dh_params", "")
            }
        }
    },
]

extension FacadeCall {
    /// -1 for torrents that are not there.
    fileprivate func limits(_ limit: (TorrentSummary) -> UploadLimit) throws(FacadeRefusal) -> HTTPResponse {
        let rows = self.directing.mirror.state.rows
        let ids: [TorrentID] =
            switch try self.targets() {
            case .all: rows.keys.sorted()
            case .some(let ids): ids
            }
        return .json { writer in
            writer.object {
                for id in ids {
                    $0.member(id.hex, rows[id].map { limit($0.summary).facadeValue } ?? -1)
                }
            }
        }
    }
}
