public import SwarmTypes

/// The farewells of sessions that are over: which goes out when, until each is told or given up.
///
/// A host that cannot be reached is asked with one farewell alone after each pause; the others wait behind it, so that a
/// dead tracker of thousands costs a request now and then. Where a torrent begins again its farewell goes first and has
/// one attempt, and so has each at the end of the program.
public struct FarewellBook: Sendable {
    public struct ID: Hashable, Sendable {
        let number: UInt64
    }

    /// One announce to be sent. What becomes of it is told to `answered` or `failed`.
    public struct Order: Equatable, Sendable {
        public let id: ID
        public let url: TrackerURL
        public let request: AnnounceRequest
        public let priority: AnnouncePriority
        /// When nobody waits for it any more; nil where the usual time limits do.
        public let deadline: Instant?
    }

    /// Farewells that have ended, since the program began.
    public struct Tally: Hashable, Sendable {
        public var told = 0
        public var untold = 0
    }

    /// What one tracker's host knows of one torrent.
    public struct Target: Hashable, Sendable {
        public let torrent: TorrentID
        public let host: String

        public init(_ torrent: TorrentID, host: String) {
            self.torrent = torrent
            self.host = host
        }
    }

    /// On their way to one host.
    static let ordersPerHost = 32
    /// Answers that make no sense, until one is given up.
    static let mostBadAnswers = 3
    /// Beyond it the new ones are not told: a torrent's takes about a kilobyte.
    static let mostFarewells = 100_000

    private struct Entry {
        var farewell: Farewell
        let key: Target
        let begunAt: Instant
        var stage: Stage
        var badAnswers = 0
        /// Who begins again waits for it.
        var isHurried = false
        /// On its way without a deadline.
        var isPatient = false
    }

    private enum Stage { case following, waiting, underWay }

    private struct Host {
        /// All of it, whatever their stage.
        var count = 0
        /// Some may be gone, or on their way, by now.
        var waiting: [ID] = []
        var head = 0
        /// Those that come first, in no particular order; the same.
        var hurried: [ID] = []
        var underWay = 0
        var failures = 0
        var notBefore: Instant?
        /// At the end of the program, whether it has answered.
        var hasAnswered = false
    }

    private var entries: [ID: Entry] = [:]
    private var byKey: [Target: [ID]] = [:]
    private var hosts: [String: Host] = [:]
    private var settled: [Target] = []
    private var lastID: UInt64 = 0
    public private(set) var tally = Tally()
    /// When the program ends whether all are told or not; nil as long as it goes on.
    public private(set) var endsAt: Instant?

    /// For which somebody waits for a farewell, in seconds.
    public let patience: Double

    public init(patience: Double = AnnounceTiming.farewellPatience) { self.patience = patience }

    public var isEmpty: Bool { self.entries.isEmpty }
    public var count: Int { self.entries.count }

    /// Whether the tracker's host is still to be told the end of an earlier session of a torrent.
    public func holds(_ target: Target) -> Bool { self.byKey[target] != nil }

    /// - Parameter isFollowing: the announce before it is on its way; else it is as if it had not been sent.
    /// - Returns: what `followed` names it by; nil when nothing is to be told.
    public mutating func add(_ farewell: Farewell, isFollowing: Bool, at now: Instant) -> ID? {
        guard let torrent = farewell.torrent, isFollowing || farewell.follows?.isStarted != true else {
            return nil
        }
        guard self.entries.count < Self.mostFarewells else {
            self.tally.untold += 1
            return nil
        }
        self.lastID += 1
        let id = ID(number: self.lastID)
        let key = Target(torrent, host: farewell.url.host)
        self.entries[id] = Entry(
            farewell: farewell, key: key, begunAt: now, stage: isFollowing ? .following : .waiting)
        self.byKey[key, default: []].append(id)
        self.hosts[key.host, default: Host()].count += 1
        if !isFollowing { self.hosts[key.host]?.waiting.append(id) }
        return id
    }

    /// The announce before it has its outcome.
    public mutating func followed(_ id: ID, isTold: Bool) {
        guard var entry = self.entries[id], entry.stage == .following, let flight = entry.farewell.follows
        else { return }
        guard isTold || !flight.isStarted else { return self.end(id, isTold: nil) }
        // The tracker knows it now.
        if isTold, !flight.isStarted, entry.farewell.requests.count > 1 {
            entry.farewell.requests.removeFirst()
        }
        entry.stage = .waiting
        self.entries[id] = entry
        self.wait(id, entry)
    }

    /// The torrent begins again and waits to tell this host: its farewells come first, whatever failed before, and each has
    /// one attempt. `takeSettled` tells when they are done.
    public mutating func hurry(_ target: Target) {
        for id in self.byKey[target] ?? [] where self.entries[id]?.isHurried == false {
            self.entries[id]?.isHurried = true
            if self.entries[id]?.stage == .waiting { self.hosts[target.host]?.hurried.append(id) }
        }
    }

    /// Who begins again has waited for `farewellPatience`: what was on its way before is not waited for any longer. Answers what
    /// is to be called back.
    public mutating func giveUp(_ target: Target) -> [ID] {
        var underWay: [ID] = []
        for id in self.byKey[target] ?? [] {
            guard let entry = self.entries[id], entry.stage == .following || entry.isPatient else { continue }
            if entry.isPatient { underWay.append(id) }
            self.end(id, isTold: false)
        }
        return underWay
    }

    /// What was hurried and is done, since the last call.
    public mutating func takeSettled() -> [Target] {
        defer { self.settled = [] }
        return self.settled
    }
}

/// Whose turn it is.
extension FarewellBook {
    /// When `due` will have something; in the past when it has already. Nil when only an event can change that.
    public var nextDeadline: Instant? {
        var earliest = self.endsAt
        for host in self.hosts.values {
            var time: Instant?
            if !host.hurried.isEmpty, host.underWay < Self.ordersPerHost {
                time = Instant(nanoseconds: 0)
            } else if host.head < host.waiting.count, self.hasRoom(host) {
                time = host.notBefore ?? Instant(nanoseconds: 0)
            }
            if let time { earliest = earliest.map { min($0, time) } ?? time }
        }
        return earliest
    }

    public mutating func due(at now: Instant) -> [Order] {
        if let endsAt = self.endsAt, endsAt <= now {
            for id in Array(self.entries.keys) { self.end(id, isTold: false) }
            return []
        }
        var orders: [Order] = []
        for (name, host) in self.hosts {
            if !host.hurried.isEmpty { self.takeHurried(of: name, at: now, into: &orders) }
            if host.notBefore.map({ $0 <= now }) ?? true {
                self.takeTurns(of: name, at: now, into: &orders)
            }
        }
        return orders
    }

    private mutating func takeHurried(of name: String, at now: Instant, into orders: inout [Order]) {
        // Not the host itself: while it is held, its list would be copied for each.
        while self.hosts[name]?.underWay ?? Self.ordersPerHost < Self.ordersPerHost,
            let id = self.hosts[name]?.hurried.popLast()
        { self.order(id, at: now, into: &orders) }
    }

    private func hasRoom(_ host: Host) -> Bool {
        host.underWay < (host.failures > 0 && self.endsAt == nil ? 1 : Self.ordersPerHost)
    }

    private mutating func takeTurns(of name: String, at now: Instant, into orders: inout [Order]) {
        while let host = self.hosts[name], host.head < host.waiting.count, self.hasRoom(host) {
            let id = host.waiting[host.head]
            self.hosts[name]?.head += 1
            guard let entry = self.entries[id], entry.stage == .waiting else { continue }
            if now.seconds(since: entry.begunAt) >= AnnounceTiming.farewellLifetime {
                self.end(id, isTold: false)
            } else {
                self.order(id, at: now, into: &orders)
            }
        }
        guard let host = self.hosts[name], host.head >= 64 || host.head == host.waiting.count,
            host.head * 2 >= host.waiting.count
        else { return }
        self.hosts[name]?.waiting.removeFirst(host.head)
        self.hosts[name]?.head = 0
    }

    private mutating func order(_ id: ID, at now: Instant, into orders: inout [Order]) {
        guard let entry = self.entries[id], entry.stage == .waiting,
            let request = entry.farewell.requests.first
        else { return }
        self.entries[id]?.stage = .underWay
        self.hosts[entry.key.host]?.underWay += 1
        let isAwaited = entry.isHurried || self.endsAt != nil
        self.entries[id]?.isPatient = !isAwaited
        orders.append(
            Order(
                id: id, url: entry.farewell.url, request: request, priority: AnnouncePriority(request.event),
                deadline: isAwaited ? now.advanced(bySeconds: self.patience) : nil))
    }
}

/// What became of it.
extension FarewellBook {
    public mutating func answered(_ id: ID) {
        guard let entry = self.land(id) else { return }
        self.hosts[entry.key.host]?.failures = 0
        self.hosts[entry.key.host]?.notBefore = nil
        self.hosts[entry.key.host]?.hasAnswered = true
        self.next(id)
    }

    public mutating func failed(
        _ id: ID, _ failure: AnnounceFailure, at now: Instant, using random: inout some RandomNumberGenerator
    ) {
        guard let entry = self.land(id) else { return }
        let name = entry.key.host
        switch failure {
        case .refused:
            // It was heard. What was completed may be refused, and the end taken.
            self.hosts[name]?.failures = 0
            self.hosts[name]?.notBefore = nil
            self.hosts[name]?.hasAnswered = true
            guard entry.farewell.requests.count > 1 else { return self.end(id, isTold: false) }
            return self.next(id)
        case .notAllowed: return self.end(id, isTold: false)
        case .httpStatus, .badAnswer:
            self.entries[id]?.badAnswers += 1
            if entry.badAnswers + 1 >= Self.mostBadAnswers { self.end(id, isTold: false) }
        case .timedOut, .unreachable, .cancelled:
            // At the end nobody waits for a host that says nothing, however many have something to say to it.
            if self.endsAt != nil, self.hosts[name]?.hasAnswered == false { self.abandon(name) }
            // Nor does anybody else who waits.
            let others = self.hosts[name]?.hurried ?? []
            self.hosts[name]?.hurried = []
            for other in others where self.entries[other]?.stage == .waiting {
                self.end(other, isTold: false)
            }
        }
        if self.endsAt != nil || entry.isHurried { return self.end(id, isTold: false) }
        if let entry = self.entries[id] { self.wait(id, entry) }
        // Those that were on their way together fail as one.
        guard self.hosts[name]?.notBefore.map({ $0 <= now }) ?? true else { return }
        self.hosts[name]?.failures += 1
        let wait =
            AnnounceTiming.retry(afterFailures: self.hosts[name]?.failures ?? 1)
            * Double.random(in: AnnounceTiming.retryJitter, using: &random)
        self.hosts[name]?.notBefore = now.advanced(bySeconds: wait)
    }

    /// The program ends: each has one attempt more, whatever failed before.
    public mutating func end(at now: Instant) {
        guard self.endsAt == nil else { return }
        let seconds =
            self.patience + Double(self.entries.count) / AnnounceTiming.farewellsEachSecond
        self.endsAt = now.advanced(bySeconds: min(seconds, AnnounceTiming.longestEnd))
        for name in self.hosts.keys {
            self.hosts[name]?.notBefore = nil
            self.hosts[name]?.hasAnswered = false
        }
    }

    private mutating func land(_ id: ID) -> Entry? {
        guard let entry = self.entries[id], entry.stage == .underWay else { return nil }
        self.entries[id]?.stage = .waiting
        self.entries[id]?.isPatient = false
        self.hosts[entry.key.host]?.underWay -= 1
        return entry
    }

    private mutating func wait(_ id: ID, _ entry: Entry) {
        if entry.isHurried {
            self.hosts[entry.key.host]?.hurried.append(id)
        } else {
            self.hosts[entry.key.host]?.waiting.append(id)
        }
    }

    /// The step is told.
    private mutating func next(_ id: ID) {
        self.entries[id]?.farewell.requests.removeFirst()
        guard let entry = self.entries[id], !entry.farewell.requests.isEmpty else {
            return self.end(id, isTold: true)
        }
        self.wait(id, entry)
    }

    private mutating func abandon(_ name: String) {
        for id in self.hosts[name]?.waiting ?? [] where self.entries[id]?.stage == .waiting {
            self.end(id, isTold: false)
        }
    }

    /// - Parameter isTold: nil for one that had nothing to say.
    private mutating func end(_ id: ID, isTold: Bool?) {
        guard let entry = self.entries.removeValue(forKey: id) else { return }
        if entry.stage == .underWay { self.hosts[entry.key.host]?.underWay -= 1 }
        self.byKey[entry.key]?.removeAll { $0 == id }
        if self.byKey[entry.key]?.isEmpty == true {
            self.byKey[entry.key] = nil
            if entry.isHurried { self.settled.append(entry.key) }
        }
        switch isTold {
        case true?: self.tally.told += 1
        case false?: self.tally.untold += 1
        case nil: break
        }
        self.hosts[entry.key.host]?.count -= 1
        if self.hosts[entry.key.host]?.count == 0 { self.hosts[entry.key.host] = nil }
    }
}
