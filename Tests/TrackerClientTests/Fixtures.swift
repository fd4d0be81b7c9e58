import EventIO
import Glibc
import HTTPServing
import SwarmTypes
import TestKit
import Testing

@testable import TrackerClient
@testable import TrackerProtocol

typealias Answer = Result<AnnounceAnswer, AnnounceFailure>

func torrent(_ byte: UInt8) throws -> TorrentID {
    try #require(TorrentID(bytes: [UInt8](repeating: byte, count: 20)))
}

func announceRequest(_ event: AnnounceEvent = .started) throws -> AnnounceRequest {
    AnnounceRequest(
        torrent: try torrent(0x61), peerID: try #require(PeerID(bytes: Array("-WE0100-abcdefghijkl".utf8))),
        port: 6881, left: event == .completed ? 0 : 3, event: event, key: 1)
}

/// A client on its loop.
final class ClientFixture: Sendable {
    let loop: EventLoop
    let client: TrackerClient

    init(_ change: (inout TrackerClientSettings) -> Void = { _ in }) throws {
        self.loop = try EventLoop(name: "trackers")
        var settings = TrackerClientSettings(userAgent: "Weir/test")
        settings.udpTiming = UDPTiming(waitSeconds: [5, 5])
        change(&settings)
        self.client = TrackerClient(loop: self.loop, settings: settings)
        try self.loop.start()
    }

    deinit {
        self.loop.post { [client = self.client] in client.close() }
        self.loop.stop()
        self.loop.join()
    }

    func announce(
        _ url: String, _ event: AnnounceEvent = .started, family: AddressFamily = .any,
        deadlineSeconds: Double? = nil
    ) async throws -> Answer {
        let url = try TrackerURL(url)
        var request = try announceRequest(event)
        request.family = family
        let deadline = deadlineSeconds.map { self.loop.now.advanced(bySeconds: $0) }
        return await withCheckedContinuation { continuation in
            self.loop.post { [client = self.client, request] in
                client.announce(request, to: url, priority: .new, deadline: deadline) {
                    continuation.resume(returning: $0)
                }
            }
        }
    }

    func scrape(_ url: String, _ torrents: [TorrentID]) async throws -> Result<ScrapeAnswer, AnnounceFailure>
    {
        let url = try TrackerURL(url)
        return await withCheckedContinuation { continuation in
            self.loop.post { [client = self.client] in
                client.scrape(torrents, at: url) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Runs on the loop and waits for it.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (TrackerClient) -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            self.loop.post { [client = self.client] in continuation.resume(returning: body(client)) }
        }
    }
}

/// An HTTP tracker that answers by what its path says, and remembers what it was asked.
final class HTTPTracker: HTTPHandling {
    struct State {
        var paths: [String] = []
        var requests: [HTTPRequest] = []
        var running = 0
        var mostRunning = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isOpen = false
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    static let body = Array("d8:intervali1800e5:peers6:\u{7F}\u{0}\u{0}\u{1}\u{0}\u{9}e".utf8)

    let state = Lock(State())

    var requests: [HTTPRequest] { self.state.withLock { $0.requests } }

    func maximumBodyBytes(method: String, path: String) -> Int { 1000 }

    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        let seen = self.state.withLock { state in
            state.requests.append(request)
            let count = state.requests.count
            defer { state.watchers.removeAll { $0.count <= count } }
            return state.watchers.filter { $0.count <= count }.map(\.continuation)
        }
        for continuation in seen { continuation.resume() }
        let words = request.path.split(separator: "/").map(String.init)
        func redirect(_ location: String) -> HTTPAnswer {
            .now(HTTPResponse(status: 302, headers: [("Location", location)]))
        }
        switch words.first {
        case "hops":
            let left = Int(words[1]) ?? 0
            return left > 0
                ? redirect("/hops/\(left - 1)/announce") : .now(HTTPResponse(status: 200, body: Self.body))
        case "tofile": return redirect("file:///etc/passwd")
        case "togopher": return redirect("gopher://127.0.0.1/")
        case "torpc": return redirect("/transmission/rpc")
        case "tometadata": return redirect("http://169.254.169.254/announce")
        case "refuse":
            return .now(HTTPResponse(status: 403, body: Array("d14:failure reason10:wrong key!e".utf8)))
        case "missing": return .now(HTTPResponse(status: 404, body: Array("<html>".utf8)))
        case "html": return .now(HTTPResponse(status: 200, body: Array("<html>".utf8)))
        case "bomb": return .now(HTTPResponse(status: 200, body: [UInt8](repeating: 49, count: 3 << 20)))
        case "hold": return .later { await self.hold() }
        case "scrape":
            let hash = String(repeating: "a", count: 20)
            return .now(
                HTTPResponse(
                    status: 200, body: Array("d5:filesd20:\(hash)d8:completei5e10:incompletei6eeee".utf8)))
        default: return .now(HTTPResponse(status: 200, body: Self.body))
        }
    }

    /// Returns once it has been asked so often.
    func asked(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = self.state.withLock { state in
                if state.requests.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets all that wait, now and later, have their answer.
    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func hold() async -> HTTPResponse {
        await withCheckedContinuation { continuation in
            let isOpen = self.state.withLock { state in
                state.running += 1
                state.mostRunning = max(state.mostRunning, state.running)
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
        self.state.withLock { $0.running -= 1 }
        return HTTPResponse(status: 200, body: Self.body)
    }
}

/// A UDP tracker on loopback that answers each datagram by a script: what it got, and which one it is.
final class UDPTracker: Sendable {
    typealias Script = @Sendable (_ datagram: [UInt8], _ index: Int) -> [[UInt8]]

    let port: UInt16
    private let loop: EventLoop
    private let received = Lock<[[UInt8]]>([])

    init(isIPv6: Bool = false, _ script: @escaping Script) throws {
        self.loop = try EventLoop(name: "tracker")
        let address = try #require(PeerAddress(isIPv6 ? "[::1]:0" : "127.0.0.1:0"))
        let descriptor = socket(
            address.socketFamily, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        try #require(address.withSocketAddress { bind(descriptor, $0, $1) } == 0)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bound = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        try #require(bound == 0)
        self.port = try #require(PeerAddress(&storage, length: Int(length))).port
        self.loop.post { [loop = self.loop, weak self] in
            try? loop.watch(descriptor, for: .readable) { [weak self] _ in
                self?.answer(descriptor, script)
            }
        }
        _ = self.loop.whenEnding { close(descriptor) }
        try self.loop.start()
    }

    deinit {
        self.loop.stop()
        self.loop.join()
    }

    var datagrams: [[UInt8]] { self.received.withLock { $0 } }

    /// The action of each datagram: 0 connect, 1 announce, 2 scrape.
    var actions: [UInt8] { self.datagrams.map { $0.count >= 12 ? $0[11] : 255 } }

    private func answer(_ descriptor: Int32, _ script: Script) {
        var buffer = [UInt8](repeating: 0, count: 2048)
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
            }
        }
        guard count >= 0, let sender = PeerAddress(&storage, length: Int(length)) else { return }
        let datagram = Array(buffer[..<count])
        let index = self.received.withLock { all in
            all.append(datagram)
            return all.count - 1
        }
        for reply in script(datagram, index) {
            _ = sender.withSocketAddress { sendto(descriptor, reply, reply.count, 0, $0, $1) }
        }
    }

    /// What a good tracker says: connection 7, then an interval of 1800, one leech, two seeds and the peer 192.0.2.1:9.
    static func goodReply(to datagram: [UInt8]) -> [UInt8] {
        guard datagram.count >= 16 else { return [] }
        let head = Array(datagram[8..<16])
        switch datagram[11] {
        case 0: return head + [0, 0, 0, 0, 0, 0, 0, 7]
        case 1: return head + [0, 0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2, 192, 0, 2, 1, 0, 9]
        default: return head + [0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0, 6]
        }
    }
}
