import HTTPServing
import JSONValues
import SwarmTypes
import TorrentCatalog

/// What is asked of torrents.
let torrentCommands: [FacadeRoute] =
    ["start", "resume"].map { name in FacadeRoute.command("torrents/\(name)") { _ in .start } }
    + ["stop", "pause"].map { name in FacadeRoute.command("torrents/\(name)") { _ in .stop } }
    + [
        .command("torrents/recheck") { _ in .recheck },
        .command("torrents/reannounce") { _ in .announce },
        .command("torrents/delete") { call in .remove(withFiles: call.flag("deleteFiles") ?? false) },
        .command("torrents/setForceStart") { call throws(FacadeRefusal) in
            .force(try call.decision("value"))
        },
        .command("torrents/setSuperSeeding") { call throws(FacadeRefusal) in
            .setSuperSeeding(try call.decision("value"))
        },
        .command("torrents/setAutoManagement") { call throws(FacadeRefusal) in
            .setManaged(try call.decision("enable"))
        },
        .command("torrents/setUploadLimit") { call throws(FacadeRefusal) in
            _ = try call.text("limit")
            return .setUploadLimit(call.limit("limit"))
        },
        .command("torrents/setDownloadLimit") { call throws(FacadeRefusal) in
            _ = try call.text("limit")
            return .setDownloadLimit(call.limit("limit"))
        },
        .command("torrents/setShareLimits") { call throws(FacadeRefusal) in
            .setShareLimits(try call.shareLimits())
        },
        .command("torrents/addTags") { call throws(FacadeRefusal) in
            .addTags(try call.list("tags", separatedBy: ","))
        },
        .command("torrents/removeTags") { call throws(FacadeRefusal) in
            // Without any, all of them go.
            .removeTags(call["tags"] == nil ? [] : try call.list("tags", separatedBy: ","))
        },
        .command("torrents/setTags") { call throws(FacadeRefusal) in
            .setTags(try call.list("tags", separatedBy: ","))
        },
        .set("torrents/addPeers") { call async throws(FacadeRefusal) in
            let targets = try call.targets()
            let peers = try call.list("peers", separatedBy: "|").compactMap { PeerAddress($0) }
            guard !peers.isEmpty else { throw FacadeRefusal(400, "No valid peers were specified") }
            let ids = try await call.asking { directing async throws(CatalogFailure) in
                try await directing.perform(.addPeers(peers), on: targets)
            }
            return .json {
                $0.object { writer in
                    for id in ids {
                        writer.nested(id.hex) {
                            $0.member("added", peers.count)
                            $0.member("failed", 0)
                        }
                    }
                }
            }
        },
        .command("torrents/setCategory") { call throws(FacadeRefusal) in
            let name = try call.text("category")
            guard name.isEmpty || call.directing.mirror.state.categories.contains(where: { $0.name == name })
            else { throw FacadeRefusal(409, "Incorrect category name") }
            return .setCategory(name)
        },
        .command("torrents/setLocation") { call throws(FacadeRefusal) in
            let place = trimmed(try call.text("location"))
            guard !place.isEmpty else { throw FacadeRefusal(400, "Save path cannot be empty") }
            guard place.hasPrefix("/") else { throw FacadeRefusal(400, "The path must begin with a slash") }
            return .move(to: cleanedPath(place))
        },
        .set("torrents/setSavePath") { call async throws(FacadeRefusal) in
            let place = trimmed(try call.text("path"))
            guard place.hasPrefix("/") else { throw FacadeRefusal(400, "The path must begin with a slash") }
            return try await call.perform(.move(to: cleanedPath(place)), on: try call.targets("id"))
        },
        // Weir keeps incomplete files where they will stay.
        .set("torrents/setDownloadPath") { call async throws(FacadeRefusal) in
            guard (call["path"] ?? "").isEmpty else {
                throw FacadeRefusal(409, "Weir has no folder of its own for incomplete torrents")
            }
            return .done
        },
        toggle("torrents/toggleSequentialDownload", { $0.isSequential }, { .setSequential($0) }),
        toggle("torrents/toggleFirstLastPiecePrio", { $0.wantsEndsFirst }, { .setEndsFirst($0) }),
        queue("torrents/topPrio", .top), queue("torrents/increasePrio", .up),
        queue("torrents/decreasePrio", .down), queue("torrents/bottomPrio", .bottom),
    ]

/// Each torrent to the opposite of what it is.
private func toggle(
    _ name: String, _ isOn: @escaping @Sendable (TorrentSummary) -> Bool,
    _ command: @escaping @Sendable (Bool) -> TorrentCommand
) -> FacadeRoute {
    .set(name) { call async throws(FacadeRefusal) in
        let targets = try call.targets()
        let rows = call.directing.mirror.state.rows.values.filter { targets.contains($0.summary.id) }
        for wasOn in [true, false] {
            let ids = rows.filter { isOn($0.summary) == wasOn }.map(\.summary.id)
            if !ids.isEmpty { try await call.perform(command(!wasOn), on: .some(ids)) }
        }
        return .done
    }
}

private func queue(_ name: String, _ move: QueueMove) -> FacadeRoute {
    .set(name) { call async throws(FacadeRefusal) in
        let targets = try call.targets()
        guard call.directing.mirror.state.preferences.queue != nil else {
            throw FacadeRefusal(409, "Torrent queueing must be enabled")
        }
        return try await call.perform(.queue(move), on: targets)
    }
}

extension TorrentTargets {
    fileprivate func contains(_ id: TorrentID) -> Bool {
        switch self {
        case .all: true
        case .some(let ids): ids.contains(id)
        }
    }
}

extension FacadeCall {
    /// `setShareLimits` needs all three, `add` takes what is sent.
    fileprivate func shareLimits() throws(FacadeRefusal) -> ShareLimits {
        for name in ["ratioLimit", "seedingTimeLimit", "inactiveSeedingTimeLimit"] { _ = try self.text(name) }
        return self.sentShareLimits
    }

    var sentShareLimits: ShareLimits {
        var limits = ShareLimits()
        if let ratio = self["ratioLimit"].flatMap({ Double($0) }), ratio.isFinite {
            limits.ratio = .init(facadeValue: ratio)
        }
        if let minutes = self.integer("seedingTimeLimit") {
            limits.seedingMinutes = .init(facadeValue: minutes)
        }
        if let minutes = self.integer("inactiveSeedingTimeLimit") {
            limits.inactiveMinutes = .init(facadeValue: minutes)
        }
        return limits
    }
}
