public import EventIO
import SwarmTypes

/// Keeps a TCP port of the network's router open for one of ours: asks, renews in time, asks again where it was refused, and
/// takes the mapping away at the end.
///
/// `@unchecked Sendable`: touched on the loop alone. The router is asked on a thread of its own.
public final class PortMapper: @unchecked Sendable {
    /// What a router is asked for. Renewed after half of what it gives.
    public static let leaseSeconds = 3600
    /// Until a router that gave nothing is asked again; and until one that maps for ever is, which forgets it when it is
    /// switched off and on.
    private static let retrySeconds = 900.0
    /// However short a lease is.
    private static let leastSeconds = 0.05
    /// For the router to take the mapping away.
    private static let farewellSeconds = 2.0

    private let loop: EventLoop
    private let worker: EventLoop
    private let port: UInt16
    private let router: RouterAccess
    private let observer: @Sendable (MappingOutcome) -> Void
    private var mapping: Mapping?
    private var isAsking = false
    private var timer: TimerToken?
    private var whenStopped: (@Sendable () -> Void)?
    private var isStopped = false

    /// Asks at once. `observer` is called on `loop`, after each answer.
    public init(
        port: UInt16, loop: EventLoop, router: RouterAccess = .system,
        _ observer: @escaping @Sendable (MappingOutcome) -> Void
    ) throws(SystemCallFailure) {
        self.loop = loop
        self.port = port
        self.router = router
        self.observer = observer
        self.worker = try EventLoop(name: "weir-router")
        try self.worker.start()
        self.ask()
    }

    /// Takes the mapping away and calls `body` on the loop when that is done, or after two seconds. Nobody hears of answers
    /// any more. A router that does not answer in time forgets the mapping when its lease ends.
    public func stop(_ body: @escaping @Sendable () -> Void) {
        guard !self.isStopped, self.whenStopped == nil else { return body() }
        self.whenStopped = body
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = self.loop.schedule(afterSeconds: Self.farewellSeconds) { self.ended() }
        if !self.isAsking { self.sayFarewell() }
    }

    private func ask() {
        self.isAsking = true
        let (router, port, last, loop) = (self.router, self.port, self.mapping, self.loop)
        self.worker.post {
            let outcome = router.map(port, Self.leaseSeconds, last)
            loop.post { self.answered(outcome) }
        }
    }

    private func answered(_ outcome: MappingOutcome) {
        self.isAsking = false
        guard !self.isStopped else { return }
        if case .mapped(let mapping) = outcome { self.mapping = mapping } else { self.mapping = nil }
        guard self.whenStopped == nil else { return self.sayFarewell() }
        self.observer(outcome)
        var wait = Self.retrySeconds
        if let lease = self.mapping?.leaseSeconds, lease > 0 {
            wait = max(Self.leastSeconds, min(wait, lease / 2))
        }
        self.timer = self.loop.schedule(afterSeconds: wait) { [weak self] in self?.ask() }
    }

    private func sayFarewell() {
        guard let mapping = self.mapping else { return self.ended() }
        let (router, loop) = (self.router, self.loop)
        self.worker.post {
            router.remove(mapping)
            loop.post { self.ended() }
        }
    }

    private func ended() {
        guard !self.isStopped else { return }
        self.isStopped = true
        if let timer = self.timer { self.loop.cancel(timer) }
        // It may be waiting for a router still.
        self.worker.stop()
        self.worker.detach()
        self.whenStopped?()
        self.whenStopped = nil
    }
}
