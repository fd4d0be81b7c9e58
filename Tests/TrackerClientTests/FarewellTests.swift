import EventIO
import HTTPServing
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

/// What is left of a session of which the tracker took `started`, or has yet to.
private func farewell(_ url: TrackerURL, _ number: Int, follows: Farewell.Flight? = nil) throws -> Farewell {
    var request = try announceRequest(.stopped)
    request.torrent = try numbered(number)
    request.uploaded = UInt64(number)
    request.wantedPeers = 0
    return Farewell(url: url, follows: follows, requests: [request])
}

private func numbered(_ number: Int) throws -> TorrentID {
    // Letters only, so that a query shows them as they are.
    let digits = "\(100_000 + number)".utf8.map { $0 &- UInt8(ascii: "0") &+ UInt8(ascii: "a") }
    return try #require(TorrentID(bytes: [UInt8](repeating: UInt8(ascii: "x"), count: 14) + digits))
}

extension HTTPRequest {
    fileprivate func value(_ name: String) -> String? { self.query.first { $0.name == name }?.value }
}

@Suite("Farewells that outlive their torrents", .timeLimit(.minutes(1)))
struct FarewellTests {
    let fixture: ClientFixture
    let tracker = HTTPTracker()
    let server: HTTPServer
    let base: String

    init() throws {
        self.fixture = try ClientFixture {
            $0.limits.perHostEachSecond = 5000
            $0.limits.endingPerHostEachSecond = 5000
            $0.timeoutSeconds = 1000
        }
        self.server = try HTTPServer(
            loop: self.fixture.loop, address: "127.0.0.1", port: 0, handler: self.tracker)
        self.base = "http://127.0.0.1:\(self.server.port)"
    }

    /// Until all are told, or their time is up.
    private func end() async -> FarewellBook.Tally {
        await withCheckedContinuation { continuation in
            self.fixture.loop.post { [client = self.fixture.client] in
                client.endFarewells { continuation.resume(returning: $0) }
            }
        }
    }

    @Test("Two thousand torrents stopped at once are all told, each with its own counters")
    func thousands() async throws {
        let url = try TrackerURL(self.base + "/announce")
        let farewells = try (0..<2000).map { try farewell(url, $0) }
        await self.fixture.onLoop { client in for farewell in farewells { client.bid(farewell) } }
        await self.tracker.asked(2000)
        #expect(await self.end() == FarewellBook.Tally(told: 2000, untold: 0))
        var heard: [String: String] = [:]
        for request in self.tracker.requests {
            #expect(request.value("event") == "stopped" && request.value("numwant") == "0")
            heard[try #require(request.value("info_hash"))] = request.value("uploaded")
        }
        #expect(heard.count == 2000 && self.tracker.requests.count == 2000)
        for number in 0..<2000 {
            #expect(heard[String(decoding: try numbered(number).bytes, as: UTF8.self)] == "\(number)")
        }
    }

    @Test("A torrent that begins again is announced only when its end was told, and others do not wait")
    func order() async throws {
        let url = try TrackerURL(self.base + "/hold/announce")
        let old = try farewell(url, 1)
        var started = try announceRequest(.started)
        started.torrent = try numbered(1)
        let (answers, done) = AsyncStream.makeStream(of: Answer.self)
        await self.fixture.onLoop { [started] client in
            // However slow this machine is.
            client.farewells = Farewells(patience: 1000)
            client.bid(old)
            client.announce(started, to: url, priority: .new) { done.yield($0) }
        }
        await self.tracker.asked(1)
        // Another torrent's announce comes and goes meanwhile.
        _ = try await self.fixture.announce(self.base + "/announce").get()
        #expect(
            self.tracker.requests.filter { $0.path == "/hold/announce" }.map { $0.value("event") } == [
                "stopped"
            ])
        self.tracker.open()
        for await answer in answers {
            _ = try answer.get()
            break
        }
        let events = self.tracker.requests.filter { $0.path == "/hold/announce" }.map { $0.value("event") }
        #expect(events == ["stopped", "started"])
    }

    @Test("It does not wait for ever: after five seconds the start goes without")
    func patience() async throws {
        let hanging = try TrackerURL(self.base + "/hold/announce")
        let old = try farewell(hanging, 1)
        var started = try announceRequest(.started)
        started.torrent = try numbered(1)
        let url = try TrackerURL(self.base + "/announce")
        let (answers, done) = AsyncStream.makeStream(of: Answer.self)
        await self.fixture.onLoop { [started] client in
            client.bid(old)
            // Of the same host, by another URL.
            client.announce(started, to: url, priority: .new) { done.yield($0) }
        }
        for await answer in answers {
            _ = try answer.get()
            break
        }
        #expect(self.tracker.requests.compactMap { $0.value("event") } == ["stopped", "started"])
        #expect(await self.fixture.onLoop { $0.farewellTally } == FarewellBook.Tally(told: 0, untold: 1))
    }

    @Test(
        "A started that is with the tracker is waited for; one that never went out is taken back, and nothing told"
    )
    func startedOnItsWay() async throws {
        let url = try TrackerURL(self.base + "/hold/announce")
        var started = try announceRequest(.started)
        started.torrent = try numbered(1)
        let flight = Farewell.Flight(id: AnnounceOrder.ID(number: 1), isStarted: true)
        let old = try farewell(url, 1, follows: flight)
        let ticket = await self.fixture.onLoop { [started] client in
            client.announce(started, to: url, priority: .new) { _ in }
        }
        await self.tracker.asked(1)
        await self.fixture.onLoop { $0.bid(old, after: ticket) }
        #expect(await self.fixture.onLoop { $0.farewellCount } == 1)
        self.tracker.open()
        #expect(await self.end() == FarewellBook.Tally(told: 1, untold: 0))
        #expect(self.tracker.requests.map { $0.value("event") } == ["started", "stopped"])

        // In the same turn of the loop: it had no turn yet.
        let left = await self.fixture.onLoop { [started] client in
            let ticket = client.announce(started, to: url, priority: .new) { _ in }
            client.bid(old, after: ticket)
            return (client.farewellCount, client.requestCount)
        }
        #expect(left == (0, 0))
        #expect(self.tracker.requests.count == 2)
    }

    @Test("At the end a tracker where nobody listens keeps nobody waiting")
    func dead() async throws {
        let port = ScriptedServer { _ in }.port
        let url = try TrackerURL("http://127.0.0.1:\(port)/announce")
        let farewells = try (0..<100).map { try farewell(url, $0) }
        await self.fixture.onLoop { client in for farewell in farewells { client.bid(farewell) } }
        #expect(await self.end() == FarewellBook.Tally(told: 0, untold: 100))
    }
}
