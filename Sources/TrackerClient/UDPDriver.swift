import EventIO
import SwarmTypes
import TrackerProtocol

/// Asks UDP trackers: finds the host's addresses, judges them, and tries one of each family.
///
/// `@unchecked Sendable`: touched on the loop alone.
final class UDPDriver: @unchecked Sendable {
    typealias Completion = UDPEndpoint.Completion

    /// One request on its way through the addresses.
    private struct Attempt {
        var request: TrackerRequest
        var url: TrackerURL
        var candidates: [PeerAddress]
        var current: (endpoint: UDPEndpoint, exchange: UInt64)?
        var completion: Completion
    }

    /// Sockets without an exchange that are kept for their connection.
    static let maximumIdleEndpoints = 64

    private let loop: EventLoop
    private let timing: UDPTiming
    private let resolver: NameResolver
    private var endpoints: [PeerAddress: UDPEndpoint] = [:]
    private var attempts: [UInt64: Attempt] = [:]
    private var lastAttempt: UInt64 = 0
    private var sweep: TimerToken?

    init(loop: EventLoop, timing: UDPTiming, resolver: NameResolver) {
        self.loop = loop
        self.timing = timing
        self.resolver = resolver
    }

    /// Answers by what to cancel it. `completion` is called on the loop, later or at once.
    func start(
        _ request: TrackerRequest, to url: TrackerURL, _ completion: @escaping Completion
    ) -> UInt64 {
        self.lastAttempt += 1
        let id = self.lastAttempt
        self.attempts[id] = Attempt(request: request, url: url, candidates: [], completion: completion)
        if let literal = PeerAddress(host: url.host, port: url.port) {
            self.found([literal], id)
            return id
        }
        self.resolver.resolve(url.host) { outcome in
            switch outcome {
            case .success(let addresses): self.found(addresses.map { $0.with(port: url.port) }, id)
            case .failure(let failure):
                self.end(id, .failure(.unreachable("\(url.host) is not found: \(failure.words)")))
            }
        }
        return id
    }

    func cancel(_ id: UInt64) {
        guard let attempt = self.attempts.removeValue(forKey: id) else { return }
        if let current = attempt.current { current.endpoint.cancel(current.exchange) }
    }

    func close() {
        self.attempts = [:]
        for endpoint in self.endpoints.values { endpoint.close() }
        self.endpoints = [:]
        if let sweep = self.sweep { self.loop.cancel(sweep) }
    }

    private func found(_ addresses: [PeerAddress], _ id: UInt64) {
        guard let attempt = self.attempts[id] else { return }
        var family = AddressFamily.any
        if case .announce(let request) = attempt.request { family = request.family }
        let usable = addresses.filter { attempt.url.mayReach($0) }
        let ipv4 = family == .ipv6 ? nil : usable.first { $0.ipv4 != nil }
        let ipv6 = family == .ipv4 ? nil : usable.first { $0.ipv4 == nil }
        let candidates = usable.filter { $0 == ipv4 || $0 == ipv6 }
        guard !candidates.isEmpty else {
            let refused = addresses.first { !attempt.url.mayReach($0) }
            let failure: AnnounceFailure =
                refused.map { .notAllowed("\($0.host) is not to be talked to") }
                ?? .unreachable("\(attempt.url.host) has no address of the family asked for")
            return self.end(id, .failure(failure))
        }
        self.attempts[id]?.candidates = candidates
        self.tryNext(id, after: .timedOut)
    }

    private func tryNext(_ id: UInt64, after failure: AnnounceFailure) {
        guard let attempt = self.attempts[id] else { return }
        guard let address = attempt.candidates.first else { return self.end(id, .failure(failure)) }
        self.attempts[id]?.candidates.removeFirst()
        let endpoint: UDPEndpoint
        do throws(SystemCallFailure) {
            endpoint = try self.endpoint(for: address)
        } catch {
            return self.tryNext(id, after: .unreachable(error.description))
        }
        let exchange = endpoint.start(attempt.request, to: attempt.url, timing: self.timing) { result in
            switch result {
            case .failure(.timedOut), .failure(.unreachable):
                guard case .failure(let failure) = result else { return }
                self.tryNext(id, after: failure)
            default: self.end(id, result)
            }
        }
        // It may have ended at once, and the next one begun.
        if endpoint.isUnderWay(exchange) { self.attempts[id]?.current = (endpoint, exchange) }
    }

    private func end(_ id: UInt64, _ result: Result<TrackerReply, AnnounceFailure>) {
        self.attempts.removeValue(forKey: id)?.completion(result)
    }

    private func endpoint(for address: PeerAddress) throws(SystemCallFailure) -> UDPEndpoint {
        if let endpoint = self.endpoints[address] { return endpoint }
        if self.endpoints.count > Self.maximumIdleEndpoints { self.closeIdle { _ in true } }
        let endpoint = try UDPEndpoint(loop: self.loop, address: address)
        self.endpoints[address] = endpoint
        self.armSweep()
        return endpoint
    }

    private func armSweep() {
        guard self.sweep == nil, !self.endpoints.isEmpty else { return }
        self.sweep = self.loop.schedule(afterSeconds: UDPConnection.lifetimeSeconds) { [weak self] in
            guard let self else { return }
            self.sweep = nil
            let now = self.loop.now
            self.closeIdle { $0.isUseless(at: now) }
            self.armSweep()
        }
    }

    private func closeIdle(_ isUnwanted: (UDPEndpoint) -> Bool) {
        for (address, endpoint) in self.endpoints where endpoint.isIdle && isUnwanted(endpoint) {
            endpoint.close()
            self.endpoints[address] = nil
        }
    }
}
