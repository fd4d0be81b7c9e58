public import SwarmTypes

/// How many connections there may be, and how fast new ones may be dialled: one for the whole process.
public struct ConnectionBudget: Sendable {
    public struct Limits: Hashable, Sendable {
        public var connections = 500
        public var connectionsPerTorrent = 60
        public var halfOpen = 100
        public var dialsPerSecond = 30
        /// Within one /24 of IPv4 or /48 of IPv6, so that nobody can aim us at a network.
        public var dialsPerSecondPerNetwork = 10
        /// So many dials a torrent may make at once when it starts.
        public var boost = 30

        public init() {}
    }

    public enum Answer: Hashable, Sendable {
        case yes
        /// Not before then.
        case later(Instant)
        /// When a connection of this torrent or of the process has ended.
        case full
        /// When a dial has ended.
        case halfOpenFull
    }

    public var limits: Limits
    public private(set) var openCount = 0
    public private(set) var halfOpenCount = 0
    /// Dials in hand, in billionths: those of a second at most, but for a boost.
    private var credit: Int64
    private var refilledAt: Instant
    /// Dials to each network in the second that began at `windowStart`.
    private var window: [UInt64: Int] = [:]
    private var windowStart: Instant

    public init(limits: Limits = Limits(), at now: Instant) {
        self.limits = limits
        self.credit = Int64(limits.dialsPerSecond) * Self.perDial
        self.refilledAt = now
        self.windowStart = now
    }

    private static let perDial: Int64 = 1_000_000_000
    private static let windowLength: Int64 = 1_000_000_000

    /// A torrent has started: it may find its first peers at once. The boosts of many do not add up.
    public mutating func torrentStarted(at now: Instant) {
        self.refill(at: now)
        let most = Int64(self.limits.dialsPerSecond + self.limits.boost) * Self.perDial
        self.credit = min(most, max(0, self.credit) + Int64(self.limits.boost) * Self.perDial)
    }

    /// Whether the address may be dialled now for a torrent with so many connections, half-open ones included.
    /// `.yes` counts the dial.
    public mutating func dial(_ address: PeerAddress, torrentConnections: Int, at now: Instant) -> Answer {
        guard self.openCount + self.halfOpenCount < self.limits.connections,
            torrentConnections < self.limits.connectionsPerTorrent
        else { return .full }
        guard self.halfOpenCount < self.limits.halfOpen else { return .halfOpenFull }
        self.refill(at: now)
        guard self.credit >= Self.perDial else {
            let missing = Self.perDial - self.credit
            let rate = Int64(max(1, self.limits.dialsPerSecond))
            return .later(now.advanced(byNanoseconds: (missing - 1) / rate + 1))
        }
        if now.nanoseconds &- self.windowStart.nanoseconds >= Self.windowLength {
            self.window.removeAll(keepingCapacity: true)
            self.windowStart = now
        }
        let network = Self.network(of: address)
        guard self.window[network, default: 0] < self.limits.dialsPerSecondPerNetwork else {
            return .later(self.windowStart.advanced(byNanoseconds: Self.windowLength))
        }
        self.window[network, default: 0] += 1
        self.credit -= Self.perDial
        self.halfOpenCount += 1
        return .yes
    }

    /// A dial has become a connection, or not.
    public mutating func dialEnded(connected: Bool) {
        precondition(self.halfOpenCount > 0, "more dials ended than began")
        self.halfOpenCount -= 1
        if connected { self.openCount += 1 }
    }

    /// Whether a peer that has connected to us may stay; `true` counts it.
    public mutating func accept(torrentConnections: Int) -> Bool {
        guard self.openCount < self.limits.connections,
            torrentConnections < self.limits.connectionsPerTorrent
        else { return false }
        self.openCount += 1
        return true
    }

    public mutating func connectionEnded() {
        precondition(self.openCount > 0, "more connections ended than began")
        self.openCount -= 1
    }

    private mutating func refill(at now: Instant) {
        let elapsed = min(Self.windowLength, now.nanoseconds &- self.refilledAt.nanoseconds)
        guard elapsed > 0 else { return }
        self.refilledAt = now
        let full = Int64(self.limits.dialsPerSecond) * Self.perDial
        guard self.credit < full else { return }
        self.credit = min(full, self.credit + elapsed * Int64(self.limits.dialsPerSecond))
    }

    /// Loopback is one host for every test and every local client: each port counts as a network.
    private static func network(of address: PeerAddress) -> UInt64 {
        if address.scope == .loopback { return UInt64(address.port) }
        if let ipv4 = address.ipv4 { return 1 << 62 | UInt64(ipv4 >> 8) }
        return 1 << 63 | address.high >> 16
    }
}
