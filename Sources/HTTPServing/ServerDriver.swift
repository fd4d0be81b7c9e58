import CMicrohttpd
import EventIO
import Glibc
import SwarmTypes

/// Drives libmicrohttpd from an event loop: runs it when its descriptor is readable or its time has come.
///
/// `@unchecked Sendable`: after `init` everything is touched on the loop alone. The library calls back only
/// from within `run` and `stop`, and the loop's closures hold the driver until `stop` has ended the library.
final class ServerDriver: @unchecked Sendable {
    let loop: EventLoop
    let handler: any HTTPHandling
    let limits: HTTPServerLimits
    /// As of the last turn; close enough for deadlines of seconds.
    var now: Instant

    /// Nil once stopped.
    private var listening: ListeningSocket?
    /// Nil once stopped.
    private var daemon: OpaquePointer?
    /// No request is given to the handler any more: the library must not end with one suspended.
    private(set) var isStopping = false
    /// The library is on the stack and must not be entered again.
    private var isInside = false
    /// A connection has ended. Where there were as many as allowed, or as the process may have descriptors,
    /// the library begins to accept again with the turn after that, for which it asks in no other way.
    private var hasFreedPlace = false
    private var timer: (token: TimerToken, deadline: Instant)?
    private var sweep: TimerToken?
    private var ending: TimerToken?
    private var clients: [ObjectIdentifier: ClientConnection] = [:]
    private var suspended: [UInt64: Exchange] = [:]
    private var lastSuspension: UInt64 = 0
    let wakes: StreamWakes
    var streams: [ObjectIdentifier: StreamedBody] = [:]

    init(
        loop: EventLoop, listening: consuming ListeningSocket, handler: any HTTPHandling,
        limits: HTTPServerLimits
    ) throws(HTTPServerFailure) {
        self.loop = loop
        self.handler = handler
        self.limits = limits
        self.now = loop.now
        self.wakes = StreamWakes(loop)
        let (descriptor, port) = (listening.descriptor, listening.port)
        self.listening = consume listening
        let daemon = weir_mhd_start(
            descriptor, Unmanaged.passUnretained(self).toOpaque(), handleRequest, requestCompleted,
            connectionChanged, requestLineRead, UInt32(clamping: limits.connections),
            limits.memoryPerConnection,
            UInt32(clamping: limits.idleSeconds))
        guard let daemon else {
            throw .other("port \(port)", call: "MHD_start_daemon", code: errno)
        }
        self.daemon = daemon
        // Let go of by `stop`.
        self.wakes.use { self.serve($0) }
        let events = weir_mhd_epoll_descriptor(daemon)
        loop.post {
            // Stops at once when the loop is ending already.
            self.ending = loop.whenEnding { self.stop() }
            guard self.daemon != nil else { return }
            do throws(SystemCallFailure) {
                try loop.watch(events, for: .readable) { _ in self.run() }
            } catch {
                // A fresh descriptor that the kernel refuses to watch: out of memory.
                fatalError("cannot watch the HTTP server: \(error)")
            }
            self.run()
        }
    }

    /// Lets the library do what is ready, and arms a timer for what it wants to do later.
    func run() {
        guard let daemon = self.daemon, !self.isInside else { return }
        self.now = self.loop.now
        self.enter {
            repeat {
                self.hasFreedPlace = false
                _ = MHD_run(daemon)
            } while self.hasFreedPlace
        }
        var milliseconds: UInt64 = 0
        guard MHD_get_timeout(daemon, &milliseconds) == .YES else { return }
        let deadline = self.now.advanced(
            byNanoseconds: Int64(clamping: min(milliseconds, 1 << 40)) * 1_000_000)
        if let timer = self.timer {
            // A timer that fires too early only asks again.
            if timer.deadline <= deadline { return }
            self.loop.cancel(timer.token)
        }
        let token = self.loop.schedule(at: deadline) {
            self.timer = nil
            self.run()
        }
        self.timer = (token, deadline)
    }

    func stop() {
        guard let daemon = self.daemon, !self.isStopping else { return }
        self.isStopping = true
        self.loop.unwatch(weir_mhd_epoll_descriptor(daemon))
        // Stops accepting, and leaves the socket to us.
        _ = MHD_quiesce_daemon(daemon)
        self.listening = nil
        for exchange in self.suspended.values {
            exchange.phase = .ready(HTTPResponse.stopping().closing())
            MHD_resume_connection(exchange.connection)
        }
        self.suspended = [:]
        self.endStreams()
        // Resuming, asking for the answer and writing it are separate turns.
        self.enter { for _ in 0..<4 { _ = MHD_run(daemon) } }
        self.daemon = nil
        self.enter { MHD_stop_daemon(daemon) }
        self.wakes.use(nil)
        for token in [self.timer?.token, self.sweep, self.ending] {
            if let token { self.loop.cancel(token) }
        }
        self.timer = nil
        self.sweep = nil
        self.ending = nil
    }

    private func enter(_ body: () -> Void) {
        self.isInside = true
        body()
        self.isInside = false
    }
}

/// Connections.
extension ServerDriver {
    func opened(_ client: ClientConnection) {
        self.clients[ObjectIdentifier(client)] = client
        if self.sweep == nil { self.armSweep() }
    }

    func closed(_ client: ClientConnection) {
        self.hasFreedPlace = true
        self.clients[ObjectIdentifier(client)] = nil
    }

    /// When a connection that now waits for a request must have sent it.
    func requestDeadline(idleFirst: Bool) -> Instant {
        let idleSeconds = idleFirst ? Double(self.limits.idleSeconds) : 0
        return self.now.advanced(bySeconds: idleSeconds + self.limits.requestSeconds)
    }

    /// The library's own time limit starts anew with each byte, so a client that sends one byte now and then
    /// would hold its place for ever. Cutting the socket makes the library notice and clean up.
    private func armSweep() {
        let interval = min(5, max(0.01, self.limits.requestSeconds / 4))
        self.sweep = self.loop.schedule(afterSeconds: interval) {
            let now = self.loop.now
            for client in self.clients.values {
                if let deadline = client.deadline, deadline < now {
                    shutdown(client.socket, Int32(SHUT_RDWR))
                }
            }
            self.sweep = nil
            if !self.clients.isEmpty { self.armSweep() }
        }
    }
}

/// Answers that come later.
extension ServerDriver {
    /// Called by the library's request callback, for a complete request.
    func suspend(_ exchange: Exchange, until answer: @escaping @Sendable () async -> HTTPResponse) {
        self.lastSuspension += 1
        let key = self.lastSuspension
        exchange.phase = .suspended(key: key)
        self.suspended[key] = exchange
        MHD_suspend_connection(exchange.connection)
        let (loop, driver) = (self.loop, self)
        Task(executorPreference: loop) {
            let response = await answer()
            loop.perform { driver.resume(key, with: response) }
        }
    }

    private func resume(_ key: UInt64, with response: HTTPResponse) {
        guard let exchange = self.suspended.removeValue(forKey: key) else { return }
        exchange.phase = .ready(response)
        MHD_resume_connection(exchange.connection)
        self.run()
    }

    func forget(_ exchange: Exchange) {
        switch exchange.phase {
        case .suspended(let key): self.suspended[key] = nil
        case .streaming(let stream):
            self.streams[ObjectIdentifier(stream)] = nil
            stream.close()
        default: break
        }
        exchange.phase = .closed
    }
}
