import EventIO
import HTTPFetching
import TestKit
import Testing

/// The text as a gzip stream of one stored block (RFC 1952, RFC 1951); at most 65,535 bytes.
private func gzip(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
    }
    crc = ~crc
    let little = { (value: UInt32) in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }
    let size = UInt16(bytes.count)
    let stored: [UInt8] =
        [1] + [
            UInt8(truncatingIfNeeded: size), UInt8(size >> 8), UInt8(truncatingIfNeeded: ~size),
            UInt8(~size >> 8),
        ]
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] + stored + bytes + little(crc) + little(UInt32(bytes.count))
}

private func head(_ headers: String...) -> [UInt8] {
    Array("HTTP/1.1 200 OK\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n".utf8)
}

@Suite("Servers that misbehave", .timeLimit(.minutes(1)))
struct HostileServerTests {
    let fixture: FetcherFixture

    init() throws { self.fixture = try FetcherFixture() }

    private func failure(_ reply: [UInt8], maximumBodyBytes: Int = 1 << 20) async -> FetchFailure? {
        await self.fixture.failure(for: reply, maximumBodyBytes: maximumBodyBytes)
    }

    @Test("An answer that is cut anywhere is never taken for the whole")
    func everyCut() async throws {
        let replies = [
            head("Content-Length: 5") + Array("12345".utf8),
            head("Transfer-Encoding: chunked") + Array("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8),
        ]
        for reply in replies {
            #expect(await self.failure(reply) == nil)
            for cut in 0..<(reply.count - 2) {
                let failure = await self.failure(Array(reply[..<cut]))
                #expect(failure != nil, "cut at \(cut)")
            }
            #expect(await self.failure(Array(reply.dropLast(8))) == .truncated)
        }
        #expect(await self.failure([]) == .truncated)
    }

    @Test("A connection that is reset in the middle of the body is a truncated answer")
    func resetMidBody() async throws {
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            connection.send(head("Content-Length: 100000") + [1, 2, 3])
            connection.resetOnClose()
        }
        await #expect(throws: FetchFailure.truncated) {
            try await self.fixture.get("http://127.0.0.1:\(server.port)/")
        }
    }

    @Test("A body that never ends is cut at its limit, announced or not")
    func endlessBody() async throws {
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            connection.send(head())
            let piece = Array(repeating: UInt8(1), count: 65536)
            while connection.send(piece) {}
        }
        await #expect(throws: FetchFailure.bodyTooLong(maximum: 300_000)) {
            try await self.fixture.get("http://127.0.0.1:\(server.port)/", maximumBodyBytes: 300_000)
        }
        let announced = head("Content-Length: 999999999999999")
        #expect(await self.failure(announced, maximumBodyBytes: 1000) == .bodyTooLong(maximum: 1000))
    }

    @Test("A compressed body is unpacked, and its limit counts what comes out")
    func compressed() async throws {
        let text = String(repeating: "weir ", count: 200)
        let packed = gzip(text)
        let reply = head("Content-Encoding: gzip", "Content-Length: \(packed.count)") + packed
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            connection.send(reply)
        }
        let response = try await self.fixture.get("http://127.0.0.1:\(server.port)/", maximumBodyBytes: 1000)
        #expect(response.body == Array(text.utf8))
        #expect(await self.failure(reply, maximumBodyBytes: 999) == .bodyTooLong(maximum: 999))

        var corrupt = reply
        corrupt[corrupt.count - 6] ^= 1
        #expect(await self.failure(corrupt) != nil)
        #expect(
            await self.failure(head("Content-Encoding: gzip", "Content-Length: 4") + Array("oops".utf8))
                != nil)
    }

    @Test("A compressed body that lacks its end brings what there was, and nothing else")
    func cutCompressed() async throws {
        let text = String(repeating: "weir ", count: 20)
        let packed = gzip(text)
        for cut in 0..<packed.count {
            let server = ScriptedServer { connection in
                _ = connection.receive(until: "\r\n\r\n")
                connection.send(
                    head("Content-Encoding: gzip", "Content-Length: \(cut)") + packed[..<cut])
            }
            let response = try await self.fixture.get("http://127.0.0.1:\(server.port)/")
            #expect(text.utf8.starts(with: response.body))
        }
    }

    @Test(
        "What is not HTTP is an error with a message",
        arguments: [
            "garbage\r\n\r\n", "\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ])
    func garbage(reply: String) async {
        let failure = await self.failure(Array(reply.utf8))
        #expect(failure != nil)
    }

    @Test(
        "Lengths that make no sense are refused", arguments: ["-1", "abc", "1, 2", "99999999999999999999999"])
    func lengths(value: String) async {
        #expect(await self.failure(head("Content-Length: \(value)") + [1, 2, 3]) != nil)
    }

    @Test("Random bytes never crash us", arguments: 0..<200)
    func randomBytes(seed: UInt64) async {
        var random = SplitMix64(seed: seed)
        var reply = seed % 2 == 0 ? head("Transfer-Encoding: chunked", "Content-Encoding: gzip") : []
        reply += (0..<Int.random(in: 0..<3000, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        #expect(await self.failure(reply, maximumBodyBytes: 1000) != nil)
    }

    @Test("Too many headers, or too large ones, end the exchange")
    func manyHeaders() async throws {
        let many = (0..<100_000).map { "H\($0): v\r\n" }.joined()
        #expect(
            await self.failure(Array("HTTP/1.1 200 OK\r\n\(many)".utf8))
                == .other(code: 0, message: "more than 128 response headers"))
        let large = Array("HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 90_000))\r\n\r\n".utf8)
        #expect(
            await self.failure(large) == .other(code: 0, message: "more than 65536 bytes of response headers")
        )
        let interim = Array(String(repeating: "HTTP/1.1 100 Continue\r\nA: b\r\n\r\n", count: 5000).utf8)
        #expect(
            await self.failure(interim)
                == .other(code: 0, message: "more than 65536 bytes of response headers"))
    }

    @Test("Of several heads only the last counts")
    func interimResponses() async throws {
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            connection.send(
                "HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\nHTTP/1.1 404 Not Found\r\nX: late \r\n")
            connection.send("Content-Length: 0\r\n\r\n")
        }
        let response = try await self.fixture.get("http://127.0.0.1:\(server.port)/")
        #expect(response.status == 404)
        #expect(response.headers.filter { $0.name == "x" }.map(\.value) == ["late"])
    }

    @Test("A server that is silent, or slow, runs into the time limit", arguments: [false, true])
    func slow(trickles: Bool) async throws {
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            if trickles { connection.send(head("Content-Length: 100") + [1, 2]) }
            _ = connection.receive()
        }
        do {
            _ = try await self.fixture.get("http://127.0.0.1:\(server.port)/", timeoutSeconds: 0.05)
            Issue.record("a response from nowhere")
        } catch {
            guard case .timedOut(let seconds) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(seconds >= 0.05)
        }
    }

    @Test("Refused, unknown and unusable addresses are told apart")
    func addresses() async throws {
        await #expect(throws: FetchFailure.connectionRefused) {
            // Port 1 is nobody's.
            try await self.fixture.get("http://127.0.0.1:1/")
        }
        do {
            _ = try await self.fixture.get("http://no-such-host.invalid/")
            Issue.record("found")
        } catch {
            guard case .hostNotFound = error else {
                Issue.record("\(error)")
                return
            }
        }
        for url in [
            "", "x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://a b/", "http://h/\r\nX: y",
            "http://h:99999/",
            "http://h/é", "gopher://h/", "http:///p", "https://", "httpx://h/",
        ] {
            await #expect(throws: FetchFailure.invalidURL(url)) { try await self.fixture.get(url) }
        }
    }

    @Test("Request headers cannot smuggle others", arguments: ["a\r\nX: y", "a\nb", "a\0b"])
    func headerInjection(value: String) async {
        for header in [(name: "X-A", value: value), (name: value, value: "v"), (name: "", value: "v")] {
            do {
                _ = try await self.fixture.fetcher.fetch(
                    FetchRequest(url: "http://127.0.0.1:1/", headers: [header]), into: nil)
                Issue.record("sent")
            } catch {
                guard case .other(43, _) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
