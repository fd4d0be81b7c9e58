import EventIO
import HTTPServing
import JSONValues
import QBittorrentFacade
import StallDiagnosis
import SwarmTypes
import TorrentCatalog

/// A library that keeps what it was asked for.
final class FakeLibrary: TorrentDirecting {
    let mirror = CatalogMirror(LibraryPreferences(directory: "/downloads"))
    private let asked = Lock<[(TorrentCommand, TorrentTargets)]>([])
    private let added = Lock<[TorrentAddition]>([])
    /// What every command gets.
    let refusal = Lock<CatalogFailure?>(nil)
    let refusedTracker = Lock<String?>(nil)
    /// Waited for before the preferences are changed.
    let beforeChange = Lock(Pause())

    var commands: [(TorrentCommand, TorrentTargets)] { self.asked.withLock { $0 } }
    var additions: [TorrentAddition] { self.added.withLock { $0 } }

    func publish(_ summaries: [TorrentSummary] = [], removed: [TorrentID] = []) {
        var change = CatalogChange()
        change.changed = summaries
        change.removed = removed
        self.mirror.publish(change)
    }

    func files(of id: TorrentID) async throws(CatalogFailure) -> [FileLine] {
        [
            FileLine(
                number: 0, path: "a/b.bin", size: 10, done: 5, priority: .high, firstPiece: 0, lastPiece: 0)
        ]
    }

    func trackers(of id: TorrentID) async throws(CatalogFailure) -> [TrackerLine] {
        [
            TrackerLine(url: "http://t/announce", tier: 0, state: .failing, words: "unregistered"),
            TrackerLine(
                url: "http://t/pa55key/announce?k=0ther", tier: 1, state: .failing,
                words: "no pa55key here, 0ther"),
        ]
    }

    func peers(of id: TorrentID) async throws(CatalogFailure) -> [PeerLine] {
        guard let address = PeerAddress("[::1]:6881") else { return [] }
        var peer = PeerLine(address: address, source: .peerExchange, direction: .incoming)
        peer.amInterested = true
        return [peer]
    }

    func pieces(of id: TorrentID) async throws(CatalogFailure) -> [PieceStatus] {
        [.had, .underWay, .missing]
    }
    func pieceHashes(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] {
        [UInt8](repeating: 7, count: 40)
    }
    func metainfo(of id: TorrentID) async throws(CatalogFailure) -> [UInt8] { Array("d4:infod".utf8) }
    func webSeeds(of id: TorrentID) async throws(CatalogFailure) -> [String] {
        ["http://w/pa55key/file"]
    }
    func snapshot(of id: TorrentID) async throws(CatalogFailure) -> TorrentSnapshot { throw .noSuchTorrent }
    func timeline(of id: TorrentID) async throws(CatalogFailure) -> [TorrentHappening] { [] }

    func add(_ addition: TorrentAddition) async throws(CatalogFailure) -> TorrentID {
        if case .file(let bytes) = addition.source, bytes.first != UInt8(ascii: "d") {
            throw .invalid("no dictionary")
        }
        self.added.withLock { $0.append(addition) }
        return torrentID(9)
    }

    func perform(
        _ command: TorrentCommand, on targets: TorrentTargets
    ) async throws(CatalogFailure) -> [TorrentID] {
        if let refusal = self.refusal.withLock({ $0 }) { throw refusal }
        if case .addTrackers(let urls) = command, let bad = self.refusedTracker.withLock({ $0 }),
            urls.contains(bad)
        {
            throw .invalid("no tracker")
        }
        self.asked.withLock { $0.append((command, targets)) }
        guard case .some(let ids) = targets else { return [] }
        return ids.filter { self.mirror.row(of: $0) != nil }
    }

    func create(_ category: TorrentCategory) async throws(CatalogFailure) {
        guard !self.mirror.state.categories.contains(where: { $0.name == category.name }) else {
            throw .conflict("there is such a category")
        }
        var change = CatalogChange()
        change.categories = self.mirror.state.categories + [category]
        self.mirror.publish(change)
    }

    func edit(_ category: TorrentCategory) async throws(CatalogFailure) {}
    func removeCategories(_ names: [String]) async throws(CatalogFailure) {}
    func createTags(_ names: [String]) async throws(CatalogFailure) {}
    func deleteTags(_ names: [String]) async throws(CatalogFailure) {}

    func changePreferences(
        _ change: @escaping @Sendable (inout LibraryPreferences) throws(CatalogFailure) -> Void
    ) async throws(CatalogFailure) {
        await self.beforeChange.withLock { $0 }.pass()
        var preferences = self.mirror.state.preferences
        try change(&preferences)
        var published = CatalogChange()
        published.preferences = preferences
        self.mirror.publish(published)
    }

    func ban(_ peers: [PeerAddress]) async throws(CatalogFailure) {}
}

/// What somebody waits at until somebody else has done something.
final class Pause: Sendable {
    private let body: @Sendable () async -> Void

    init(_ body: @escaping @Sendable () async -> Void = {}) { self.body = body }

    func pass() async { await self.body() }
}

/// Lets everybody in whose password is "right".
struct FakeAccess: FacadeAccess {
    var needsLogIn = true

    func logIn(
        name: String, password: String, from address: String, isForwarded: Bool
    ) async -> LogInOutcome {
        guard self.needsLogIn else { return .notNeeded }
        return password == "right" ? .granted(session: "s3cret") : .wrong
    }

    func logOut(session: String) {}

    func admits(_ credentials: FacadeCredentials) -> Bool {
        !self.needsLogIn || credentials.session == "s3cret" || credentials.bearer == "key"
            || credentials.bearer == "reader" && !credentials.changesState
    }
}

func torrentID(_ byte: UInt8) -> TorrentID {
    guard let id = TorrentID(bytes: [UInt8](repeating: byte, count: 20)) else { fatalError("20 bytes") }
    return id
}

func torrent(_ byte: UInt8, _ name: String = "a", _ change: (inout TorrentSummary) -> Void = { _ in })
    -> TorrentSummary
{
    var summary = TorrentSummary(id: torrentID(byte), name: name, state: .seeding)
    change(&summary)
    return summary
}

/// A facade on a fake library, spoken to as a client does.
struct Bench {
    let library = FakeLibrary()
    let facade: QBittorrentFacade

    init(needsLogIn: Bool = false) {
        self.facade = QBittorrentFacade(
            directing: self.library, access: FakeAccess(needsLogIn: needsLogIn), now: { 1_700_000_000 })
    }

    func send(_ request: HTTPRequest) async -> HTTPResponse {
        var response =
            switch self.facade.answer(request) {
            case .now(let response): response
            case .later(let answer): await answer()
            default: HTTPResponse(status: 599)
            }
        // As the server asks for them.
        while let slice = response.slices?.nextSlice(), !slice.isEmpty { response.body += slice }
        response.slices = nil
        return response
    }

    func get(_ name: String, _ query: [(String, String)] = [], headers: [(String, String)] = []) async
        -> HTTPResponse
    {
        await self.send(
            HTTPRequest(
                method: "GET", path: "/api/v2/\(name)", query: query.map { (name: $0.0, value: $0.1) },
                headers: headers.map { (name: $0.0, value: $0.1) }))
    }

    func post(_ name: String, _ body: String = "", headers: [(String, String)] = []) async -> HTTPResponse {
        var request = HTTPRequest(
            method: "POST", path: "/api/v2/\(name)", headers: headers.map { (name: $0.0, value: $0.1) },
            body: Array(body.utf8))
        if !headers.contains(where: { $0.0 == "content-type" }) {
            request.headers.append((name: "content-type", value: "application/x-www-form-urlencoded"))
        }
        return await self.send(request)
    }

    func json(_ name: String, _ query: [(String, String)] = []) async throws -> JSONValue {
        try JSONReader.read(await self.get(name, query).body)
    }
}

extension HTTPResponse {
    var text: String { String(decoding: self.body, as: UTF8.self) }
}
