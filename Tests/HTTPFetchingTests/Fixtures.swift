import EventIO
import HTTPFetching
import HTTPServing
import TestKit
import Testing

/// Answers for the fetcher's tests.
final class Answers: HTTPHandling {
    func maximumBodyBytes(method: String, path: String) -> Int { 4 << 20 }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        switch request.path {
        case "/bytes":
            let count = Int(request.query.first?.value ?? "") ?? 0
            return .now(HTTPResponse(status: 200, body: (0..<count).map { UInt8(truncatingIfNeeded: $0) }))
        case "/redirect":
            return .now(HTTPResponse(status: 302, headers: [("Location", "/bytes?n=5")]))
        case "/fail":
            return .now(HTTPResponse(status: 500, body: Array("sorry".utf8)))
        default:
            let headers = request.headers.map { "\($0.name): \($0.value)\n" }.joined()
            return .now(
                HTTPResponse(
                    status: 200, headers: [("X-One", "1"), ("x-one", "2")],
                    body: Array("\(request.method) \(request.path)\n\(headers)\n".utf8) + request.body))
        }
    }
}

/// A fetcher on its loop.
final class FetcherFixture: Sendable {
    let loop: EventLoop
    let fetcher: HTTPFetcher

    init() throws {
        self.loop = try EventLoop(name: "fetcher")
        self.fetcher = HTTPFetcher(loop: self.loop, userAgent: "Weir/test", maximumConnectionsPerHost: 2)
        try self.loop.start()
    }

    deinit {
        self.loop.stop()
        self.loop.join()
    }

    func get(
        _ url: String, maximumBodyBytes: Int = 1 << 20, timeoutSeconds: Double = 10,
        into sink: (any BodySink)? = nil
    ) async throws(FetchFailure) -> FetchResponse {
        try await self.fetcher.fetch(
            FetchRequest(url: url, timeoutSeconds: timeoutSeconds, maximumBodyBytes: maximumBodyBytes),
            into: sink)
    }

    /// What came of a request to a server that plays `reply` to whatever it is asked, and closes.
    func failure(
        for reply: [UInt8], maximumBodyBytes: Int = 1 << 20, timeoutSeconds: Double = 10
    ) async -> FetchFailure? {
        let server = ScriptedServer { connection in
            _ = connection.receive(until: "\r\n\r\n")
            connection.send(reply)
        }
        do {
            _ = try await self.get(
                "http://127.0.0.1:\(server.port)/", maximumBodyBytes: maximumBodyBytes,
                timeoutSeconds: timeoutSeconds)
            return nil
        } catch {
            return error
        }
    }
}

/// Collects a body, and refuses the piece that would make it longer than allowed.
final class CollectingSink: BodySink {
    private let state = Lock<(bytes: [UInt8], calls: Int)>(([], 0))
    private let maximum: Int
    private let loop: EventLoop

    init(loop: EventLoop, maximum: Int = .max) {
        self.loop = loop
        self.maximum = maximum
    }

    var bytes: [UInt8] { self.state.withLock { $0.bytes } }
    var calls: Int { self.state.withLock { $0.calls } }

    func receive(_ bytes: Span<UInt8>) -> Bool {
        self.loop.checkIsolated()
        let piece = bytes.withUnsafeBufferPointer { Array($0) }
        let count = self.state.withLock { state in
            state.calls += 1
            state.bytes += piece
            return state.bytes.count
        }
        return count <= self.maximum
    }
}

/// Counts on any thread.
final class Counter: Sendable {
    private let count = Lock(0)

    var value: Int { self.count.withLock { $0 } }

    func add() { self.count.withLock { $0 += 1 } }
}
