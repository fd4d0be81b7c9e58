import HTTPServing
import JSONValues
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// What clients poll, and speeds and limits of all torrents together.
let sessionRoutes: [FacadeRoute] = [
    .ask("sync/maindata") { call in
        await call.desk.maindata(after: call.integer("rid") ?? 0, showsKeys: call.telling.showsKeys)
    },
    // All of them each time, which is always right.
    .ask("sync/torrentPeers") { call async throws(FacadeRefusal) in
        guard call["hash"] != nil else { throw FacadeRefusal(404, "Not Found") }
        let id = try call.torrent()
        let peers = try await call.asking { directing async throws(CatalogFailure) in
            try await directing.peers(of: id)
        }
        return .json {
            $0.object {
                $0.member("full_update", true)
                $0.member("rid", (call.integer("rid") ?? 0) &+ 1)
                $0.member("show_flags", false)
                $0.nested("peers") {
                    for peer in peers where peer.isConnected {
                        $0.nested(peer.address.description) { $0.members(of: peer) }
                    }
                }
            }
        }
    },
    .read("transfer/info") { call in
        let state = call.desk.serverState
        return .json { $0.object { $0.members(transferFields, of: state) } }
    },
    .read("transfer/uploadLimit") { call in
        .text("\(call.desk.serverState.session.uploadLimit.facadeValue)")
    },
    .read("transfer/downloadLimit") { call in
        .text("\(call.desk.serverState.session.downloadLimit.facadeValue)")
    },
    .read("transfer/speedLimitsMode") { call in
        .text(call.desk.serverState.session.usesAlternativeLimits ? "1" : "0")
    },
    .set("transfer/setUploadLimit") { call async throws(FacadeRefusal) in
        let limit = call.limit("limit")
        _ = try call.text("limit")
        return try await call.preferring {
            // What is in force is what is meant.
            if $0.usesAlternativeLimits { $0.alternativeUploadLimit = limit } else { $0.uploadLimit = limit }
        }
    },
    .set("transfer/setDownloadLimit") { call async throws(FacadeRefusal) in
        let limit = call.limit("limit")
        _ = try call.text("limit")
        return try await call.preferring {
            if $0.usesAlternativeLimits {
                $0.alternativeDownloadLimit = limit
            } else {
                $0.downloadLimit = limit
            }
        }
    },
    .set("transfer/toggleSpeedLimitsMode") { call async throws(FacadeRefusal) in
        try await call.preferring { $0.usesAlternativeLimits.toggle() }
    },
    .set("transfer/setSpeedLimitsMode") { call async throws(FacadeRefusal) in
        _ = try call.text("mode")
        guard let mode = call.integer("mode") else { throw FacadeRefusal(400, "'mode': invalid argument") }
        return try await call.preferring { $0.usesAlternativeLimits = mode != 0 }
    },
    .set("transfer/banPeers") { call async throws(FacadeRefusal) in
        let peers = try call.list("peers", separatedBy: "|").compactMap { PeerAddress($0) }
        return try await call.changing { directing async throws(CatalogFailure) in
            try await directing.ban(peers)
        }
    },
]

extension FacadeCall {
    /// Changes what is set for all torrents.
    func preferring(
        _ change: @escaping @Sendable (inout LibraryPreferences) throws(CatalogFailure) -> Void
    ) async throws(FacadeRefusal) -> HTTPResponse {
        try await self.changing { directing async throws(CatalogFailure) in
            try await directing.changePreferences(change)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func members(of peer: PeerLine) {
        let host = peer.address.description
        // Without the port, and the brackets of version 6.
        let bare = String(
            host[..<(host.lastIndex(of: ":") ?? host.endIndex)].filter { $0 != "[" && $0 != "]" })
        self.member("client", peer.client)
        self.member("connection", "BT")
        self.member("country", "")
        self.member("country_code", "")
        self.member("dl_speed", peer.downRate.bytesPerSecond)
        self.member("downloaded", peer.downloaded)
        self.member("files", "")
        self.member("flags", peer.flags.map(\.0).joined(separator: " "))
        self.member("flags_desc", peer.flags.map { "\($0.0) = \($0.1)" }.joined(separator: "\n"))
        self.member("ip", bare)
        self.member("peer_id_client", "")
        self.member("port", Int(peer.address.port))
        self.member("progress", peer.progress)
        self.member("relevance", peer.relevance)
        self.member("up_speed", peer.upRate.bytesPerSecond)
        self.member("uploaded", peer.uploaded)
    }
}

extension PeerLine {
    /// qBittorrent's letters, and what they say.
    fileprivate var flags: [(String, String)] {
        var flags: [(String, String)] = []
        if self.amInterested {
            flags.append(
                self.isChokingUs
                    ? ("d", "interested (local) and choked (peer)")
                    : ("D", "interested (local) and unchoked (peer)"))
        }
        if self.isInterested {
            flags.append(
                self.amChoking
                    ? ("u", "interested (peer) and choked (local)")
                    : ("U", "interested (peer) and unchoked (local)"))
        }
        if !self.isChokingUs, !self.amInterested {
            flags.append(("K", "not interested (local) and unchoked (peer)"))
        }
        if !self.amChoking, !self.isInterested {
            flags.append(("?", "not interested (peer) and unchoked (local)"))
        }
        if self.isOptimistic { flags.append(("O", "optimistic unchoke")) }
        if self.isSnubbed { flags.append(("S", "peer snubbed")) }
        if self.direction == .incoming { flags.append(("I", "incoming connection")) }
        if self.source == .peerExchange { flags.append(("X", "peer from PEX")) }
        if self.isEncrypted { flags.append(("E", "encrypted traffic")) }
        return flags
    }
}
