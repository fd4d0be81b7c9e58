public import SwarmTypes
public import TestKit

/// A swarm of one torrent in virtual time: hosts, their lines, a tracker. No clock, no socket, no disk.
///
/// Everything that happens follows from the seed. Payload is not simulated: a block is its place and a mark.
public final class SwarmSimulation {
    enum Event {
        case dialArrives(DialAttempt)
        case dialAnswered(DialAttempt, Result<ConnectionEnd, DialFailure>)
        case arrived(ConnectionEnd, Packet)
        case delivered(ConnectionEnd, Packet)
        case departed(ConnectionEnd, payload: Int)
        case ended(ConnectionEnd, isReset: Bool)
        case fired(Int, HostTimer)
    }

    struct DialAttempt {
        let from: Int
        let address: PeerAddress
    }

    public let torrent: TorrentID
    public let geometry: PieceGeometry
    public private(set) var now = Instant(nanoseconds: 1_000_000_000_000)
    public var random: SplitMix64
    public let tracker = SimulatedTracker()
    public private(set) var hosts: [any SimulatedHost] = []
    private var byAddress: [PeerAddress: Int] = [:]
    private var queue = EventQueue<Event>()
    private var nextPort: UInt16 = 20_000

    // Totals of payload on all lines, in bytes.
    public private(set) var departedPayload: Int64 = 0
    /// Of that, what left after its sender had ended the connection.
    public private(set) var orphanedPayload: Int64 = 0
    public private(set) var deliveredPayload: Int64 = 0
    public private(set) var lostPayload: Int64 = 0
    public private(set) var eventCount = 0

    public init(pieceCount: Int, blocksPerPiece: Int, lastLength: Int64 = 0, seed: UInt64) {
        let pieceLength = UInt32(blocksPerPiece) * PieceGeometry.blockLength
        let total = Int64(pieceCount) * Int64(pieceLength) - lastLength
        guard let geometry = PieceGeometry(totalLength: total, pieceLength: pieceLength),
            let torrent = TorrentID(bytes: [UInt8](repeating: 0x5A, count: 20))
        else { preconditionFailure("a torrent has bytes") }
        self.geometry = geometry
        self.torrent = torrent
        self.random = SplitMix64(seed: seed)
    }

    /// Public addresses: on a local network many peers may share a host, and bans differ.
    public static func address(_ number: Int) -> PeerAddress {
        PeerAddress(ipv4: 0x5D00_0001 + UInt32(number), port: 6881)
    }

    /// Switches a host on. Its number must be the next.
    public func add(_ host: any SimulatedHost) {
        precondition(host.number == self.hosts.count, "hosts are numbered as they come")
        self.hosts.append(host)
        self.byAddress[host.address] = host.number
        host.started(in: self)
    }

    public func fire(_ timer: HostTimer, of host: any SimulatedHost, afterSeconds seconds: Double) {
        self.queue.add(.fired(host.number, timer), at: self.now.advanced(bySeconds: seconds))
    }

    /// Runs until nothing is left to happen, the time is up, or the condition holds; it is asked once a virtual second.
    @discardableResult
    public func run(seconds: Double, until isDone: () -> Bool = { false }) -> Bool {
        let end = self.now.advanced(bySeconds: seconds)
        var nextLook = self.now
        while let next = self.queue.nextTime, next <= end {
            if next >= nextLook {
                if isDone() { return true }
                nextLook = next.advanced(bySeconds: 1)
            }
            guard let (time, event) = self.queue.popFirst() else { break }
            self.now = time
            self.eventCount += 1
            self.happen(event)
        }
        self.now = end
        return isDone()
    }

    private func happen(_ event: Event) {
        switch event {
        case .fired(let host, let timer): self.hosts[host].fired(timer)
        case .dialArrives(let attempt): self.dialArrives(attempt)
        case .dialAnswered(let attempt, let result): self.hosts[attempt.from].dialled(attempt.address, result)
        case .arrived(let end, let packet): self.arrived(packet, at: end)
        case .delivered(let end, let packet): self.deliver(packet, to: end)
        case .departed(let end, let payload):
            end.queuedBytes -= payload
            self.departedPayload += Int64(payload)
            if end.isOpen {
                end.host.departed(payload, from: end)
            } else {
                self.orphanedPayload += Int64(payload)
            }
        case .ended(let end, let isReset):
            guard end.isOpen else { return }
            end.isOpen = false
            end.host.ended(end, isReset: isReset)
        }
    }
}

/// Connections.
extension SwarmSimulation {
    public func dial(_ address: PeerAddress, from host: any SimulatedHost) {
        let attempt = DialAttempt(from: host.number, address: address)
        let delay = self.delay(from: host, to: self.byAddress[address].map { self.hosts[$0] })
        self.queue.add(.dialArrives(attempt), at: self.now.advanced(bySeconds: delay))
    }

    private func delay(from host: any SimulatedHost, to other: (any SimulatedHost)?) -> Double {
        host.line.delaySeconds + (other?.line.delaySeconds ?? 0)
    }

    private func dialArrives(_ attempt: DialAttempt) {
        let dialler = self.hosts[attempt.from]
        guard let number = self.byAddress[attempt.address] else {
            // There is no IPv6 in this world; elsewhere nobody answers.
            guard attempt.address.ipv4 == nil else { return }
            return self.queue.add(
                .dialAnswered(attempt, .failure(DialFailure(reason: .unreachable))), at: self.now)
        }
        let host = self.hosts[number]
        self.nextPort = self.nextPort == 60_000 ? 20_000 : self.nextPort + 1
        let from = dialler.address.with(port: self.nextPort)
        var result: Result<ConnectionEnd, DialFailure>
        var acceptedEnd: ConnectionEnd?
        switch host.answer(from) {
        case .nothing: return
        case .refuse: result = .failure(DialFailure(reason: .refused))
        case .unreachable: result = .failure(DialFailure(reason: .unreachable))
        case .accept:
            let near = ConnectionEnd(dialler, to: attempt.address, isOutgoing: true)
            let far = ConnectionEnd(host, to: from, isOutgoing: false)
            near.peer = far
            far.peer = near
            acceptedEnd = far
            result = .success(near)
        }
        let back = self.now.advanced(bySeconds: self.delay(from: host, to: dialler))
        self.queue.add(.dialAnswered(attempt, result), at: back)
        if let acceptedEnd {
            acceptedEnd.lastArrival = back
            host.accepted(acceptedEnd)
        }
    }

    public func send(_ packet: Packet, on end: ConnectionEnd) {
        guard end.isOpen, let peer = end.peer else { return }
        let count = packet.byteCount
        let departs = end.host.line.depart(count, at: self.now)
        let payload = packet.payloadCount
        if payload > 0 {
            end.queuedBytes += payload
            self.queue.add(.departed(end, payload: payload), at: departs)
        }
        var delay = self.delay(from: end.host, to: peer.host)
        let loss = end.host.line.lossShare
        while loss > 0, Double.random(in: 0..<1, using: &self.random) < loss { delay += max(0.2, 2 * delay) }
        let arrives = max(departs.advanced(bySeconds: delay), end.lastArrival)
        end.lastArrival = arrives
        self.queue.add(.arrived(peer, packet), at: arrives)
    }

    private func arrived(_ packet: Packet, at end: ConnectionEnd) {
        let count = packet.byteCount
        // What is small passes between the packets of what is large.
        let taken = count < 1500 ? self.now : end.host.line.arrive(count, at: self.now)
        end.lastDelivery = max(end.lastDelivery, taken)
        guard end.lastDelivery > self.now else { return self.deliver(packet, to: end) }
        self.queue.add(.delivered(end, packet), at: end.lastDelivery)
    }

    private func deliver(_ packet: Packet, to end: ConnectionEnd) {
        guard end.isOpen else {
            self.lostPayload += Int64(packet.payloadCount)
            return
        }
        self.deliveredPayload += Int64(packet.payloadCount)
        end.host.received(packet, on: end)
    }

    /// Ends a connection from this side. A reset overtakes what was sent before.
    public func close(_ end: ConnectionEnd, isReset: Bool = false) {
        guard end.isOpen else { return }
        end.isOpen = false
        guard let peer = end.peer else { return }
        let soon = self.now.advanced(bySeconds: self.delay(from: end.host, to: peer.host))
        let last = max(end.lastArrival, peer.lastDelivery)
        self.queue.add(.ended(peer, isReset: isReset), at: isReset ? soon : max(soon, last))
    }
}
