import EventIO
import HTTPServing
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

@Suite("Asking HTTP trackers", .timeLimit(.minutes(1)))
struct HTTPTrackerTests {
    let fixture: ClientFixture
    let tracker = HTTPTracker()
    let server: HTTPServer
    let base: String

    init() throws {
        self.fixture = try ClientFixture()
        self.server = try HTTPServer(
            loop: self.fixture.loop, address: "127.0.0.1", port: 0, handler: self.tracker)
        self.base = "http://127.0.0.1:\(self.server.port)"
    }

    @Test("An announce says who we are and what we want, and brings the answer")
    func announcing() async throws {
        let answer = try await self.fixture.announce(self.base + "/announce").get()
        #expect(answer.peers == [PeerAddress("127.0.0.1:9")].compactMap { $0 } && answer.interval == 1800)
        let request = try #require(self.tracker.requests.first)
        #expect(request.path == "/announce" && request.header("user-agent") == "Weir/test")
        let query = Dictionary(uniqueKeysWithValues: request.query.map { ($0.name, $0.value) })
        #expect(query["info_hash"] == String(repeating: "a", count: 20) && query["event"] == "started")
        #expect(query["peer_id"] == "-WE0100-abcdefghijkl" && query["key"] == "00000001")
    }

    @Test("Redirects are followed five times, with our words, and not more often")
    func redirects() async throws {
        _ = try await self.fixture.announce(self.base + "/hops/5/announce").get()
        let requests = self.tracker.requests
        #expect(requests.count == 6)
        #expect(requests.allSatisfy { request in request.query.contains { $0.name == "info_hash" } })
        #expect(
            try await self.fixture.announce(self.base + "/hops/6/announce")
                == .failure(.notAllowed("it redirects more than 5 times")))
    }

    @Test(
        "A redirect to another scheme, a foreign service of this machine or a cloud's metadata is not followed",
        arguments: ["tofile", "togopher", "torpc", "tometadata"])
    func badRedirects(word: String) async throws {
        let result = try await self.fixture.announce(self.base + "/\(word)/announce")
        guard case .failure(.notAllowed) = result else { return #expect(Bool(false), "\(result)") }
        #expect(self.tracker.requests.count == 1)
    }

    @Test(
        "This machine is talked to only at a path that ends in /announce, however its address is written",
        arguments: [
            "127.0.0.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost",
            "[::ffff:127.0.0.1]",
        ])
    func loopback(host: String) async throws {
        let base = "http://\(host):\(self.server.port)"
        for path in ["/transmission/rpc", "/", "/announce/x", "/announce?method=stop"] {
            let result = try await self.fixture.announce(base + path)
            guard case .failure(let failure) = result else { return #expect(Bool(false), "\(path)") }
            // Some spellings are no address for libcurl, which is as good.
            if case .notAllowed = failure { continue }
            guard case .unreachable = failure else { return #expect(Bool(false), "\(path): \(failure)") }
        }
        #expect(self.tracker.requests.isEmpty)
    }

    @Test("The unspecified address, which is this machine too, is not talked to")
    func unspecified() async throws {
        for host in ["0.0.0.0", "[::]"] {
            let result = try await self.fixture.announce("http://\(host):\(self.server.port)/announce")
            guard case .failure(.notAllowed) = result else { return #expect(Bool(false), "\(result)") }
        }
        #expect(self.tracker.requests.isEmpty)
    }

    @Test("A refusal counts with any status; without one, the status is the reason")
    func statuses() async throws {
        #expect(
            try await self.fixture.announce(self.base + "/refuse/announce")
                == .failure(.refused(TrackerText("wrong key!"), retry: .unsaid)))
        #expect(
            try await self.fixture.announce(self.base + "/missing/announce") == .failure(.httpStatus(404)))
        guard case .failure(.badAnswer) = try await self.fixture.announce(self.base + "/html/announce")
        else { return #expect(Bool(false)) }
    }

    @Test("A body beyond two megabytes is cut off")
    func bomb() async throws {
        #expect(
            try await self.fixture.announce(self.base + "/bomb/announce")
                == .failure(.badAnswer("it is longer than 2097152 bytes")))
    }

    @Test("A port where nobody listens is named as that")
    func refusedPort() async throws {
        let port = ScriptedServer { _ in }.port
        #expect(
            try await self.fixture.announce("http://127.0.0.1:\(port)/announce", family: .ipv4)
                == .failure(.unreachable("nobody listens on its port")))
    }

    @Test("A scrape asks at its own place, and a tracker without one is not asked")
    func scraping() async throws {
        let a = try torrent(0x61)
        let answer = try await self.fixture.scrape(self.base + "/announce", [a, try torrent(2)]).get()
        #expect(answer.counts == [a: SwarmCounts(seeds: 5, leeches: 6)])
        #expect(self.tracker.requests.map(\.path) == ["/scrape"])
        guard case .failure(.notAllowed) = try await self.fixture.scrape(self.base + "/x", [a]) else {
            return #expect(Bool(false))
        }
    }
}

@Suite("The client's queue", .timeLimit(.minutes(1)))
struct TrackerClientQueueTests {
    let fixture: ClientFixture
    let tracker = HTTPTracker()
    let server: HTTPServer
    let url: TrackerURL

    init() throws {
        self.fixture = try ClientFixture {
            $0.limits.perHostEachSecond = 1000
            $0.limits.endingPerHost = 4
            // So that only a deadline ends what hangs.
            $0.timeoutSeconds = 1000
        }
        self.server = try HTTPServer(
            loop: self.fixture.loop, address: "127.0.0.1", port: 0, handler: self.tracker)
        self.url = try TrackerURL("http://127.0.0.1:\(self.server.port)/hold/announce")
    }

    @Test("Four requests run to a host at a time, the urgent ones first")
    func parallel() async throws {
        let events: [AnnounceEvent] = [
            .none, .none, .stopped, .started, .completed, .started, .none, .started,
        ]
        let (finished, done) = AsyncStream.makeStream(of: Answer.self)
        let requests = try events.map { try announceRequest($0) }
        await self.fixture.onLoop { [url = self.url] client in
            for request in requests {
                let order = AnnounceOrder(
                    id: AnnounceOrder.ID(number: 0), url: url, request: request)
                client.announce(order) { done.yield($0) }
            }
        }
        // The first four are with the tracker once it has been asked four times.
        await self.tracker.asked(4)
        let first = self.tracker.requests.compactMap { request in
            request.query.first { $0.name == "event" }?.value
        }
        #expect(first.count { $0 == "started" } == 3 && first.count == 4)
        self.tracker.open()
        var count = 0
        for await answer in finished {
            _ = try answer.get()
            count += 1
            if count == events.count { break }
        }
        #expect(self.tracker.state.withLock { $0.mostRunning } == 4)
        let last = self.tracker.requests.suffix(3)
        #expect(last.allSatisfy { request in !request.query.contains { $0.name == "event" } })
    }

    @Test("A deadline ends what hangs and what still waits for its turn")
    func deadlines() async throws {
        let (finished, done) = AsyncStream.makeStream(of: Answer.self)
        let request = try announceRequest(.stopped)
        let start = self.fixture.loop.now
        await self.fixture.onLoop { [url = self.url] client in
            for _ in 0..<9 {
                client.announce(
                    request, to: url, priority: .ending, deadline: start.advanced(bySeconds: 0.2)
                ) { done.yield($0) }
            }
        }
        var count = 0
        for await answer in finished {
            #expect(answer == .failure(.timedOut))
            count += 1
            if count == 9 { break }
        }
        #expect(self.fixture.loop.now.seconds(since: start) >= 0.2)
        #expect(await self.fixture.onLoop { $0.requestCount } == 0)
        self.tracker.open()
    }

    @Test("What is cancelled calls nobody, and makes room for the next")
    func cancelling() async throws {
        let (finished, done) = AsyncStream.makeStream(of: Int.self)
        let request = try announceRequest()
        let tickets = await self.fixture.onLoop { [url = self.url] client in
            (0..<5).map { index in
                client.announce(request, to: url, priority: .new) { _ in done.yield(index) }
            }
        }
        await self.tracker.asked(4)
        await self.fixture.onLoop { client in for ticket in tickets.prefix(4) { client.cancel(ticket) } }
        await self.tracker.asked(5)
        self.tracker.open()
        for await index in finished {
            #expect(index == 4)
            break
        }
        #expect(await self.fixture.onLoop { $0.requestCount } == 0)
    }

    @Test("Closing ends everything, and what comes after")
    func closing() async throws {
        let (finished, done) = AsyncStream.makeStream(of: Answer.self)
        let request = try announceRequest()
        let udp = try TrackerURL("udp://127.0.0.1:1")
        await self.fixture.onLoop { [url = self.url] client in
            for target in [url, url, url, url, url, udp] {
                client.announce(request, to: target, priority: .new) { done.yield($0) }
            }
        }
        await self.fixture.onLoop { $0.close() }
        _ = await self.fixture.onLoop { [url = self.url] client in
            client.announce(request, to: url, priority: .new) { done.yield($0) }
        }
        var results: [Answer] = []
        for await answer in finished {
            results.append(answer)
            if results.count == 7 { break }
        }
        // The UDP port may have been refused before.
        #expect(results.count { $0 == .failure(.cancelled) } >= 6)
        self.tracker.open()
    }
}

@Suite("Trackers with addresses of both families", .timeLimit(.minutes(1)))
struct BothFamiliesTests {
    let fixture: ClientFixture
    let tracker = HTTPTracker()
    let server: HTTPServer
    let sixth: HTTPServer
    let base: String

    init() throws {
        self.fixture = try ClientFixture { settings in
            settings.lookUp = { _ in
                .success([PeerAddress("127.0.0.1:0"), PeerAddress("[::1]:0")].compactMap { $0 })
            }
        }
        self.server = try HTTPServer(
            loop: self.fixture.loop, address: "127.0.0.1", port: 0, handler: self.tracker)
        self.sixth = try HTTPServer(
            loop: self.fixture.loop, address: "::1", port: self.server.port, handler: self.tracker)
        self.base = "http://localhost:\(self.server.port)"
    }

    @Test(
        "Each family is announced over once, with the same key and peer id, and without addresses in the URL (BEP 7)"
    )
    func both() async throws {
        let answer = try await self.fixture.announce(self.base + "/announce").get()
        #expect(answer.peers == [PeerAddress("127.0.0.1:9")].compactMap { $0 } && answer.interval == 1800)
        let queries = self.tracker.requests.map { request in
            Dictionary(uniqueKeysWithValues: request.query.map { ($0.name, $0.value) })
        }
        #expect(queries.count == 2 && queries.first == queries.last)
        #expect(queries.allSatisfy { $0["ipv4"] == nil && $0["ipv6"] == nil && $0["ip"] == nil })
    }

    @Test("A tracker that answers over one family only has answered")
    func one() async throws {
        let fixture = try ClientFixture { settings in
            settings.lookUp = { _ in
                .success([PeerAddress("127.0.0.1:0"), PeerAddress("[::1]:0")].compactMap { $0 })
            }
        }
        let tracker = HTTPTracker()
        let server = try HTTPServer(loop: fixture.loop, address: "::1", port: 0, handler: tracker)
        let answer = try await fixture.announce("http://localhost:\(server.port)/announce").get()
        #expect(answer.interval == 1800 && tracker.requests.count == 1)
    }

}
