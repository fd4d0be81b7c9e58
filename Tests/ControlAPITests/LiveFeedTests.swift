import EventIO
import Foundation
import HTTPServing
import SwarmTypes
import TestKit
import Testing
import TorrentCatalog

@testable import ControlAPI

/// What a reader of server-sent events has understood.
private struct Reader {
    var names: [String] = []
    var lastID: UInt64?
    var rows: [String: String] = [:]

    mutating func take(_ bytes: [UInt8]) throws {
        for block in String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\n")
        where !block.isEmpty {
            var name = ""
            for line in block.components(separatedBy: "\n") {
                if line.hasPrefix("id: ") { self.lastID = ListMark(String(line.dropFirst(4)))?.revision }
                if line.hasPrefix("event: ") { name = String(line.dropFirst(7)) }
                guard line.hasPrefix("data: ") else { continue }
                self.names.append(name)
                guard name == "torrents" else { continue }
                let data =
                    try JSONSerialization.jsonObject(with: Data(line.dropFirst(6).utf8)) as? [String: Any]
                for row in data?["rows"] as? [[Any]] ?? [] {
                    if let id = row[0] as? String, let text = row[1] as? String { self.rows[id] = text }
                }
                for id in data?["removed"] as? [String] ?? [] { self.rows[id] = nil }
            }
        }
    }
}

@Suite("The live feed", .timeLimit(.minutes(1)))
struct LiveFeedTests {
    @Test(
        "A reader that comes back gets what it missed, in order, or is told to begin anew", arguments: 0..<200
    )
    func resuming(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var ring = EventRing()
        ring.forget(upTo: 10)
        var id: UInt64 = 10
        var sent: [(UInt64, [UInt8])] = []
        for _ in 0..<Int.random(in: 0...1500, using: &random) {
            id += UInt64.random(in: 1...3, using: &random)
            let event = Array(
                repeating: UInt8(truncatingIfNeeded: id), count: Int.random(in: 1...20_000, using: &random))
            ring.append(event, id: id)
            sent.append((id, event))
        }
        let asked = UInt64.random(in: 5...id + 2, using: &random)
        let answer = ring.events(after: asked)
        if asked < ring.floor {
            #expect(answer == nil)
        } else {
            #expect(answer == sent.filter { $0.0 > asked }.flatMap(\.1))
        }
        #expect(sent.count - (sent.firstIndex { $0.0 > ring.floor } ?? sent.count) <= EventRing.maximumEvents)
    }

    @Test("List and events together are the catalogue, whatever happens between")
    func consistency() async throws {
        let library = FakeLibrary(count: 50)
        let server = try FeedServer(library)
        var random = SplitMix64(seed: 7)
        var reader = Reader()
        let list = try JSONSerialization.jsonObject(with: Data(await server.feed.list())) as? [String: Any]
        for row in list?["rows"] as? [[Any]] ?? [] {
            if let id = row[0] as? String, let text = row[1] as? String { reader.rows[id] = text }
        }
        let connection = try server.open(since: (list?["revision"] as? Int) ?? -1)
        for round in 1...30 {
            var change = CatalogChange()
            for _ in 0..<3 {
                var summary = FakeLibrary.summary(Int.random(in: 0..<60, using: &random))
                summary.name = "round \(round)"
                change.changed.append(summary)
            }
            if round % 4 == 0 { change.removed = [torrent(Int.random(in: 0..<60, using: &random))] }
            change.changed.removeAll { change.removed.contains($0.id) }
            library.mirror.publish(change)
            if round % 3 == 0 { await server.feed.tick() }
        }
        server.feed.close()
        try reader.take(server.body(of: connection.receive(until: "0\r\n\r\n")))
        let expected = library.mirror.state.rows.map { ($0.key.hex, $0.value.summary.name) }
        #expect(reader.rows == Dictionary(uniqueKeysWithValues: expected))
        #expect(reader.lastID == library.mirror.state.revision)
        #expect(!reader.names.contains("reset"))
    }

    @Test("A gap that is too old, a revision from nowhere, and a change of everything mean: begin anew")
    func resets() async throws {
        let library = FakeLibrary(count: 10)
        let server = try FeedServer(library)
        var change = CatalogChange()
        change.changed = [FakeLibrary.summary(1)]
        library.mirror.publish(change)
        let old = try server.open(since: 0)
        #expect(old.receive(until: "{}\n\n").contains("event: reset\n"))
        change.changed = (0..<4000).map(FakeLibrary.summary)
        library.mirror.publish(change)
        await server.feed.tick()
        #expect(old.receive(until: "{}\n\n").contains("event: reset\n"))
        let none = try server.open(since: nil)
        #expect(
            none.receive(until: "{}\n\n").contains(
                "id: 1756900000250.\(library.mirror.state.revision)\nevent: reset\n"))
        change.changed = []
        change.tags = ["third"]
        library.mirror.publish(change)
        await server.feed.tick()
        #expect(none.receive(until: "{}\n\n").contains("event: reset\n"))
    }

    @Test("A reader of an earlier run of the service begins anew, though its revision is there")
    func anotherRun() async throws {
        let library = FakeLibrary(count: 10)
        let server = try FeedServer(library)
        _ = await server.feed.list()
        for mark in ["1756900000249.1", "1", ".1", "1.", "x.1", "1.1.1", "99999999999999999999.1", ""] {
            let reader = try server.open(mark: mark)
            #expect(reader.receive(until: "{}\n\n").contains("event: reset\n"), "\(mark)")
        }
    }

    @Test("Whoever is let in no more loses the open streams at once, and nobody else does")
    func refused() async throws {
        let access = RevocableAccess()
        let server = try FeedServer(FakeLibrary(), access: access)
        let lost = try server.open(mark: "", header: "Cookie: weir_session=read\r\n")
        let kept = try server.open(mark: "", header: "X-API-Key: control\r\n")
        #expect(server.feed.watchers == 2)
        server.feed.endRefusedStreams()
        #expect(server.feed.watchers == 2)
        access.revoked.withLock { _ = $0.insert("read") }
        server.feed.endRefusedStreams()
        #expect(lost.receive(until: "0\r\n\r\n").hasSuffix("0\r\n\r\n"))
        #expect(server.feed.watchers == 1)
        // By itself within a second, whatever took the right away.
        access.revoked.withLock { _ = $0.insert("control") }
        await server.feed.tick()
        #expect(kept.receive(until: "0\r\n\r\n").hasSuffix("0\r\n\r\n"))
        #expect(server.feed.watchers == 0)
    }

    @Test("While nobody watches nothing is kept")
    func idle() async throws {
        let library = FakeLibrary(count: 10)
        let live = feed(FakeGovernor(), library)
        for _ in 0..<100 {
            var change = CatalogChange()
            change.changed = [FakeLibrary.summary(1)]
            library.mirror.publish(change)
            await live.tick()
        }
        #expect(live.watchers == 0)
        let again = try JSONSerialization.jsonObject(with: Data(await live.list())) as? [String: Any]
        #expect(again?["revision"] as? Int == Int(library.mirror.state.revision))
    }

    @Test("Watchers get the overview every other second, and leave no trace when they go")
    func overview() async throws {
        let server = try FeedServer(FakeLibrary())
        let connection = try server.open(since: 1)
        for _ in 0..<4 { await server.feed.tick() }
        server.feed.close()
        let text = connection.receive(until: "0\r\n\r\n")
        #expect(text.components(separatedBy: "event: overview\n").count == 3)
        #expect(server.feed.watchers == 0)
    }

    @Test("The history has a value every five seconds and one a minute, and forgets what is a day old")
    func history() async throws {
        var history = CapHistory()
        for step in 0..<(24 * 720 + 36) {
            let cap = CapOverview(
                id: "alpha", name: "Alpha", cap: .bytesPerSecond(100), effective: .bytesPerSecond(90),
                sources: [
                    .init(name: "a", rate: ByteRate(bytesPerSecond: Int64(step / 12)), torrents: 1, active: 1)
                ])
            history.take(step < 24 ? [] : [cap], at: Double(step) * 5)
        }
        for (range, count, last) in [(CapHistory.Range.hour, 720, 17_315 / 12), (.day, 1440, 17_315 / 12)] {
            let response = jsonObject { history.write(range, to: &$0) }
            let series = try #require(try response.object()["series"] as? [[String: Any]])
            #expect(series.map { $0["source"] as? String } == [nil, "a"])
            let rates = try #require(series[1]["rates"] as? [Int])
            #expect(rates.count == count && rates.last == last)
            #expect((series[0]["rates"] as? [Int])?.allSatisfy { $0 == 90 } == true)
        }
    }
}

/// A feed behind a real server.
private final class FeedServer: Sendable {
    let feed: LiveFeed
    private let loop: EventLoop
    private let server: HTTPServer

    init(_ library: FakeLibrary, access: (any AccessDeciding)? = nil) throws {
        let governor = FakeGovernor()
        self.feed = ControlAPITests.feed(governor, library)
        self.loop = try EventLoop(name: "feed")
        self.server = try HTTPServer(
            loop: self.loop, address: "127.0.0.1", port: 0,
            handler: ControlHandler(
                control: governor, policy: AccessPolicy(allowedHosts: ["h"], access: access), version: "1",
                live: self.feed,
                now: { 0 }))
        try self.loop.start()
    }

    deinit {
        self.server.stop()
        self.loop.stop()
        self.loop.join()
    }

    /// Answers when the stream is open.
    func open(since: Int?) throws -> TCPConnection {
        try self.open(mark: since.map { "1756900000250.\($0)" } ?? "")
    }

    func open(mark: String, header: String = "") throws -> TCPConnection {
        let connection = try #require(TCPConnection(toPort: self.server.port))
        let query = mark.isEmpty ? "" : "?since=\(mark)"
        connection.send("GET /api/ui/events\(query) HTTP/1.1\r\nHost: h:8089\r\n\(header)\r\n")
        _ = connection.receive(until: "retry: 2000\n\n")
        return connection
    }

    /// Without the sizes of the chunks.
    func body(of text: String) -> [UInt8] {
        let parts = text.components(separatedBy: "\r\n")
        return Array(stride(from: 2, to: parts.count, by: 2).map { parts[$0] }.joined().utf8)
    }
}
