import EventIO
import HTTPServing
import TestKit
import Testing

/// So many slices of one letter each, and how often it was asked.
private final class Letters: HTTPBodySlicing {
    private let left: Lock<(count: Int, asked: Int)>
    private let length: Int

    init(slices: Int, length: Int) {
        self.left = Lock((slices, 0))
        self.length = length
    }

    var asked: Int { self.left.withLock { $0.asked } }

    func nextSlice() -> [UInt8] {
        let letter = self.left.withLock { left -> UInt8? in
            left.asked += 1
            guard left.count > 0 else { return nil }
            left.count -= 1
            return UInt8(ascii: "a") + UInt8(left.count % 26)
        }
        return letter.map { [UInt8](repeating: $0, count: self.length) } ?? []
    }
}

private final class SlicingHandler: HTTPHandling {
    let made = Lock<[Letters]>([])

    func maximumBodyBytes(method: String, path: String) -> Int { 0 }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        guard request.path != "/plain" else {
            return .now(HTTPResponse(status: 200, body: Array("plain".utf8)))
        }
        let letters =
            request.path == "/long"
            ? Letters(slices: 4000, length: 50_000) : Letters(slices: 300, length: 1000)
        self.made.withLock { $0.append(letters) }
        var response = HTTPResponse(status: 200, body: Array("begin".utf8))
        response.slices = letters
        let whole = response
        return request.path == "/later" ? .later { whole } : .now(whole)
    }
}

@Suite("Bodies that are made while they are sent", .timeLimit(.minutes(1)))
struct SlicedBodyTests {
    private final class Fixture: Sendable {
        let loop: EventLoop
        let handler = SlicingHandler()
        let server: HTTPServer

        init() throws {
            self.loop = try EventLoop(name: "slices")
            self.server = try HTTPServer(
                loop: self.loop, address: "127.0.0.1", port: 0, handler: self.handler)
            try self.loop.start()
        }

        deinit {
            self.server.stop()
            self.loop.stop()
            self.loop.join()
        }

        func ask(_ text: String) throws -> TCPConnection {
            let connection = try #require(TCPConnection(toPort: self.server.port))
            connection.send(text)
            return connection
        }
    }

    @Test(
        "All slices arrive behind the beginning, and the connection lives on", arguments: ["/now", "/later"])
    func whole(path: String) throws {
        let fixture = try Fixture()
        let reader = try fixture.ask("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
        let answer = reader.receive(until: "0\r\n\r\n")
        #expect(answer.contains("begin"))
        // 300 slices end with the letter of number 0.
        #expect(answer.utf8.count { $0 == UInt8(ascii: "z") } == 11 * 1000)
        #expect(fixture.handler.made.withLock { $0.first?.asked } == 301)
        reader.send("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(reader.receiveAll().hasSuffix("plain"))
    }

    @Test("Who does not read has few slices made, and others are answered meanwhile")
    func pressure() throws {
        let fixture = try Fixture()
        let stalled = try fixture.ask("GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(stalled.receive(until: "begin").hasPrefix("HTTP/1.1 200 OK\r\n"))
        for _ in 0..<20 {
            let other = try fixture.ask("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(other.receiveAll().hasSuffix("plain"))
        }
        // 200 MB are not made for somebody whose socket takes a few.
        let asked = try #require(fixture.handler.made.withLock { $0.first?.asked })
        #expect(asked < 1000, "\(asked)")
    }

    @Test("A HEAD has nothing made; a client that goes away ends it")
    func ends() async throws {
        let fixture = try Fixture()
        let head = try fixture.ask("HEAD /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(head.receiveAll().hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(fixture.handler.made.withLock { $0.first?.asked } == 0)
        do {
            let gone = try fixture.ask("GET /long HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = gone.receive(until: "begin")
        }
        let next = try fixture.ask("GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(next.receiveAll().hasSuffix("plain"))
    }
}
