import EventIO
import Glibc
import SwarmTypes
import TrackerProtocol

/// A connected UDP socket to one address of a tracker, with the exchanges that go over it.
///
/// Connected, so that the kernel drops what other hosts send and reports a port that nobody listens on.
///
/// `@unchecked Sendable`: touched on the loop alone.
final class UDPEndpoint: @unchecked Sendable {
    typealias Completion = @Sendable (Result<TrackerReply, AnnounceFailure>) -> Void

    private struct Exchange {
        var transaction: UDPTransaction
        var completion: Completion
        var timer: TimerToken?
    }

    private let loop: EventLoop
    private let address: PeerAddress
    /// -1 once closed.
    private var descriptor: Int32
    private var exchanges: [UInt64: Exchange] = [:]
    private var lastExchange: UInt64 = 0
    private var connection: UDPConnection?
    private var random = SystemChance()

    init(loop: EventLoop, address: PeerAddress) throws(SystemCallFailure) {
        self.loop = loop
        self.address = address
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        self.descriptor = socket(address.socketFamily, kind, 0)
        guard self.descriptor >= 0 else { throw SystemCallFailure(call: "socket", code: errno) }
        let descriptor = self.descriptor
        guard address.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw SystemCallFailure(call: "connect", code: code)
        }
        do throws(SystemCallFailure) {
            try loop.watch(descriptor, for: .readable) { [weak self] _ in self?.receive() }
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    deinit { if self.descriptor >= 0 { Glibc.close(self.descriptor) } }

    var isIdle: Bool { self.exchanges.isEmpty }

    func isUnderWay(_ id: UInt64) -> Bool { self.exchanges[id] != nil }

    /// Whether it may be closed without having to connect anew soon.
    func isUseless(at now: Instant) -> Bool {
        self.isIdle && self.connection?.isValid(at: now) != true
    }

    /// Nobody hears of exchanges that are under way.
    func close() {
        guard self.descriptor >= 0 else { return }
        for exchange in self.exchanges.values { exchange.timer.map(self.loop.cancel) }
        self.exchanges = [:]
        self.loop.unwatch(self.descriptor)
        Glibc.close(self.descriptor)
        self.descriptor = -1
    }

    /// Answers by what to cancel it. `completion` is called on the loop, later or at once.
    func start(
        _ request: TrackerRequest, to url: TrackerURL, timing: UDPTiming,
        _ completion: @escaping Completion
    ) -> UInt64 {
        let now = self.loop.now
        if self.connection?.isValid(at: now) != true { self.connection = nil }
        self.lastExchange += 1
        let id = self.lastExchange
        var transaction = UDPTransaction(
            request, to: url, isIPv6: self.address.ipv4 == nil, connection: self.connection, timing: timing,
            using: &self.random)
        let action = transaction.start(at: now, using: &self.random)
        self.exchanges[id] = Exchange(transaction: transaction, completion: completion)
        self.perform(action, of: id)
        return id
    }

    func cancel(_ id: UInt64) { self.exchanges.removeValue(forKey: id)?.timer.map(self.loop.cancel) }

    private func perform(_ action: UDPTransaction.Action, of id: UInt64) {
        switch action {
        case .ignore: return
        case .send(let packet):
            let sent = send(self.descriptor, packet, packet.count, Int32(MSG_NOSIGNAL))
            // A full queue is a lost packet: it is sent again. An earlier packet's refusal is reported here too.
            if sent < 0, errno != EAGAIN, errno != ENOBUFS {
                return self.end(id, .failure(Self.failure(errno)))
            }
            self.arm(id)
        case .answered(let reply):
            self.end(id, Result<TrackerReply, AnnounceFailure>.success(reply).naming(by: self.address))
        case .failed(let failure): self.end(id, .failure(failure))
        }
    }

    private func arm(_ id: UInt64) {
        guard var exchange = self.exchanges[id], let deadline = exchange.transaction.nextDeadline else {
            return
        }
        exchange.timer.map(self.loop.cancel)
        exchange.timer = self.loop.schedule(at: deadline) { [weak self] in
            self?.step(id) { transaction, now, random in transaction.timerFired(at: now, using: &random) }
        }
        self.exchanges[id] = exchange
    }

    /// Hands an event to one exchange and does what it says.
    private func step(
        _ id: UInt64,
        _ event: (inout UDPTransaction, Instant, inout SystemChance) -> UDPTransaction.Action
    ) {
        guard var transaction = self.exchanges[id]?.transaction else { return }
        let before = transaction.connection
        let action = event(&transaction, self.loop.now, &self.random)
        self.exchanges[id]?.transaction = transaction
        // A new connection serves all; one that the tracker seems to have forgotten serves nobody.
        if transaction.connection != before, self.connection == before || transaction.connection != nil {
            self.connection = transaction.connection
        }
        self.perform(action, of: id)
    }

    private func end(_ id: UInt64, _ result: Result<TrackerReply, AnnounceFailure>) {
        guard let exchange = self.exchanges.removeValue(forKey: id) else { return }
        exchange.timer.map(self.loop.cancel)
        exchange.completion(result)
    }

    private func receive() {
        // Room for what a datagram can hold at most, so that none is cut.
        var buffer = [UInt8](repeating: 0, count: 65_536)
        // Bounded, so that a flood does not hold up the loop.
        for _ in 0..<64 where self.descriptor >= 0 {
            let count = recv(self.descriptor, &buffer, buffer.count, 0)
            guard count >= 0 else {
                if errno != EAGAIN, errno != EINTR { self.fail(Self.failure(errno)) }
                return
            }
            let datagram = buffer[..<count]
            guard let transactionID = UDPTransaction.transactionID(of: datagram),
                let id = self.exchanges.first(where: { $0.value.transaction.transactionID == transactionID })?
                    .key
            else { continue }
            self.step(id) { transaction, now, random in
                transaction.received(datagram, at: now, using: &random)
            }
        }
    }

    /// For all exchanges.
    private func fail(_ failure: AnnounceFailure) {
        for id in self.exchanges.keys.sorted() { self.end(id, .failure(failure)) }
    }

    private static func failure(_ code: Int32) -> AnnounceFailure {
        switch code {
        case ECONNREFUSED: .unreachable("nobody listens on its UDP port")
        case ENETUNREACH, EHOSTUNREACH: .unreachable("there is no route to it")
        default: .unreachable(SystemCallFailure(call: "send or recv", code: code).description)
        }
    }
}
