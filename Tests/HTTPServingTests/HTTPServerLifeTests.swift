import EventIO
import Glibc
import HTTPServing
import TestKit
import Testing

@Suite("The life of an HTTP server and its connections", .timeLimit(.minutes(1)))
struct HTTPServerLifeTests {
    /// Lets the loop turn until the condition holds there.
    private func wait(on loop: EventLoop, until condition: @Sendable () -> Bool) async throws {
        while !condition() { try await loop.sleep(seconds: 0.001) }
    }

    @Test("An answer that comes later blocks nobody else")
    func laterAnswer() async throws {
        let fixture = try ServerFixture()
        let waiting = try fixture.connect()
        waiting.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
        try await self.wait(on: fixture.loop) { fixture.handler.gate.waitingCount == 1 }
        #expect(try fixture.exchange("GET", "/other").contains("GET /other"))
        fixture.handler.gate.open()
        #expect(waiting.receive(until: "at last").contains("HTTP/1.1 200 OK"))
        waiting.send("GET /after HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(waiting.receiveAll().contains("GET /after"))
    }

    @Test("A client that goes away while its answer is made leaves nothing behind")
    func vanishingClients() async throws {
        let fixture = try ServerFixture(limits: HTTPServerLimits(connections: 8))
        for round in 1...5 {
            for index in 0..<8 {
                let connection = try fixture.connect()
                connection.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
                try await self.wait(on: fixture.loop) { fixture.handler.gate.waitingCount == index + 1 }
                if index % 2 == round % 2 { connection.resetOnClose() }
            }
            fixture.handler.gate.openOnce()
            // All eight places must be free again for the next round.
        }
        #expect(try fixture.exchange("GET", "/free").contains("GET /free"))
    }

    @Test("Stopping answers who waits, frees the port, and drops late answers")
    func stopWithWaiting() async throws {
        let fixture = try ServerFixture()
        let waiting = try fixture.connect()
        waiting.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
        try await self.wait(on: fixture.loop) { fixture.handler.gate.waitingCount == 1 }
        let idle = try fixture.connect()
        fixture.server.stop()
        fixture.server.stop()
        let answer = waiting.receiveAll()
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(idle.receiveAll().isEmpty)
        #expect(TCPConnection(toPort: fixture.server.port) == nil)
        fixture.handler.gate.open()
        let next = try HTTPServer(
            loop: fixture.loop, address: "127.0.0.1", port: fixture.server.port, handler: fixture.handler)
        #expect(next.port == fixture.server.port)
        #expect(try fixture.exchange("GET", "/next").contains("GET /next"))
    }

    @Test("A connection that trickles is cut off at its deadline, idle or not, first request or later")
    func slowloris() async throws {
        let fixture = try ServerFixture(limits: HTTPServerLimits(idleSeconds: 0, requestSeconds: 0.1))
        let silent = try fixture.connect()
        let trickling = try fixture.connect()
        let second = try fixture.connect()
        second.send("GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(second.receive(until: "127.0.0.1").contains("GET /one"))
        var sent = 0
        for byte in "GET / HTTP/1.1\r\nX-A: ".utf8 + Array(repeating: 0x61, count: 2000) {
            guard trickling.send([byte]), second.send([byte]) else { break }
            sent += 1
            try await fixture.loop.sleep(seconds: 0.005)
        }
        #expect(sent < 1000)
        #expect(silent.receiveAll().isEmpty)
        #expect(second.receiveAll().isEmpty)
        #expect(try fixture.exchange("GET", "/alive").contains("GET /alive"))
    }

    @Test("A client that does not read its response is cut off")
    func slowReader() async throws {
        let fixture = try ServerFixture(
            limits: HTTPServerLimits(connections: 1, requestSeconds: 0.1, responseSeconds: 0.1))
        let lazy = try fixture.connect()
        for _ in 0..<8 { lazy.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n") }
        // The only place becomes free without the lazy client's help.
        #expect(try fixture.exchange("GET", "/alive").contains("GET /alive"))
        withExtendedLifetime(lazy) {}
    }

    @Test("An answer in the making is no reason to cut a connection off")
    func laterAnswerHasNoDeadline() async throws {
        let fixture = try ServerFixture(limits: HTTPServerLimits(idleSeconds: 1, requestSeconds: 0.04))
        let waiting = try fixture.connect()
        waiting.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n")
        try await fixture.loop.sleep(seconds: 1.5)
        fixture.handler.gate.open()
        #expect(waiting.receive(until: "at last").hasPrefix("HTTP/1.1 200"))
    }

    @Test("More connections than allowed wait for a place")
    func connectionLimit() async throws {
        let fixture = try ServerFixture(limits: HTTPServerLimits(connections: 4))
        var held: [TCPConnection] = []
        for _ in 0..<4 {
            let connection = try fixture.connect()
            connection.send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(connection.receive(until: "127.0.0.1").contains("GET /held"))
            held.append(connection)
        }
        let extra = try fixture.connect()
        extra.send("GET /extra HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        held.removeFirst()
        #expect(extra.receiveAll().contains("GET /extra"))
    }

    @Test("Why a server cannot listen has a name")
    func failures() throws {
        let loop = try EventLoop(name: "failures")
        try loop.start()
        defer {
            loop.stop()
            loop.join()
        }
        let handler = EchoHandler()
        let first = try HTTPServer(loop: loop, address: "127.0.0.1", port: 0, handler: handler)
        #expect(throws: HTTPServerFailure.addressInUse("127.0.0.1:\(first.port)")) {
            try HTTPServer(loop: loop, address: "127.0.0.1", port: first.port, handler: handler)
        }
        for address in ["localhost", "", "1.2.3", "999.1.1.1", "192.0.2.1", "2001:db8::1"] {
            #expect { try HTTPServer(loop: loop, address: address, port: 0, handler: handler) } throws: {
                error in
                guard case .addressInvalid = error as? HTTPServerFailure else { return false }
                return true
            }
        }
        if geteuid() != 0 {
            #expect(throws: HTTPServerFailure.notPermitted("127.0.0.1:1")) {
                try HTTPServer(loop: loop, address: "127.0.0.1", port: 1, handler: handler)
            }
        }
    }

    @Test("The wildcard address takes IPv4 peers, and shows them as such")
    func dualStack() throws {
        let loop = try EventLoop(name: "dual")
        guard let server = try self.serverOnAllAddresses(loop) else { return }
        try loop.start()
        defer {
            server.stop()
            loop.stop()
            loop.join()
        }
        let connection = try #require(TCPConnection(toPort: server.port))
        connection.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(bodyOf(connection.receiveAll()).hasSuffix(" 127.0.0.1"))
    }

    /// Nil on a machine without IPv6.
    private func serverOnAllAddresses(_ loop: EventLoop) throws -> HTTPServer? {
        do {
            return try HTTPServer(loop: loop, address: "::", port: 0, handler: EchoHandler())
        } catch {
            guard case .addressInvalid = error else { throw error }
            return nil
        }
    }

    @Test("A request that comes in the last moment is answered, but not begun")
    func requestWhileStopping() throws {
        let loop = try EventLoop(name: "stopping")
        let handler = EchoHandler()
        final class Late: Sendable { let connection = Lock<TCPConnection?>(nil) }
        let late = Late()
        // Told of the end before the server, which was made later.
        _ = loop.whenEnding {
            late.connection.withLock { _ = $0?.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n") }
        }
        let server = try HTTPServer(loop: loop, address: "127.0.0.1", port: 0, handler: handler)
        try loop.start()
        let connection = try #require(TCPConnection(toPort: server.port))
        connection.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(connection.receive(until: "127.0.0.1").contains("GET /first"))
        late.connection.withLock { $0 = connection }
        loop.stop()
        loop.join()
        #expect(connection.receiveAll().hasPrefix("HTTP/1.1 503 "))
        #expect(handler.gate.waitingCount == 0)
    }

    @Test("A server on a loop that has ended does not listen")
    func endedLoop() throws {
        let loop = try EventLoop(name: "ended")
        try loop.start()
        loop.stop()
        loop.join()
        let server = try HTTPServer(loop: loop, address: "127.0.0.1", port: 0, handler: EchoHandler())
        #expect(TCPConnection(toPort: server.port) == nil)
        server.stop()
    }

    @Test("A server that nobody holds stops")
    func releasedServer() throws {
        let loop = try EventLoop(name: "released")
        try loop.start()
        defer {
            loop.stop()
            loop.join()
        }
        weak var handler: EchoHandler?
        var port: UInt16 = 0
        do {
            let kept = EchoHandler()
            handler = kept
            port = try HTTPServer(loop: loop, address: "127.0.0.1", port: 0, handler: kept).port
        }
        loop.stop()
        loop.join()
        #expect(TCPConnection(toPort: port) == nil)
        #expect(handler == nil)
    }
}

extension Gate {
    /// Lets through who waits now.
    fileprivate func openOnce() {
        self.open()
        self.close()
    }
}
