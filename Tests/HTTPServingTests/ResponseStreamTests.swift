import EventIO
import HTTPServing
import TestKit
import Testing

/// Keeps the streams that it opens.
final class StreamingHandler: HTTPHandling {
    private let kept = Lock<[ResponseStream]>([])
    private let over = Lock(0)

    var streams: [ResponseStream] { self.kept.withLock { $0 } }
    var endings: Int { self.over.withLock { $0 } }

    func maximumBodyBytes(method: String, path: String) -> Int { 0 }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        guard request.path == "/events" else {
            return .now(HTTPResponse(status: 200, body: Array("plain".utf8)))
        }
        let head = HTTPResponse(
            status: 200, headers: [("Content-Type", "text/event-stream")], body: Array(": hello\n\n".utf8))
        return .streaming(head) { stream in
            stream.whenOver { self.over.withLock { $0 += 1 } }
            self.kept.withLock { $0.append(stream) }
        }
    }
}

@Suite("Responses that grow", .timeLimit(.minutes(1)))
struct ResponseStreamTests {
    private final class Fixture: Sendable {
        let loop: EventLoop
        let handler = StreamingHandler()
        let server: HTTPServer

        init(limits: HTTPServerLimits = HTTPServerLimits()) throws {
            self.loop = try EventLoop(name: "streams")
            self.server = try HTTPServer(
                loop: self.loop, address: "127.0.0.1", port: 0, handler: self.handler, limits: limits)
            try self.loop.start()
        }

        deinit {
            self.server.stop()
            self.loop.stop()
            self.loop.join()
        }

        func open() throws -> TCPConnection {
            let connection = try #require(TCPConnection(toPort: self.server.port))
            connection.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
            return connection
        }

        func wait(until condition: @Sendable (StreamingHandler) -> Bool) async throws {
            while !condition(self.handler) { try await self.loop.sleep(seconds: 0.001) }
        }
    }

    @Test("What is sent arrives in order and at once, until the end")
    func order() throws {
        let fixture = try Fixture()
        let reader = try fixture.open()
        #expect(reader.receive(until: ": hello\n\n").hasPrefix("HTTP/1.1 200 OK\r\n"))
        let stream = try #require(fixture.handler.streams.first)
        for number in 1...300 {
            #expect(stream.send(Array("id: \(number)\n\n".utf8)))
            if number % 7 == 0 {
                #expect(reader.receive(until: "id: \(number)\n\n").contains("id: \(number)\n"))
            }
        }
        stream.end()
        #expect(!stream.send([1]))
        let rest = reader.receive(until: "0\r\n\r\n")
        #expect(rest.contains("id: 300\n"))
        // The connection lives on.
        reader.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(reader.receiveAll().hasSuffix("plain"))
    }

    @Test("A chunk larger than every buffer arrives whole")
    func bigChunk() throws {
        let fixture = try Fixture()
        let reader = try fixture.open()
        _ = reader.receive(until: ": hello\n\n")
        let stream = try #require(fixture.handler.streams.first)
        #expect(stream.send(Array(repeating: UInt8(ascii: "x"), count: 900_000)))
        stream.end()
        #expect(reader.receive(until: "0\r\n\r\n").count { $0 == "x" } == 900_000)
    }

    @Test("Five hundred readers get every event, and other requests are answered meanwhile")
    func manyReaders() async throws {
        let fixture = try Fixture()
        let readers = try (0..<500).map { _ in try fixture.open() }
        try await fixture.wait { $0.streams.count == 500 }
        for number in 1...5 {
            let event = Array("id: \(number)\n\n".utf8)
            for stream in fixture.handler.streams { #expect(stream.send(event)) }
            let other = try #require(TCPConnection(toPort: fixture.server.port))
            other.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(other.receiveAll().hasSuffix("plain"))
        }
        for stream in fixture.handler.streams { stream.end() }
        for reader in readers {
            let all = reader.receive(until: "0\r\n\r\n")
            #expect((1...5).allSatisfy { all.contains("id: \($0)\n") })
        }
    }

    @Test("Who does not read is cut off at the bound, and costs nobody else anything")
    func stalledReader() async throws {
        let fixture = try Fixture(limits: HTTPServerLimits(waitingBytesPerStream: 100_000))
        let stalled = try fixture.open()
        try await fixture.wait { $0.streams.count == 1 }
        let reader = try fixture.open()
        try await fixture.wait { $0.streams.count == 2 }
        _ = reader.receive(until: ": hello\n\n")
        let event = Array(repeating: UInt8(ascii: "e"), count: 50_000) + [UInt8(ascii: "!")]
        var sent = 0
        while fixture.handler.streams[0].send(event) {
            sent += 1
            #expect(fixture.handler.streams[1].send(event))
            #expect(reader.receive(until: "!").hasSuffix("!"))
            try #require(sent < 10_000)
        }
        try await fixture.wait { $0.endings == 1 }
        #expect(!fixture.handler.streams[0].send(event))
        #expect(fixture.handler.streams[1].send(event))
        #expect(reader.receive(until: "!").hasSuffix("!"))
        withExtendedLifetime(stalled) {}
    }

    @Test("Who takes nothing for too long is cut off though little waits")
    func slowReader() async throws {
        let fixture = try Fixture(
            limits: HTTPServerLimits(
                requestSeconds: 0.04, responseSeconds: 0.1, waitingBytesPerStream: 1 << 30))
        let stalled = try fixture.open()
        try await fixture.wait { $0.streams.count == 1 }
        fixture.handler.streams[0].send(Array(repeating: 0x65, count: 30_000_000))
        try await fixture.wait { $0.endings == 1 }
        withExtendedLifetime(stalled) {}
    }

    @Test("A reader without news is no reason to cut it off")
    func quietReader() async throws {
        let fixture = try Fixture(
            limits: HTTPServerLimits(idleSeconds: 1, requestSeconds: 0.04, responseSeconds: 0.04))
        let reader = try fixture.open()
        _ = reader.receive(until: ": hello\n\n")
        try await fixture.loop.sleep(seconds: 1.5)
        #expect(fixture.handler.streams[0].send(Array("news\n\n".utf8)))
        #expect(reader.receive(until: "news\n\n").hasSuffix("news\n\n"))
    }

    @Test("A reader that went away is noticed when something is sent to it")
    func vanishedReader() async throws {
        let fixture = try Fixture()
        do {
            let reader = try fixture.open()
            _ = reader.receive(until: ": hello\n\n")
            reader.resetOnClose()
        }
        let stream = try #require(fixture.handler.streams.first)
        while stream.send(Array(": still there?\n\n".utf8)) { try await fixture.loop.sleep(seconds: 0.001) }
        #expect(fixture.handler.endings == 1)
        stream.end()
    }

    @Test("Stopping ends every stream, told or not, and the port is free")
    func stopping() throws {
        let fixture = try Fixture()
        let readers = try (0..<20).map { _ in try fixture.open() }
        for reader in readers { _ = reader.receive(until: ": hello\n\n") }
        fixture.handler.streams[0].send(Array("last\n\n".utf8))
        fixture.server.stop()
        for reader in readers { #expect(reader.receiveAll().hasSuffix("0\r\n\r\n")) }
        #expect(TCPConnection(toPort: fixture.server.port) == nil)
        #expect(fixture.handler.endings == 20)
        for stream in fixture.handler.streams { #expect(!stream.send([1])) }
    }

    @Test("A HEAD opens no stream, and there is one place less for each that is open")
    func limits() throws {
        let fixture = try Fixture(limits: HTTPServerLimits(streams: 1))
        let head = try #require(TCPConnection(toPort: fixture.server.port))
        head.send("HEAD /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(head.receiveAll().contains("text/event-stream"))
        #expect(fixture.handler.streams.isEmpty)
        let first = try fixture.open()
        _ = first.receive(until: ": hello\n\n")
        #expect(try fixture.open().receive(until: "}\n").contains("too_many_streams"))
        fixture.handler.streams[0].end()
        _ = first.receive(until: "0\r\n\r\n")
        #expect(try fixture.open().receive(until: ": hello\n\n").hasPrefix("HTTP/1.1 200"))
    }
}
