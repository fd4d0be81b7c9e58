import EventIO
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

@testable import ControlAPI

/// Torrents that stand still, and a memory of what was done to them.
final class FakeLibrary: TorrentDirecting {
    let mirror = CatalogMirror(LibraryPreferences(directory: "/data"))
    let failure: CatalogFailure?
    private let recorded = Lock<[String]>([])

    /// Ten torrents, of which some are in trouble.
    init(count: Int = 10, failing failure: CatalogFailure? = nil) {
        self.failure = failure
        var change = CatalogChange()
        change.changed = (0..<count).map(Self.summary)
        change.categories = [TorrentCategory(name: "films", directory: "/data/films")]
        change.tags = ["new", "old"]
        change.caps = [
            CapLine(
                name: "alpha", limit: .bytesPerSecond(4 << 20), effective: .bytesPerSecond(3 << 20),
                rate: ByteRate(bytesPerSecond: 1 << 20), torrents: 4, active: 2)
        ]
        self.mirror.publish(change)
    }

    static func summary(_ number: Int) -> TorrentSummary {
        var summary = TorrentSummary(
            id: torrent(number),
            name: number == 3 ? "<img src=x onerror=alert(1)>\u{202E}\n" : "Torrent \(number)",
            state: number % 3 == 0 ? .stopped : number % 3 == 1 ? .seeding : .downloading)
        summary.hasMetadata = true
        summary.totalSize = 1_000_000
        summary.wantedSize = 1_000_000
        summary.wantedDone = Int64(number) * 100_000
        summary.done = summary.wantedDone
        summary.upRate = ByteRate(bytesPerSecond: number % 3 == 1 ? 1000 : 0)
        summary.tracker = "https://alpha.example:8443/0123456789abcdef/announce?passkey=secretsecret"
        summary.trackers = [summary.tracker]
        summary.category = number % 2 == 0 ? "films" : ""
        summary.tags = number % 2 == 0 ? ["new"] : []
        if number % 5 == 2 {
            summary.trouble = TorrentTrouble(
                code: .trackerUnregistered, severity: .problem, headline: "The tracker does not know it.",
                since: Int64(1000 - number))
        } else if number % 5 == 4 {
            summary.trouble = TorrentTrouble(
                code: .nobodyWantsIt, severity: .expected, headline: "Nobody wants it.", since: 5)
        }
        return summary
    }

    var commands: [String] { self.recorded.withLock { $0 } }

    private func record(_ command: String) throws(CatalogFailure) {
        if let failure { throw failure }
        self.recorded.withLock { $0.append(command) }
    }

    func files(of id: TorrentID) async throws(CatalogFailure) -> [FileLine] {
        [FileLine(number: 0, path: "a/b.mkv", size: 1_000_000, done: 5, firstPiece: 0, lastPiece: 3)]
    }

    func trackers(of id: TorrentID) async throws(CatalogFailure) -> [TrackerLine] {
        [
            TrackerLine(
                url: "https://alpha.example:8443/0123456789abcdef/announce?passkey=secretsecret", tier: 0,
                state: .failing, words: "unregistered torrent for 0123456789abcdef <b>")
        ]
    }

    func peers(of id: TorrentID) async throws(CatalogFailure) -> [PeerLine] {
        guard let address = PeerAddress("192.0.2.1:6881") else { return [] }
        var peer = PeerLine(address: address, source: .tracker, direction: .outgoing)
        peer.client = "Evil\u{1B}[31m <script>"
        return [peer]
    }

    func pieces(of id: TorrentID) async throws(CatalogFailure) -> [PieceStatus] { [] }
    func pieceHashes(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] { [] }
    func metainfo(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] { [] }
    func webSeeds(of id: TorrentID) async throws(CatalogFailure) -> [String] { [] }

    func snapshot(of id: TorrentID) async throws(CatalogFailure) -> TorrentSnapshot {
        TorrentSnapshot(
            id: id, name: "Torrent", state: .downloading, since: Instant(nanoseconds: 0),
            now: Instant(nanoseconds: 60_000_000_000))
    }

    func timeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening] {
        [TorrentHappening(at: 1_756_900_000, code: "added", text: "added by hand, key 0123456789abcdef")]
    }

    func add(_ addition: TorrentAddition) async throws(CatalogFailure) -> TorrentID {
        switch addition.source {
        case .file(let bytes): try self.record("add file of \(bytes.count) [\(addition.category)]")
        case .link(let link): try self.record("add \(link) [\(addition.category)]")
        }
        return torrent(77)
    }

    func perform(
        _ command: TorrentCommand, on targets: TorrentTargets
    ) async throws(CatalogFailure) -> [TorrentID] {
        try self.record("\(command) on \(targets)")
        switch targets {
        case .all: return Array(self.mirror.state.rows.keys)
        case .some(let ids): return ids.filter { self.mirror.row(of: $0) != nil }
        }
    }

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
