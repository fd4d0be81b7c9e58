public import StallDiagnosis
public import SwarmTypes
public import TrackerProtocol

/// An announce of a dormant torrent that is due.
public struct DormantOrder: Equatable, Sendable {
    public let torrent: TorrentID
    public let order: AnnounceOrder
}

/// All dormant torrents, and when which of them is to be announced: one deadline for all.
///
/// A torrent costs a fixed small row here; its schedule is the very one it has while it is awake, so that the rules for
/// events, totals and failures are the same. What is due is handed out in portions, and no host gets more of it than it can
/// work on soon, so that a dead tracker of many neither fills the memory nor keeps the others waiting.
public struct DormantTorrents: Sendable {
    /// Orders on their way to one host, and in all.
    public static let ordersPerHost = 128
    public static let ordersInAll = 1024
    /// Of one call of `due`.
    static let portion = 128
    /// How long a torrent steps back whose tracker's host has its fill.
    static let retreat = 5.0...15.0

    var rows: [DormantTorrent?] = []
    private var freeNumbers: [Int32] = []
    private var numbers: [TorrentID: Int32] = [:]
    /// What became of peers, of the few torrents that had some.
    private var ledgers: [TorrentID: PeerLedger] = [:]
    var heap = DeadlineHeap()
    /// Orders on their way, by torrent and by host.
    private var flights: [TorrentID: [Flight]] = [:]
    private var flightsByHost: [String: Int] = [:]
    private var flightCount = 0
    /// Torrents that never reached a peer of those they tried, and all that tried.
    public private(set) var diallers = 0
    public private(set) var neverConnected = 0

    private struct Flight {
        var order: AnnounceOrder.ID
        var host: String
    }

    public init() {}

    public var count: Int { self.numbers.count }

    public func contains(_ id: TorrentID) -> Bool { self.numbers[id] != nil }

    public subscript(id: TorrentID) -> DormantTorrent? { self.numbers[id].flatMap { self.rows[Int($0)] } }

    public func ledger(of id: TorrentID) -> PeerLedger? { self.ledgers[id] }

    public mutating func setProfile(_ profile: Int32, of id: TorrentID) {
        if let number = self.numbers[id] { self.rows[Int(number)]?.profile = profile }
    }

    /// Without an order of its own, in the order of the table.
    public func forEach(_ body: (DormantTorrent) -> Void) {
        for case let row? in self.rows { body(row) }
    }

    /// Makes room in one go for a collection of a known size.
    public mutating func reserve(_ count: Int) {
        guard count > self.rows.capacity else { return }
        self.rows.reserveCapacity(count)
        self.numbers.reserveCapacity(count)
    }

    /// Its id must not be there.
    public mutating func insert(_ torrent: DormantTorrent, ledger: PeerLedger? = nil) {
        precondition(self.numbers[torrent.id] == nil, "a torrent sleeps once")
        let number = self.freeNumbers.popLast() ?? Int32(truncatingIfNeeded: self.rows.count)
        if Int(number) == self.rows.count { self.rows.append(nil) }
        self.rows[Int(number)] = torrent
        self.numbers[torrent.id] = number
        if let ledger {
            self.ledgers[torrent.id] = ledger
            self.count(ledger, 1)
        }
        self.heap.set(Int(number), to: torrent.schedule.nextDeadline)
    }

    /// Takes a torrent out, with its schedule as it stands; orders on their way are its new owner's.
    public mutating func take(_ id: TorrentID) -> (torrent: DormantTorrent, ledger: PeerLedger?)? {
        guard let number = self.numbers.removeValue(forKey: id), let row = self.rows[Int(number)] else {
            return nil
        }
        self.rows[Int(number)] = nil
        self.freeNumbers.append(number)
        self.heap.set(Int(number), to: nil)
        for flight in self.flights.removeValue(forKey: id) ?? [] { self.release(flight) }
        let ledger = self.ledgers.removeValue(forKey: id)
        if let ledger { self.count(ledger, -1) }
        return (row, ledger)
    }

    private mutating func count(_ ledger: PeerLedger, _ change: Int) {
        guard ledger.attempts > 0 else { return }
        self.diallers += change
        if ledger.handshakes == 0 { self.neverConnected += change }
    }

    private mutating func release(_ flight: Flight) {
        self.flightCount -= 1
        let left = (self.flightsByHost[flight.host] ?? 1) - 1
        self.flightsByHost[flight.host] = left > 0 ? left : nil
    }
}

/// Announcing.
extension DormantTorrents {
    /// When `due` will have something; in the past when it has already.
    public var nextDeadline: Instant? {
        self.flightCount < Self.ordersInAll ? self.heap.first?.deadline : nil
    }

    private func hasRoom(for host: String) -> Bool {
        self.flightCount < Self.ordersInAll && (self.flightsByHost[host] ?? 0) < Self.ordersPerHost
    }

    /// Takes a portion of what is due.
    /// - Parameter port: the one that peers are told.
    public mutating func due(
        at now: Instant, port: UInt16, using random: inout some RandomNumberGenerator
    ) -> [DormantOrder] {
        var orders: [DormantOrder] = []
        while orders.count < Self.portion, self.flightCount < Self.ordersInAll,
            let (deadline, number) = self.heap.first, deadline <= now
        {
            let host = self.rows[number]?.schedule.dueHost(at: now)
            if let host, !self.hasRoom(for: host) {
                let wait = Double.random(in: Self.retreat, using: &random)
                self.heap.set(number, to: now.advanced(bySeconds: wait))
            } else {
                self.order(of: number, at: now, port: port, using: &random, into: &orders)
            }
        }
        return orders
    }

    /// What a row's schedule has due.
    private mutating func order(
        of number: Int, at now: Instant, port: UInt16, using random: inout some RandomNumberGenerator,
        into orders: inout [DormantOrder]
    ) {
        // Not the row: while it is held, its schedule would be copied for every change.
        guard let facts = self.rows[number]?.facts(port: port) else { return self.heap.set(number, to: nil) }
        for order in self.rows[number]?.schedule.due(at: now, for: facts, using: &random) ?? [] {
            orders.append(DormantOrder(torrent: facts.torrent, order: order))
            let flight = Flight(order: order.id, host: order.url.host)
            self.flights[facts.torrent, default: []].append(flight)
            self.flightsByHost[flight.host, default: 0] += 1
            self.flightCount += 1
        }
        self.reschedule(number, at: now)
    }

    /// After its schedule has changed. Never again at once, whatever the schedule says.
    private mutating func reschedule(_ number: Int, at now: Instant) {
        let deadline = self.rows[number]?.schedule.nextDeadline
        self.heap.set(number, to: deadline.map { max($0, now.advanced(bySeconds: 0.05)) })
    }

    /// The owner wants other announces of a torrent, or other trackers.
    /// - Parameter port: the one that peers are told.
    public mutating func changeSchedule(
        of id: TorrentID, at now: Instant, port: UInt16,
        _ change: (inout AnnounceSchedule, AnnounceFacts) -> Void
    ) {
        guard let number = self.numbers[id], var row = self.rows[Int(number)] else { return }
        change(&row.schedule, row.facts(port: port))
        self.rows[Int(number)] = row
        self.reschedule(Int(number), at: now)
    }

    /// A tracker took an announce. Answers whether the torrent is to wake, because there are peers who want something.
    public mutating func answered(
        _ order: AnnounceOrder.ID, _ answer: AnnounceAnswer, of id: TorrentID, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) -> Bool {
        guard let number = self.land(order, of: id) else { return false }
        self.rows[number]?.schedule.answered(order, answer, at: now, using: &random)
        self.reschedule(number, at: now)
        guard !answer.peers.isEmpty else { return false }
        return (answer.counts.leeches ?? 1) > 0
    }

    public mutating func failed(
        _ order: AnnounceOrder.ID, _ failure: AnnounceFailure, of id: TorrentID, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        guard let number = self.land(order, of: id) else { return }
        self.rows[number]?.schedule.failed(order, failure, at: now, using: &random)
        self.reschedule(number, at: now)
    }

    private mutating func land(_ order: AnnounceOrder.ID, of id: TorrentID) -> Int? {
        guard let number = self.numbers[id] else { return nil }
        self.forget(order, of: id)
        return Int(number)
    }

    private mutating func forget(_ order: AnnounceOrder.ID, of id: TorrentID) {
        if let place = self.flights[id]?.firstIndex(where: { $0.order == order }),
            let flight = self.flights[id]?.remove(at: place)
        {
            self.release(flight)
            if self.flights[id]?.isEmpty == true { self.flights[id] = nil }
        }
    }
}
