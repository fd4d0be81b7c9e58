import CLinuxIO
import Glibc

/// Answers lines on a Unix domain socket: each client sends one line, gets one answer, and is closed.
///
/// Nothing that a client does, or does not do, holds the loop or costs more than bounded memory: a request has a
/// limit in bytes, an answer is made piece by piece as the client takes it, and both have a limit in time.
///
/// `@unchecked Sendable`: touched on the loop alone.
public final class LocalLineServer: @unchecked Sendable {
    /// Makes the next piece of an answer, nil at its end. Called on the loop.
    public typealias Pieces = @Sendable () -> [UInt8]?
    /// Takes an answer, on any thread; nil for what is not understood.
    public typealias Reply = @Sendable (Pieces?) -> Void

    public struct Limits: Sendable {
        /// Beyond these, others wait in the kernel's queue.
        public var clients = 16
        public var requestBytes = 4096
        /// For the request to come, and again for the answer to be taken.
        public var seconds = 5.0

        public init() {}
    }

    private final class Client {
        let descriptor: Int32
        var timer: TimerToken?
        var request: [UInt8] = []
        /// Tells it from those who have the same descriptor later.
        var number = 0
        /// The request is whole.
        var hasAsked = false
        /// Nil until there is an answer.
        var pieces: Pieces?
        var piece: [UInt8] = []
        var sentOfPiece = 0

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { Glibc.close(self.descriptor) }
    }

    private static let retrySeconds = 0.5

    private let loop: EventLoop
    private let directory: LocalDirectory
    private let limits: Limits
    private let answer: @Sendable (String, @escaping Reply) -> Void
    private let listener: Int32
    public let name: String
    private var isListening = false
    private var isClosed = false
    private var clients: [Int32: Client] = [:]
    private var nextAsker = 0
    private var ending: TimerToken?

    /// Must be called on the loop. `answer` gets a request without its line end, and answers nil for what it does not
    /// understand: that client is closed.
    public convenience init(
        loop: EventLoop, directory: LocalDirectory, name: String, limits: Limits = Limits(),
        answer: @escaping @Sendable (String) -> Pieces?
    ) throws(LocalDirectoryFailure) {
        try self.init(loop: loop, directory: directory, name: name, limits: limits) { line, reply in
            reply(answer(line))
        }
    }

    /// The same for answers that take their time; a reply after the limit of seconds is too late.
    public init(
        loop: EventLoop, directory: LocalDirectory, name: String, limits: Limits = Limits(),
        answering answer: @escaping @Sendable (String, @escaping Reply) -> Void
    ) throws(LocalDirectoryFailure) {
        self.loop = loop
        self.directory = directory
        self.limits = limits
        self.answer = answer
        (self.listener, self.name) = try directory.listen(as: name)
        self.listenAgain()
        self.ending = loop.whenEnding { [weak self] in self?.close() }
    }

    /// The watches hold no reference to it, so that this may run on any thread once the loop has ended.
    deinit { if !self.isClosed { Glibc.close(self.listener) } }

    /// Ends all clients and removes the socket. On the loop.
    public func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        if let ending = self.ending { self.loop.cancel(ending) }
        self.loop.unwatch(self.listener)
        self.directory.remove(self.name)
        Glibc.close(self.listener)
        for client in self.clients.values { self.drop(client) }
    }

    /// Clients that are being served.
    public var clientCount: Int { self.clients.count }

    private func listenAgain() {
        guard !self.isListening, !self.isClosed else { return }
        do throws(SystemCallFailure) {
            try self.loop.watch(self.listener, for: .readable) { [weak self] _ in self?.accept() }
            self.isListening = true
        } catch {
            self.retryListening()
        }
    }

    private func retryListening() {
        self.loop.schedule(afterSeconds: Self.retrySeconds) { [weak self] in self?.listenAgain() }
    }

    private func pauseListening() {
        guard self.isListening else { return }
        self.loop.unwatch(self.listener)
        self.isListening = false
    }

    private func accept() {
        while self.clients.count < self.limits.clients {
            let descriptor = weir_accept(self.listener, nil, nil)
            if descriptor >= 0 {
                self.begin(Client(descriptor))
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return
            default:
                // Such as no free descriptor: the next try would fail as well.
                self.pauseListening()
                return self.retryListening()
            }
        }
        self.pauseListening()
    }

    private func begin(_ client: Client) {
        let descriptor = client.descriptor
        do throws(SystemCallFailure) {
            try self.loop.watch(descriptor, for: .readable) { [weak self] readiness in
                guard let self, let client = self.clients[descriptor] else { return }
                if !client.hasAsked {
                    self.read(client)
                } else if client.pieces != nil {
                    self.write(client, readiness)
                } else {
                    // Nothing else is watched for while it waits: it has gone.
                    self.drop(client)
                }
            }
            self.clients[descriptor] = client
            self.arm(client)
        } catch {
            // The client is let go of, and closed with that.
        }
    }

    private func arm(_ client: Client) {
        if let timer = client.timer { self.loop.cancel(timer) }
        let descriptor = client.descriptor
        client.timer = self.loop.schedule(afterSeconds: self.limits.seconds) { [weak self] in
            if let self, let client = self.clients[descriptor] { self.drop(client) }
        }
    }

    private func drop(_ client: Client) {
        if let timer = client.timer { self.loop.cancel(timer) }
        self.loop.unwatch(client.descriptor)
        self.clients[client.descriptor] = nil
        self.listenAgain()
    }

    private func read(_ client: Client) {
        var buffer = [UInt8](repeating: 0, count: self.limits.requestBytes)
        let count = recv(client.descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        guard count > 0 else { return self.drop(client) }
        let news = buffer.prefix(count)
        guard let end = news.firstIndex(of: UInt8(ascii: "\n")) else {
            client.request += news
            if client.request.count >= self.limits.requestBytes { self.drop(client) }
            return
        }
        client.request += news[..<end]
        guard client.request.count < self.limits.requestBytes,
            let line = String(validating: client.request, as: UTF8.self)
        else { return self.drop(client) }
        client.request = []
        client.hasAsked = true
        self.watch(client, for: [])
        let descriptor = client.descriptor
        self.nextAsker += 1
        client.number = self.nextAsker
        let number = client.number
        self.answer(line) { [weak self, loop] pieces in
            loop.post { [self] in self?.reply(pieces, to: descriptor, number) }
        }
    }

    /// Its descriptor may be another's by now, its number is not.
    private func reply(_ pieces: Pieces?, to descriptor: Int32, _ number: Int) {
        guard let client = self.clients[descriptor], client.number == number else { return }
        guard let pieces else { return self.drop(client) }
        client.pieces = pieces
        self.arm(client)
        self.watch(client, for: .writable)
    }

    private func watch(_ client: Client, for interest: Readiness) {
        do throws(SystemCallFailure) {
            try self.loop.modify(client.descriptor, for: interest)
        } catch {
            self.drop(client)
        }
    }

    /// One piece at most, so that others have their turn between two.
    private func write(_ client: Client, _ readiness: Readiness) {
        guard !readiness.contains(.hungUp) else { return self.drop(client) }
        if client.sentOfPiece == client.piece.count {
            guard let piece = client.pieces?() else { return self.drop(client) }
            client.piece = piece
            client.sentOfPiece = 0
        }
        let (sent, total) = (client.sentOfPiece, client.piece.count)
        let count = client.piece.withUnsafeBytes { bytes in
            send(client.descriptor, bytes.baseAddress?.advanced(by: sent), total - sent, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 {
            client.sentOfPiece += count
        } else if errno != EAGAIN, errno != EINTR {
            self.drop(client)
        }
    }
}
