import EventIO
import HTTPFetching
import HTTPServing
import SwarmTypes
import TestKit
import Testing

@Suite("The HTTP fetcher", .timeLimit(.minutes(1)))
struct HTTPFetcherTests {
    let fixture: FetcherFixture
    let server: HTTPServer
    let base: String

    init() throws {
        self.fixture = try FetcherFixture()
        self.server = try HTTPServer(
            loop: self.fixture.loop, address: "127.0.0.1", port: 0, handler: Answers())
        self.base = "http://127.0.0.1:\(self.server.port)"
    }

    @Test("A GET sends the caller's headers and ours, and brings all of the response")
    func get() async throws {
        let request = FetchRequest(url: self.base + "/a%20b", headers: [("X-Mine", "v w"), ("X-Empty", "")])
        let response = try await self.fixture.fetcher.fetch(request, into: nil)
        let text = String(decoding: response.body, as: UTF8.self)
        #expect(response.status == 200)
        #expect(response.header("x-one") == "1")
        #expect(response.headers.filter { $0.name == "x-one" }.map(\.value) == ["1", "2"])
        #expect(text.hasPrefix("GET /a b\n"))
        for line in ["user-agent: Weir/test\n", "x-mine: v w\n", "x-empty: \n", "accept-encoding: gzip\n"] {
            #expect(text.contains(line))
        }
    }

    @Test("A POST sends its bytes as they are, empty or large, and waits for no permission")
    func post() async throws {
        for body in [[], [0], Array(repeating: UInt8(7), count: 3 << 20)] as [[UInt8]] {
            let request = FetchRequest(
                method: .post, url: self.base + "/p", headers: [("Content-Type", "application/json")],
                body: body,
                maximumBodyBytes: 4 << 20)
            let response = try await self.fixture.fetcher.fetch(request, into: nil)
            let head = "POST /p\n"
            #expect(response.body.starts(with: Array(head.utf8)))
            #expect(response.body.suffix(body.count).elementsEqual(body))
            let text = String(decoding: response.body.prefix(400), as: UTF8.self)
            #expect(text.contains("content-type: application/json\n"))
            #expect(text.contains("content-length: \(body.count)\n"))
            #expect(!text.contains("expect:"))
        }
    }

    @Test("The body of a 200 goes to the sink on the loop, any other is collected")
    func sink() async throws {
        let sink = CollectingSink(loop: self.fixture.loop)
        let response = try await self.fixture.get(self.base + "/bytes?n=500000", into: sink)
        #expect(response.body.isEmpty)
        #expect(sink.bytes == (0..<500_000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(sink.calls > 1)

        let unused = CollectingSink(loop: self.fixture.loop)
        let failed = try await self.fixture.get(self.base + "/fail", into: unused)
        #expect(failed.status == 500)
        #expect(failed.body == Array("sorry".utf8))
        #expect(unused.calls == 0)
    }

    @Test("A sink that refuses ends the exchange at once")
    func refusingSink() async throws {
        let sink = CollectingSink(loop: self.fixture.loop, maximum: 0)
        await #expect(throws: FetchFailure.refusedBySink) {
            try await self.fixture.get(self.base + "/bytes?n=1000000", into: sink)
        }
        #expect(sink.calls == 1)
    }

    @Test("An address that the request may not reach is not connected to")
    func unreachableAddress() async throws {
        let address = try #require(PeerAddress("127.0.0.1:\(self.server.port)"))
        let contacts = Counter()
        let listening = ScriptedServer { _ in contacts.add() }
        let target = try #require(PeerAddress("127.0.0.1:\(listening.port)"))
        await #expect(throws: FetchFailure.addressRefused(target)) {
            try await self.fixture.fetcher.fetch(
                FetchRequest(url: "http://localhost:\(listening.port)/", ipVersion: .ipv4) { _ in false },
                into: nil)
        }
        #expect(contacts.value == 0)
        let allowed = FetchRequest(url: self.base + "/", mayReach: { $0 == address })
        #expect(try await self.fixture.fetcher.fetch(allowed, into: nil).remoteAddress == address)
    }

    @Test("A kept connection does not lead to an address that the next request may not reach")
    func unreachableReuse() async throws {
        let address = try #require(PeerAddress("127.0.0.1:\(self.server.port)"))
        _ = try await self.fixture.get(self.base + "/")
        await #expect(throws: FetchFailure.addressRefused(address)) {
            try await self.fixture.fetcher.fetch(
                FetchRequest(url: self.base + "/") { _ in false }, into: nil)
        }
    }

    @Test("A request for one version of IP uses that one")
    func ipVersion() async throws {
        await #expect(throws: FetchFailure.self) {
            try await self.fixture.fetcher.fetch(
                FetchRequest(url: self.base + "/", ipVersion: .ipv6), into: nil)
        }
    }

    @Test("A redirect is a response like any other")
    func redirect() async throws {
        let response = try await self.fixture.get(self.base + "/redirect")
        #expect(response.status == 302)
        #expect(response.header("location") == "/bytes?n=5")
    }

    @Test("A body may be as long as allowed and no byte longer, with sink and without")
    func bodyLimit() async throws {
        #expect(
            try await self.fixture.get(self.base + "/bytes?n=1000", maximumBodyBytes: 1000).body.count == 1000
        )
        for count in [1001, 100_000] {
            for sink in [nil, CollectingSink(loop: self.fixture.loop)] {
                await #expect(throws: FetchFailure.bodyTooLong(maximum: 1000)) {
                    try await self.fixture.get(
                        self.base + "/bytes?n=\(count)", maximumBodyBytes: 1000, into: sink)
                }
            }
        }
        #expect(try await self.fixture.get(self.base + "/bytes?n=0", maximumBodyBytes: 0).body.isEmpty)
    }

    @Test("Requests that follow one another share one connection")
    func reuse() async throws {
        let served = Counter()
        let server = ScriptedServer { connection in
            served.add()
            while connection.receive(until: "\r\n\r\n").hasSuffix("\r\n\r\n") {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        for _ in 0..<20 {
            #expect(try await self.fixture.get("http://127.0.0.1:\(server.port)/").body == Array("ok".utf8))
        }
        #expect(served.value == 1)
    }

    @Test(
        "A request whose kept connection breaks is sent again only where that does no harm",
        arguments: [true, false])
    func brokenReuse(isRepeatable: Bool) async throws {
        let asked = Counter()
        let server = ScriptedServer { connection in
            while connection.receive(until: "\r\n\r\n").hasSuffix("\r\n\r\n") {
                asked.add()
                // The second request is taken, and its answer lost.
                if asked.value == 2 { return }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let request = FetchRequest(url: "http://127.0.0.1:\(server.port)/", isRepeatable: isRepeatable)
        _ = try await self.fixture.fetcher.fetch(request, into: nil)
        if isRepeatable {
            #expect(try await self.fixture.fetcher.fetch(request, into: nil).body == Array("ok".utf8))
            #expect(asked.value == 3)
        } else {
            await #expect(throws: FetchFailure.self) {
                try await self.fixture.fetcher.fetch(request, into: nil)
            }
            #expect(asked.value == 2)
        }
    }

    @Test("A hundred requests at once all get their own answer")
    func manyAtOnce() async throws {
        let (fixture, base) = (self.fixture, self.base)
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for size in 0..<100 {
                group.addTask { (size, try await fixture.get(base + "/bytes?n=\(size)").body.count) }
            }
            for try await (size, count) in group { #expect(size == count) }
        }
    }

    @Test("A task that prefers the loop stays on it across a fetch")
    func staysOnLoop() async throws {
        let (fixture, base) = (self.fixture, self.base)
        let places = try await Task(executorPreference: fixture.loop) {
            let before = fixture.loop.isCurrent
            _ = try await fixture.get(base + "/bytes?n=1")
            return [before, fixture.loop.isCurrent]
        }.value
        #expect(places == [true, true])
    }

    @Test("Cancelling the task ends the exchange, before the start as well")
    func cancellation() async throws {
        let silent = ScriptedServer { connection in
            _ = connection.receive(until: "never")
        }
        let fixture = self.fixture
        let url = "http://127.0.0.1:\(silent.port)/"
        let running = Task { () throws(FetchFailure) in try await fixture.get(url) }
        try await fixture.loop.sleep(seconds: 0.02)
        running.cancel()
        await #expect(throws: FetchFailure.cancelled) { try await running.value }

        let early = Task { () throws(FetchFailure) in
            try? await fixture.loop.sleep(seconds: 3600)
            return try await fixture.get(url)
        }
        early.cancel()
        await #expect(throws: FetchFailure.cancelled) { try await early.value }
    }

    @Test("Closing the fetcher, or the end of its loop, ends what is on its way")
    func closing() async throws {
        let silent = ScriptedServer { connection in
            _ = connection.receive(until: "never")
        }
        for endsLoop in [false, true] {
            let fixture = try FetcherFixture()
            let url = "http://127.0.0.1:\(silent.port)/"
            let running = Task { () throws(FetchFailure) in try await fixture.get(url) }
            try await fixture.loop.sleep(seconds: 0.02)
            if endsLoop { fixture.loop.stop() } else { fixture.fetcher.close() }
            await #expect(throws: FetchFailure.cancelled) { try await running.value }
            await #expect(throws: FetchFailure.cancelled) { try await fixture.get(url) }
        }
    }

    @Test("IPv6 literals work")
    func ipv6() async throws {
        let server: HTTPServer
        do {
            server = try HTTPServer(loop: self.fixture.loop, address: "::1", port: 0, handler: Answers())
        } catch {
            guard case .addressInvalid = error else { throw error }
            return  // A machine without IPv6.
        }
        let response = try await self.fixture.get("http://[::1]:\(server.port)/six")
        #expect(response.body.starts(with: Array("GET /six\n".utf8)))
    }
}
