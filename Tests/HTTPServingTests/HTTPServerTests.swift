import EventIO
import Glibc
import HTTPServing
import TestKit
import Testing

/// Answers with what it was asked.
final class EchoHandler: HTTPHandling {
    let gate = Gate()

    func maximumBodyBytes(method: String, path: String) -> Int {
        path == "/none" ? 0 : path == "/long" ? 1 << 20 : 1000
    }

    func earlyRefusal(of head: HTTPRequest) -> HTTPResponse? {
        head.header("x-test") == nil ? HTTPResponse(status: 403, body: Array("who are you".utf8)) : nil
    }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        switch request.path {
        case "/later":
            .later { [gate = self.gate] in
                await gate.wait()
                return HTTPResponse(status: 200, body: Array("at last".utf8))
            }
        case "/big":
            .now(HTTPResponse(status: 200, body: Array(repeating: UInt8(ascii: "x"), count: 3_000_000)))
        case "/headers":
            .now(HTTPResponse(status: 200, headers: [("X-Bad", request.query.first?.value ?? "")]))
        case "/status":
            .now(HTTPResponse(status: Int(request.query.first?.value ?? "") ?? 200))
        default:
            .now(
                HTTPResponse(
                    status: 200, headers: [("Content-Type", "text/plain"), ("Content-Length", "1")],
                    body: Array(Self.describe(request).utf8)))
        }
    }

    private static func describe(_ request: HTTPRequest) -> String {
        let query = request.query.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        return "\(request.method) \(request.path) [\(query)] \(request.header("x-test") ?? "-") "
            + "\(String(decoding: request.body, as: UTF8.self)) \(request.peerAddress)"
    }
}

/// Tasks wait here until it is opened.
final class Gate: Sendable {
    private let state = Lock<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    var waitingCount: Int { self.state.withLock { $0.waiting.count } }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = self.state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func close() { self.state.withLock { $0.isOpen = false } }

    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// A server on its own loop and a free port of 127.0.0.1.
final class ServerFixture: Sendable {
    let loop: EventLoop
    let handler = EchoHandler()
    let server: HTTPServer

    init(limits: HTTPServerLimits = HTTPServerLimits()) throws {
        self.loop = try EventLoop(name: "server")
        self.server = try HTTPServer(
            loop: self.loop, address: "127.0.0.1", port: 0, handler: self.handler, limits: limits)
        try self.loop.start()
    }

    deinit {
        self.server.stop()
        self.loop.stop()
        self.loop.join()
    }

    func connect() throws -> TCPConnection { try #require(TCPConnection(toPort: self.server.port)) }

    /// Sends a request by hand that ends the connection, and answers all that comes back.
    func exchange(_ request: String) throws -> String {
        let connection = try self.connect()
        connection.send(request)
        return connection.receiveAll()
    }

    /// The same for a request without a body.
    func exchange(_ method: String, _ target: String, _ headers: String = "") throws -> String {
        try self.exchange("\(method) \(target) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\(headers)\r\n")
    }
}

/// What follows the headers.
func bodyOf(_ response: String) -> String {
    guard let range = response.firstRange(of: "\r\n\r\n") else { return "" }
    return String(response[range.upperBound...])
}

@Suite("The HTTP server", .timeLimit(.minutes(1)))
struct HTTPServerTests {
    let fixture: ServerFixture

    init() throws { self.fixture = try ServerFixture() }

    @Test("A request reaches the handler decoded, with its headers in lower case")
    func decodedRequest() throws {
        let answer = try self.fixture.exchange("GET", "/a%20b?x=1&x=%26", "X-TEST: Value\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("Content-Type: text/plain\r\n"))
        #expect(bodyOf(answer) == "GET /a b [x=1,x=&] Value  127.0.0.1")
    }

    @Test(
        "Every method reaches the handler",
        arguments: ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
    func methods(method: String) throws {
        #expect(bodyOf(try self.fixture.exchange(method, "/m")).hasPrefix("\(method) /m "))
    }

    @Test("HEAD is answered like GET, with its length and without its body")
    func head() throws {
        let answer = try self.fixture.exchange("HEAD", "/abc")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("Content-Length: \("GET /abc [] -  127.0.0.1".utf8.count)\r\n"))
        #expect(bodyOf(answer).isEmpty)
    }

    @Test("Requests follow one another on one connection, also when they are sent at once")
    func keepAliveAndPipelining() throws {
        let connection = try self.fixture.connect()
        for number in 0..<50 {
            connection.send("POST /n HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n\(10 + number)")
            #expect(connection.receive(until: "127.0.0.1").contains("POST /n [] - \(10 + number) "))
        }
        connection.send(
            (0..<200).map {
                "GET /\($0) HTTP/1.1\r\nHost: h\r\n\($0 == 199 ? "Connection: close\r\n" : "")\r\n"
            }
            .joined())
        let answers = connection.receiveAll()
        #expect((0..<200).allSatisfy { answers.contains("GET /\($0) [") })
    }

    @Test("Where a request is cut makes no difference", arguments: [1, 2, 7, 30])
    func cuts(step: Int) throws {
        let request =
            Array(
                "POST /cut?a=%31 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    .utf8) + Array("3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".utf8)
        let connection = try self.fixture.connect()
        for start in stride(from: 0, to: request.count, by: step) {
            connection.send(request[start..<min(start + step, request.count)])
        }
        #expect(bodyOf(connection.receiveAll()) == "POST /cut [a=1] - abcde 127.0.0.1")
    }

    @Test(
        "Unsafe targets are answered with 400",
        arguments: ["/..", "/%2e%2e/x", "/a%00b", "/a?b=%", "/a%5Cb", "*"])
    func unsafeTargets(target: String) throws {
        let answer = try self.fixture.exchange("GET", target)
        #expect(answer.hasPrefix("HTTP/1.1 400 "))
        #expect(answer.contains("bad_target"))
    }

    @Test("A raw NUL in the request line never reaches the handler as a shorter path")
    func rawNul() throws {
        let answer = try self.fixture.exchange("GET /a\0b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(!answer.contains("GET /a"))
    }

    @Test(
        "A long body is kept only of who may bring it, and a stranger gets to read why",
        arguments: [false, true])
    func longBodyOfAStranger(isChunked: Bool) throws {
        let bytes = String(repeating: "x", count: 300_000)
        func request(_ header: String, _ body: String) -> String {
            let framing =
                isChunked
                ? "Transfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
                : "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            return "POST /long HTTP/1.1\r\nHost: h\r\n\(header)\(framing)"
        }
        let end = "GET /after HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        let refused = try self.fixture.exchange(request("", bytes) + end)
        #expect(refused.hasPrefix("HTTP/1.1 403 "))
        #expect(refused.contains("who are you"))
        // The connection serves on.
        #expect(refused.hasSuffix("GET /after [] -  127.0.0.1"))

        let taken = try self.fixture.exchange(request("X-Test: me\r\n", bytes) + end)
        #expect(taken.hasPrefix("HTTP/1.1 200 "))
        #expect(taken.contains("POST /long [] me xxx"))
        guard !isChunked else { return }
        // A short one is not asked about before it is there.
        let short = try self.fixture.exchange(request("", "abc") + end)
        #expect(short.contains("POST /long [] - abc 127.0.0.1"))
    }

    @Test("A body at its limit is taken; one byte more is refused, whether announced or not")
    func bodyLimit() throws {
        let body = String(repeating: "b", count: 1000)
        let head = "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        #expect(try self.fixture.exchange("\(head)Content-Length: 1000\r\n\r\n\(body)").contains(body))
        for request in [
            "\(head)Content-Length: 1001\r\n\r\n\(body)b",
            "\(head)Transfer-Encoding: chunked\r\n\r\n3e8\r\n\(body)\r\n1\r\nb\r\n0\r\n\r\n",
        ] {
            let answer = try self.fixture.exchange(request)
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.contains("body_too_long"))
        }
        #expect(try self.fixture.exchange("POST", "/none", "Content-Length: 0\r\n").hasPrefix("HTTP/1.1 200"))
    }

    @Test("A moderately long body keeps the connection; a huge one is refused before it is sent")
    func refusedBodies() throws {
        let connection = try self.fixture.connect()
        connection.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        connection.send(Array(repeating: UInt8(ascii: "b"), count: 100_000))
        connection.send("GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        let answers = connection.receiveAll()
        #expect(answers.hasPrefix("HTTP/1.1 413 "))
        #expect(answers.contains("GET /next"))

        for headers in [
            "Content-Length: 999999999999\r\n", "Content-Length: 2000\r\nExpect: 100-continue\r\n",
        ] {
            let answer = try self.fixture.exchange("POST /x HTTP/1.1\r\nHost: h\r\n\(headers)\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.lowercased().contains("connection: close"))
        }
    }

    @Test("An endless body without a length is cut off")
    func endlessBody() throws {
        let connection = try self.fixture.connect()
        connection.send("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk =
            Array("1000\r\n".utf8) + Array(repeating: UInt8(ascii: "b"), count: 4096) + Array("\r\n".utf8)
        var sent = 0
        while sent < 100_000_000, connection.send(chunk) { sent += chunk.count }
        #expect(sent < 100_000_000)
        #expect(try self.fixture.exchange("GET", "/alive").contains("GET /alive"))
    }

    @Test("A request that a proxy may read otherwise is refused, and its connection closed")
    func smuggling() throws {
        for headers in [
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 4\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: xchunked\r\n",
        ] {
            let answer = try self.fixture.exchange(
                "POST /x HTTP/1.1\r\nHost: h\r\n\(headers)\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(!answer.contains("smuggled"))
        }
    }

    @Test("Too many and too large headers, and too long lines, are refused")
    func largeHeaders() throws {
        let many = (0..<100).map { "H\($0): v\r\n" }.joined()
        #expect(try self.fixture.exchange("GET", "/", many).hasPrefix("HTTP/1.1 431 "))
        let long = "X-Long: " + String(repeating: "l", count: 64 * 1024) + "\r\n"
        #expect(try self.fixture.exchange("GET", "/", long).hasPrefix("HTTP/1.1 431 "))
        let line = "/" + String(repeating: "p", count: 32 * 1024)
        #expect(try self.fixture.exchange("GET", line).hasPrefix("HTTP/1.1 414 "))
        #expect(
            try self.fixture.exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").hasPrefix(
                "HTTP/1.1 400 "))
    }

    @Test("What is not HTTP ends the connection, and the server lives on", arguments: 0..<200)
    func garbage(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // The library overlooks an end that comes together with the last bytes: the deadline finds it.
        let fixture = try ServerFixture(limits: HTTPServerLimits(requestSeconds: 0.04))
        let connection = try fixture.connect()
        connection.send(
            (0..<Int.random(in: 1...2000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            })
        connection.finishSending()
        _ = connection.receiveAll()
        #expect(try fixture.exchange("GET", "/alive").contains("GET /alive"))
    }

    @Test("A response larger than every buffer arrives whole")
    func bigResponse() throws {
        #expect(bodyOf(try self.fixture.exchange("GET", "/big")).utf8.count == 3_000_000)
    }

    @Test("A handler cannot split a response by a line break, nor send an impossible status")
    func unsendable() throws {
        let answer = try self.fixture.exchange("GET", "/headers?v=a%0D%0AX-Evil:%201")
        #expect(answer.hasPrefix("HTTP/1.1 500 "))
        #expect(!answer.contains("X-Evil"))
        #expect(try self.fixture.exchange("GET", "/headers?v=fine").contains("X-Bad: fine\r\n"))
        for status in [-1, 0, 100, 600, 70_000] {
            #expect(try self.fixture.exchange("GET", "/status?s=\(status)").hasPrefix("HTTP/1.1 500 "))
        }
        #expect(try self.fixture.exchange("GET", "/status?s=405").hasPrefix("HTTP/1.1 405 "))
    }
}
