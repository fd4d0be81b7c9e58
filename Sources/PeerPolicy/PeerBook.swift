public import SwarmTypes

/// The addresses that one torrent knows, which of them to dial next, and what became of each.
///
/// Bounded: when it is full a new address takes the place of the one that failed most, or is not kept. A record
/// has 40 bytes.
public struct PeerBook: Sendable {
    enum Stage: UInt8, Sendable { case unused, idle, dialling, connected, unreachable, banned, ourselves }

    struct Record: Sendable {
        var high: UInt64 = 0
        var low: UInt64 = 0
        /// In seconds after the book was begun.
        var notBefore: UInt32 = 0
        var generation: UInt16 = 0
        var port: UInt16 = 0
        var sources: PeerSources = []
        var stage = Stage.unused
        var failureCount: UInt8 = 0
        var isSeed = false
        var lastReason: CloseReason?

        var address: PeerAddress { PeerAddress(high: self.high, low: self.low, port: self.port) }
    }

    public static let activeLimit = 1000
    public static let idleLimit = 200
    private static let banLimit = 1000

    var records: [Record] = []
    private var index = AddressIndex()
    private var unused: [UInt16] = []
    /// Hosts, or endpoints on a local network, where many share a host; oldest first.
    private var bans: [PeerAddress] = []
    private var limit = Self.activeLimit
    private let begunAt: Instant
    public private(set) var count = 0

    public init(at now: Instant) { self.begunAt = now }

    /// An idle torrent keeps few addresses: `idleLimit`. Drops the worst that are too many.
    public mutating func setLimit(_ limit: Int) {
        self.limit = min(max(1, limit), Int(UInt16.max) - 1)
        while self.count > self.limit, let worst = self.worst() { self.drop(worst) }
    }

    /// Learns an address. Nil when it cannot be a peer, is banned, or there is no room for it.
    ///
    /// A tracker that names it says that it lives: what failed before is forgotten.
    @discardableResult
    public mutating func add(
        _ address: PeerAddress, from sources: PeerSources, isSeed: Bool = false, at now: Instant
    ) -> PeerKey? {
        guard address.isUsable, !self.isBanned(address) else { return nil }
        if let number = self.find(address) {
            let record = Int(number)
            self.records[record].sources.formUnion(sources)
            if isSeed { self.records[record].isSeed = true }
            switch self.records[record].stage {
            case .unreachable: self.records[record].stage = .idle
            case .idle where sources.contains(.tracker) || sources.contains(.manual):
                self.records[record].failureCount = 0
                self.records[record].notBefore = min(self.records[record].notBefore, self.seconds(at: now))
            default: break
            }
            return self.key(of: number)
        }
        guard let number = self.insert(address) else { return nil }
        self.records[Int(number)].sources = sources
        self.records[Int(number)].isSeed = isSeed
        self.records[Int(number)].notBefore = self.seconds(at: now)
        return self.key(of: number)
    }

    /// A peer has connected to us from this address, whose port is not the one it listens at. Nil when its address
    /// is banned.
    public mutating func accepted(from address: PeerAddress, at now: Instant) -> PeerKey? {
        guard !self.isBanned(address) else { return nil }
        guard let number = self.find(address) ?? self.insert(address, evenIfFull: true) else { return nil }
        self.records[Int(number)].sources.formUnion(.incoming)
        self.records[Int(number)].stage = .connected
        return self.key(of: number)
    }

    /// The connected peer says where it listens (BEP 10's `p`): from now on that is its address.
    public mutating func setListenPort(_ port: UInt16, of key: PeerKey) {
        guard let number = self.number(of: key), port != 0, self.records[Int(number)].port != port else {
            return
        }
        let address = self.records[Int(number)].address.with(port: port)
        guard !self.isBanned(address) else { return }
        if let other = self.find(address) {
            let stage = self.records[Int(other)].stage
            guard stage == .idle || stage == .unreachable else { return }
            self.records[Int(number)].sources.formUnion(self.records[Int(other)].sources)
            self.drop(other)
        }
        self.index.remove(number, in: self.records)
        self.records[Int(number)].port = port
        self.index.insert(number, in: self.records)
    }

    /// Drops the addresses that have no other source and nothing to do with a connection.
    public mutating func forget(from sources: PeerSources) {
        for number in self.records.indices where self.records[number].sources == sources {
            guard self.records[number].stage == .idle || self.records[number].stage == .unreachable else {
                continue
            }
            self.drop(UInt16(truncatingIfNeeded: number))
        }
    }

    public mutating func startedDialling(_ key: PeerKey) {
        guard let number = self.number(of: key), self.records[Int(number)].stage == .idle else { return }
        self.records[Int(number)].stage = .dialling
    }

    /// The handshake is done.
    public mutating func connected(_ key: PeerKey) {
        guard let number = self.number(of: key), self.records[Int(number)].stage != .banned else { return }
        self.records[Int(number)].stage = .connected
    }

    public mutating func setSeed(_ key: PeerKey, _ isSeed: Bool) {
        guard let number = self.number(of: key) else { return }
        self.records[Int(number)].isSeed = isSeed
    }

    /// A dial failed or a connection ended. `wasUseful` when payload came or went on it.
    public mutating func closed(_ key: PeerKey, because reason: CloseReason, wasUseful: Bool, at now: Instant)
    {
        guard let number = self.number(of: key) else { return }
        let record = Int(number)
        self.records[record].lastReason = reason
        guard self.records[record].stage != .banned else { return }
        let listens = !self.records[record].sources.subtracting(.incoming).isEmpty
        self.records[record].stage =
            self.isBanned(self.records[record].address) ? .banned : listens ? .idle : .unreachable
        var wait = BackOff.afterUse
        switch Aftermath(reason) {
        case .notItsFault: break
        case .ourselves: self.records[record].stage = .ourselves
        case .banned: return self.ban(key)
        case .pointless: wait = BackOff.seconds(failures: .max, isUnreachable: false)
        case .failure where wasUseful: self.records[record].failureCount = 0
        case .failure(let isUnreachable):
            let failures = min(self.records[record].failureCount, .max - 1) + 1
            self.records[record].failureCount = failures
            wait = BackOff.seconds(failures: Int(failures), isUnreachable: isUnreachable)
        }
        self.records[record].notBefore = self.seconds(at: now.advanced(bySeconds: wait))
    }

    /// For this torrent's lifetime, under any port; on a local network only this endpoint. Others of its host that
    /// are connected stay so, and are not dialled again.
    public mutating func ban(_ key: PeerKey) {
        guard let number = self.number(of: key) else { return }
        self.records[Int(number)].stage = .banned
        let address = self.records[Int(number)].address
        guard !self.isBanned(address) else { return }
        if self.bans.count == Self.banLimit { self.bans.removeFirst() }
        let entry = Self.banEntry(address)
        self.bans.append(entry)
        for other in self.records.indices where Self.banEntry(self.records[other].address) == entry {
            let stage = self.records[other].stage
            if stage == .idle || stage == .unreachable { self.records[other].stage = .banned }
        }
    }

    public func isBanned(_ address: PeerAddress) -> Bool {
        guard !self.bans.isEmpty else { return false }
        return self.bans.contains(Self.banEntry(address))
    }

    private static func banEntry(_ address: PeerAddress) -> PeerAddress {
        address.scope == .global ? address.with(port: 0) : address
    }

    public var banCount: Int { self.bans.count }

    public func address(of key: PeerKey) -> PeerAddress? {
        self.number(of: key).map { self.records[Int($0)].address }
    }

    public func key(of address: PeerAddress) -> PeerKey? { self.find(address).map { self.key(of: $0) } }

    func find(_ address: PeerAddress) -> UInt16? {
        self.index.find(address, in: self.records)
    }

    /// A number is used again with the next generation, so that an old key finds nothing.
    func key(of number: UInt16) -> PeerKey {
        PeerKey(UInt32(self.records[Int(number)].generation) << 16 | UInt32(number))
    }

    func number(of key: PeerKey) -> UInt16? {
        let number = Int(key.rawValue & 0xFFFF)
        guard number < self.records.count, self.records[number].stage != .unused,
            UInt32(self.records[number].generation) == key.rawValue >> 16
        else { return nil }
        return UInt16(truncatingIfNeeded: number)
    }

    func seconds(at now: Instant) -> UInt32 {
        UInt32(clamping: Int64(now.seconds(since: self.begunAt).rounded(.up)))
    }

    func instant(ofSecond second: UInt32) -> Instant { self.begunAt.advanced(bySeconds: Double(second)) }

    private mutating func insert(_ address: PeerAddress, evenIfFull: Bool = false) -> UInt16? {
        if self.count >= self.limit {
            if let worst = self.worst(), evenIfFull || self.badness(self.records[Int(worst)]) > 0 {
                self.drop(worst)
            } else if !evenIfFull || self.records.count >= Int(UInt16.max) - 1 {
                return nil
            }
        }
        let number = self.unused.popLast() ?? UInt16(self.records.count)
        if Int(number) == self.records.count { self.records.append(Record()) }
        self.records[Int(number)].high = address.high
        self.records[Int(number)].low = address.low
        self.records[Int(number)].port = address.port
        self.records[Int(number)].stage = .idle
        self.count += 1
        self.index.insert(number, in: self.records)
        return number
    }

    private mutating func drop(_ number: UInt16) {
        self.index.remove(number, in: self.records)
        let generation = self.records[Int(number)].generation
        self.records[Int(number)] = Record()
        self.records[Int(number)].generation = generation &+ 1
        self.unused.append(number)
        self.count -= 1
    }

    /// The address without a connection that has failed most; any of those that are alike.
    private func worst() -> UInt16? {
        var worst: Int?
        for number in self.records.indices {
            let record = self.records[number]
            guard record.stage != .unused, record.stage != .dialling, record.stage != .connected else {
                continue
            }
            guard let best = worst else {
                worst = number
                continue
            }
            if self.badness(record) > self.badness(self.records[best]) { worst = number }
        }
        return worst.map { UInt16($0) }
    }

    private func badness(_ record: Record) -> Int {
        switch record.stage {
        // The ban itself is kept apart.
        case .banned: 1000
        case .unreachable: 500 + Int(record.failureCount)
        case .ourselves: -1
        default: Int(record.failureCount)
        }
    }
}
