import EventIO
import HTTPServing
import SwarmCore
import SwarmTypes
import TestKit
import Testing
import TrackerClient
import TrackerProtocol

@testable import TorrentEngine

/// A tracker that takes everything, and counts.
private final class CountingTracker: HTTPHandling {
    struct Heard: Sendable {
        var event: String
        var torrent: String
        var uploaded: Int
        var left: Int
    }

    private struct State {
        var heard: [Heard] = []
        var watchers: [(event: String, count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Lock(State())

    func maximumBodyBytes(method: String, path: String) -> Int { 1000 }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        func value(_ name: String) -> String { request.query.first { $0.name == name }?.value ?? "" }
        let heard = Heard(
            event: value("event"), torrent: value("info_hash"), uploaded: Int(value("uploaded")) ?? -1,
            left: Int(value("left")) ?? -1)
        let ready = self.state.withLock { state in
            state.heard.append(heard)
            let ready = state.watchers.filter { Self.count($0.event, in: state.heard) >= $0.count }
            state.watchers.removeAll { watcher in ready.contains { $0.event == watcher.event } }
            return ready.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
        return .now(HTTPResponse(status: 200, body: Array("d8:intervali1800ee".utf8)))
    }

    private static func count(_ event: String, in heard: [Heard]) -> Int {
        heard.reduce(0) { $0 + ($1.event == event ? 1 : 0) }
    }

    var heard: [Heard] { self.state.withLock { $0.heard } }

    /// Returns once it has heard the event so often.
    func heard(_ event: String, _ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = self.state.withLock { state in
                if Self.count(event, in: state.heard) >= count { return true }
                state.watchers.append((event, count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

/// An engine whose torrents all have one tracker.
private final class Seeding: Sendable {
    let loop: EventLoop
    let engine: TorrentEngine
    let tracker = CountingTracker()
    let server: HTTPServer
    let announce: String

    init() throws {
        self.loop = try EventLoop(name: "engine")
        self.engine = try TorrentEngine(EngineSettings(), loop: self.loop)
        self.server = try HTTPServer(
            loop: self.loop, address: "127.0.0.1", port: 0, handler: self.tracker)
        self.announce = "http://127.0.0.1:\(self.server.port)/announce"
        try self.loop.start()
    }

    deinit {
        let loop = self.loop
        loop.post { loop.stop() }
        loop.detach()
    }

    /// Twenty letters, so that a query shows them as they are.
    static func id(_ number: Int) throws -> TorrentID {
        let digits = "\(100_000 + number)".utf8.map { $0 &- UInt8(ascii: "0") &+ UInt8(ascii: "a") }
        return try #require(TorrentID(bytes: [UInt8](repeating: UInt8(ascii: "x"), count: 14) + digits))
    }

    func add(_ numbers: Range<Int>, eachSecond: Int = 100_000) async throws {
        let outlines = try numbers.map { number in
            TorrentOutline(
                id: try Self.id(number), name: "torrent \(number)", totalLength: 16384, pieceCount: 1,
                isPrivate: true, tiers: [[self.announce]])
        }
        try await self.engine.addAll(outlines, eachSecond: eachSecond)
    }
}

extension TorrentEngine {
    fileprivate func addAll(_ outlines: [TorrentOutline], eachSecond: Int) throws {
        for outline in outlines {
            try self.addDormant(outline, AddOptions(directory: "/nowhere"), from: .session)
        }
        self.trackers.setLimits(
            .init(
                perHost: 64, perHostEachSecond: eachSecond, endingPerHost: 64,
                endingPerHostEachSecond: eachSecond))
    }

    /// As if each had sent its number of bytes to peers.
    fileprivate func upload(_ ids: [TorrentID]) {
        for (number, id) in ids.enumerated() {
            guard var (row, ledger) = self.dormant.table.take(id) else { continue }
            row.totals.uploaded += Int64(number)
            self.dormant.table.insert(row, ledger: ledger)
            ledger = nil
        }
    }

    /// Ends all in one turn of the loop; answers how many had left the engine by then.
    fileprivate func endAll(_ ids: [TorrentID]) -> Int {
        let ended = Lock(0)
        for id in ids { self.end(id) { _ in ended.withLock { $0 += 1 } } }
        return ended.withLock { $0 }
    }

    fileprivate func stopAndWait() async {
        await withCheckedContinuation { continuation in self.stop { continuation.resume() } }
    }
}

@Suite("Torrents that are gone before their trackers know", .timeLimit(.minutes(2)))
struct FarewellEngineTests {
    @Test("Two thousand of one tracker that are stopped at once are all told, with what each has uploaded")
    func thousands() async throws {
        let seeding = try Seeding()
        let ids = try (0..<2000).map { try Seeding.id($0) }
        try await seeding.add(0..<2000)
        await seeding.tracker.heard("started", 2000)
        await seeding.engine.upload(ids)
        #expect(await seeding.engine.endAll(ids) == 2000)
        #expect(await seeding.engine.dormantCount + seeding.engine.awakeCount == 0)
        await seeding.tracker.heard("stopped", 2000)
        var uploads: [String: Int] = [:]
        for heard in seeding.tracker.heard where heard.event == "stopped" {
            #expect(heard.left == 0)
            uploads[heard.torrent] = heard.uploaded
        }
        #expect(uploads.count == 2000)
        for (number, id) in ids.enumerated() {
            #expect(uploads[String(decoding: id.bytes, as: UTF8.self)] == number)
        }
        await seeding.engine.stopAndWait()
        let tally = await seeding.engine.farewellTally
        #expect(tally == (2000, 0))
    }

    @Test("At the end of the program all are told before it ends")
    func end() async throws {
        let seeding = try Seeding()
        try await seeding.add(0..<300)
        await seeding.tracker.heard("started", 300)
        await seeding.engine.upload(try (0..<300).map { try Seeding.id($0) })
        await seeding.engine.stopAndWait()
        let stopped = seeding.tracker.heard.filter { $0.event == "stopped" }
        #expect(stopped.count == 300 && Set(stopped.map(\.uploaded)) == Set(0..<300))
    }

    @Test("One that begins again at once is told stopped first, and then started with counters from zero")
    func again() async throws {
        let seeding = try Seeding()
        let count = 110
        try await seeding.add(0..<count)
        await seeding.tracker.heard("started", count)
        let ids = try (0..<count).map { try Seeding.id($0) }
        await seeding.engine.upload(ids)
        #expect(await seeding.engine.endAll(ids) == count)
        // All of them take longer than one may.
        try await seeding.add(0..<count, eachSecond: 20)
        await seeding.tracker.heard("started", 2 * count)
        for (number, id) in ids.enumerated() {
            let name = String(decoding: id.bytes, as: UTF8.self)
            let heard = seeding.tracker.heard.filter { $0.torrent == name }
            #expect(heard.map(\.event) == ["started", "stopped", "started"])
            #expect(heard.map(\.uploaded) == [0, number, 0])
        }
        await seeding.engine.stopAndWait()
    }
}
