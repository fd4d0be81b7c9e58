import CMicrohttpd
import EventIO
import Glibc
import SwarmTypes

/// A response in the making, as the library knows it: from its head to its last byte or the connection's end. On the loop alone.
final class StreamedBody {
    let exchange: Exchange
    let stream: ResponseStream
    unowned let driver: ServerDriver
    /// Nothing waits, so the library does not ask.
    var isSuspended = false

    init(_ exchange: Exchange, _ stream: ResponseStream, _ driver: ServerDriver) {
        self.exchange = exchange
        self.stream = stream
        self.driver = driver
    }
}

/// Responses that grow.
extension ServerDriver {
    /// Answers with the head, and gives the stream to its owner.
    func begin(
        _ head: HTTPResponse, _ exchange: Exchange, _ owner: @Sendable (ResponseStream) -> Void
    ) -> Bool {
        guard self.streams.count < self.limits.streams else {
            return self.send(.tooManyStreams(maximum: self.limits.streams), exchange)
        }
        let stream = ResponseStream(maximumWaitingBytes: self.limits.waitingBytesPerStream) {
            [wakes = self.wakes] in
            wakes.add($0)
        }
        let body = StreamedBody(exchange, stream, self)
        let context = Unmanaged.passRetained(body)
        let handle = MHD_create_response_from_callback(
            UInt64.max, 8 * 1024, readStream, context.toOpaque(), releaseStream)
        guard let handle else {
            context.release()
            return self.send(.unsendable(), exchange)
        }
        exchange.phase = .streaming(stream)
        exchange.client.deadline = self.now.advanced(bySeconds: self.limits.responseSeconds)
        guard Self.queue(head, handle, exchange.connection) else {
            stream.close()
            return self.send(.unsendable(), exchange)
        }
        self.streams[ObjectIdentifier(stream)] = body
        if !head.body.isEmpty { stream.send(head.body) }
        owner(stream)
        return true
    }

    /// The library asks for more of the body.
    fileprivate func read(_ body: StreamedBody, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        switch body.stream.fill(buffer) {
        case .wrote(let count):
            body.exchange.client.deadline = self.now.advanced(bySeconds: self.limits.responseSeconds)
            return count
        case .wait where self.isStopping:
            return endOfStream
        case .wait:
            body.isSuspended = true
            // Who has read all there is may take its time.
            body.exchange.client.deadline = nil
            MHD_suspend_connection(body.exchange.connection)
            return 0
        case .end:
            return endOfStream
        }
    }

    /// Serves all streams that something was sent to since the last turn, in one turn.
    func serve(_ woken: [ResponseStream]) {
        var hasResumed = false
        for stream in woken {
            guard let body = self.streams[ObjectIdentifier(stream)] else { continue }
            if stream.woken() { shutdown(body.exchange.client.socket, Int32(SHUT_RDWR)) }
            if self.resume(body) { hasResumed = true }
        }
        if hasResumed { self.run() }
    }

    private func resume(_ body: StreamedBody) -> Bool {
        guard body.isSuspended else { return false }
        body.isSuspended = false
        body.exchange.client.deadline = self.now.advanced(bySeconds: self.limits.responseSeconds)
        MHD_resume_connection(body.exchange.connection)
        return true
    }

    /// The library must not end with one suspended.
    func endStreams() {
        for body in self.streams.values {
            body.stream.end()
            _ = self.resume(body)
        }
    }
}

/// Streams that something was sent to, until the loop's next turn: one turn serves all of them.
final class StreamWakes: Sendable {
    private let loop: EventLoop
    /// An object, not a bare closure: each access to one behind a lock would wrap it once more (`LayerTests`).
    private final class Serving: Sendable {
        let body: @Sendable ([ResponseStream]) -> Void

        init(_ body: @escaping @Sendable ([ResponseStream]) -> Void) { self.body = body }
    }

    private let serve = Lock<Serving?>(nil)
    private let waiting = Lock<[ResponseStream]>([])

    init(_ loop: EventLoop) { self.loop = loop }

    func use(_ serve: (@Sendable ([ResponseStream]) -> Void)?) {
        let serving = serve.map { Serving($0) }
        self.serve.withLock { $0 = serving }
    }

    func add(_ stream: ResponseStream) {
        let isFirst = self.waiting.withLock { waiting in
            waiting.append(stream)
            return waiting.count == 1
        }
        guard isFirst else { return }
        self.loop.post {
            let woken = self.waiting.withLock { waiting in
                defer { waiting = [] }
                return waiting
            }
            self.serve.withLock { $0 }?.body(woken)
        }
    }
}

/// `MHD_CONTENT_READER_END_OF_STREAM`.
private let endOfStream = -1

private func readStream(
    context: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, maximum: Int
) -> Int {
    guard let context, let buffer else { return endOfStream }
    let body = Unmanaged<StreamedBody>.fromOpaque(context).takeUnretainedValue()
    return body.driver.read(body, into: UnsafeMutableRawBufferPointer(start: buffer, count: maximum))
}

private func releaseStream(context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<StreamedBody>.fromOpaque(context).release()
}
