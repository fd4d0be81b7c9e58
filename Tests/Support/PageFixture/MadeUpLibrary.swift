import EventIO
import Foundation
import StallDiagnosis
import SwarmTypes
import TestKit
import TorrentCatalog

/// A library whose torrents move a little each second, and that does what it is told as far as the page sees.
final class MadeUpLibrary: TorrentDirecting {
    let mirror = CatalogMirror(LibraryPreferences(directory: "/data"))
    private let step = Lock(0)

    static func id(_ number: Int) -> TorrentID {
        var random = SplitMix64(seed: UInt64(number) &+ 1)
        let bytes = (0..<TorrentID.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an identifier") }
        return id
    }

    init(count: Int) {
        var change = CatalogChange()
        let now = Int64(Date().timeIntervalSince1970)
        change.changed = (0..<count).map { madeUpTorrent($0, at: now) }
        change.categories = ["films", "series", "music", "linux"].map {
            TorrentCategory(name: $0, directory: "/data/\($0)")
        }
        change.tags = ["cross-seed", "keep", "new"]
        self.mirror.publish(change)
    }

    /// About fifty torrents change a second.
    func move() {
        let step = self.step.withLock { step in
            step += 1
            return step
        }
        var random = SplitMix64(seed: UInt64(step))
        var change = CatalogChange()
        let rows = self.mirror.state.rows
        for row in rows.values where row.summary.upRate != .zero || row.summary.downRate != .zero {
            guard change.changed.count < 50 else { break }
            guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
            var summary = row.summary
            func swing(_ rate: ByteRate) -> ByteRate {
                ByteRate(
                    bytesPerSecond: Int64(
                        Double(rate.bytesPerSecond) * Double.random(in: 0.8...1.24, using: &random)))
            }
            summary.upRate = swing(summary.upRate)
            summary.downRate = swing(summary.downRate)
            summary.uploaded += summary.upRate.bytesPerSecond
            summary.wantedDone = min(summary.wantedSize, summary.wantedDone + summary.downRate.bytesPerSecond)
            change.changed.append(summary)
        }
        self.mirror.publish(change)
    }

    func moveCaps() {
        let isEmpty = self.mirror.state.rows.isEmpty
        let step = self.step.withLock { $0 }
        var change = CatalogChange()
        change.caps =
            isEmpty
            ? []
            : MadeUpGovernor.trackers.enumerated().map { place, tracker in
                let cap = Double(tracker.cap.rate?.bytesPerSecond ?? 3 << 20)
                let rate =
                    cap * (0.22 - 0.04 * Double(place)) * (1 + 0.1 * sin(Double(step + place * 9) / 13))
                return CapLine(
                    name: tracker.id, limit: tracker.cap, effective: tracker.cap,
                    rate: ByteRate(bytesPerSecond: Int64(rate)), torrents: 2400, active: 31 - place)
            }
        var session = SessionSummary()
        let swing = 1 + 0.1 * sin(Double(step) / 3)
        session.downRate = ByteRate(bytesPerSecond: isEmpty ? 0 : Int64(11_400_000 * swing))
        session.upRate = ByteRate(bytesPerSecond: isEmpty ? 0 : Int64(9_900_000 * swing))
        session.sessionUploaded = isEmpty ? 0 : 812_400_000_000
        session.connections = isEmpty ? 0 : 431
        session.freeSpace = 2_400_000_000_000
        session.reachability = isEmpty ? .unknown : .reachable
        change.session = session
        self.mirror.publish(change)
    }

    func perform(
        _ command: TorrentCommand, on targets: TorrentTargets
    ) async throws(CatalogFailure) -> [TorrentID] {
        let rows = self.mirror.state.rows
        let ids: [TorrentID] =
            switch targets {
            case .all: Array(rows.keys)
            case .some(let ids): ids.filter { rows[$0] != nil }
            }
        var change = CatalogChange()
        for summary in ids.compactMap({ rows[$0]?.summary }) {
            var summary = summary
            switch command {
            case .remove:
                change.removed.append(summary.id)
                continue
            case .stop:
                summary.state = .stopped
                summary.upRate = .zero
                summary.downRate = .zero
            case .start: summary.state = summary.isComplete ? .seeding : .downloading
            case .setCategory(let name): summary.category = name
            case .addTags(let tags): summary.tags = Array(Set(summary.tags + tags)).sorted()
            case .setUploadLimit(let limit): summary.uploadLimit = limit
            case .rename(let name): summary.name = name
            default: break
            }
            change.changed.append(summary)
        }
        self.mirror.publish(change)
        return ids
    }

    func add(_ addition: TorrentAddition) async throws(CatalogFailure) -> TorrentID {
        guard case .link(let link) = addition.source, link.hasPrefix("magnet:") else {
            throw .invalid("This is no magnet link.")
        }
        let id = Self.id(1_000_000 + self.mirror.state.rows.count)
        var summary = TorrentSummary(id: id, name: "A new torrent", state: .metadata)
        summary.category = addition.category
        summary.addedAt = Int64(now())
        var change = CatalogChange()
        change.changed = [summary]
        self.mirror.publish(change)
        return id
    }

    func files(of id: TorrentID) async throws(CatalogFailure) -> [FileLine] {
        let size = self.mirror.row(of: id)?.summary.totalSize ?? 0
        return (0..<24).map {
            FileLine(
                number: $0, path: $0 == 3 ? "<b>bold</b>/x.mkv" : "Season 1/Episode \($0 + 1).mkv",
                size: size / 24,
                done: size / 24, firstPiece: 0, lastPiece: 0)
        }
    }

    func trackers(of id: TorrentID) async throws(CatalogFailure) -> [TrackerLine] {
        let url = self.mirror.row(of: id)?.summary.tracker ?? ""
        let failing = self.mirror.row(of: id)?.summary.trouble?.code == .trackerUnregistered
        var first = TrackerLine(
            url: url, tier: 0, state: failing ? .failing : .working,
            words: failing ? "Unregistered torrent <img src=x onerror=\"document.title='pwned'\">" : "")
        first.seeds = 214
        first.leechers = 12
        first.nextAnnounceAt = Int64(now()) + 1480
        return [first, TrackerLine(url: "udp://second.example:6969", tier: 1, state: .notContacted)]
    }

    func peers(of id: TorrentID) async throws(CatalogFailure) -> [PeerLine] {
        let torrent = try await self.snapshot(of: id)
        return torrent.peers.enumerated().map { number, peer in
            var line = PeerLine(address: peer.address, source: peer.source, direction: peer.direction)
            line.client = peer.clientName
            line.isEncrypted = number % 2 == 0
            line.progress = Double(number % 7) / 7
            line.isSeed = number % 7 == 6
            line.downRate = peer.downRate
            line.upRate = peer.upRate
            line.receiving = diagnoseReceiving(from: peer, in: torrent)
            line.sending = diagnoseSending(to: peer, in: torrent)
            return line
        }
    }

    func snapshot(of id: TorrentID) async throws(CatalogFailure) -> TorrentSnapshot {
        guard let summary = self.mirror.row(of: id)?.summary else { throw .noSuchTorrent }
        let now = Instant(nanoseconds: 3_600_000_000_000)
        let start = Instant(nanoseconds: 0)
        var torrent = TorrentSnapshot(
            id: id, name: summary.name,
            state: summary.state == .stopped ? .paused : summary.isComplete ? .seeding : .downloading,
            since: start,
            now: now)
        torrent.pieces.total = summary.pieceCount
        torrent.pieces.have = summary.piecesHad
        torrent.pieces.missing = summary.pieceCount - summary.piecesHad
        torrent.traffic.downRate = summary.downRate
        torrent.traffic.upRate = summary.upRate
        torrent.session.listening = .open(port: 6881)
        torrent.session.hadIncoming = true
        let clients = [
            "qBittorrent/5.1.4", "libtorrent/2.0.8", "Transmission 4.0.6",
            "<svg onload=document.title='pwned'>", "µTorrent 3.6",
        ]
        torrent.peers = (0..<18).compactMap { number in
            guard let address = PeerAddress("203.0.113.\(number + 10):\(40_000 + number)") else { return nil }
            var peer = PeerSnapshot(
                address: address, source: number % 3 == 0 ? .tracker : .peerExchange,
                direction: number % 4 == 0 ? .incoming : .outgoing, stage: .handshaken, since: start)
            peer.clientName = clients[number % clients.count]
            peer.hasBitfield = true
            peer.pieceCount = summary.pieceCount
            peer.neededPieceCount = number % 5 == 0 ? 0 : torrent.pieces.missing
            peer.weInterested = TimedFlag(number % 5 != 0, since: start)
            peer.theyChoke = TimedFlag(number % 3 != 0, since: start)
            peer.theyInterested = TimedFlag(number % 2 == 0, since: start)
            peer.lastActivity = now
            return peer
        }
        return torrent
    }

    func timeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening] {
        let added = self.mirror.row(of: id)?.summary.addedAt ?? 0
        return [
            TorrentHappening(at: added + 3600, code: "announced", text: "alpha.example gave 50 peers"),
            TorrentHappening(
                at: added + 3000, code: "completed", text: "complete: all 4,100 pieces are proved"),
            TorrentHappening(
                at: added + 60, code: "failed_piece",
                text: "piece 77 was corrupt; 203.0.113.14 sent all of it and is banned"),
            TorrentHappening(at: added, code: "added", text: "added from a file by the dashboard"),
        ]
    }

    func pieces(of id: TorrentID) async throws(CatalogFailure) -> [PieceStatus] { [] }
    func pieceHashes(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] { [] }
    func metainfo(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] { [] }
    func webSeeds(of id: TorrentID) async throws(CatalogFailure) -> [String] { [] }
    func create(_ category: TorrentCategory) async throws(CatalogFailure) {}
    func edit(_ category: TorrentCategory) async throws(CatalogFailure) {}
    func removeCategories(_ names: [String]) async throws(CatalogFailure) {}
    func createTags(_ names: [String]) async throws(CatalogFailure) {}
    func deleteTags(_ names: [String]) async throws(CatalogFailure) {}
    func changePreferences(
        _ change: @escaping @Sendable (inout LibraryPreferences) throws(CatalogFailure) -> Void
    ) async throws(CatalogFailure) {}
    func ban(_ peers: [PeerAddress]) async throws(CatalogFailure) {}
}
