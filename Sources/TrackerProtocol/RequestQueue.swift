public import SwarmTypes

/// Which requests to trackers go out when: so many at a time and a second to each host, so many in all, the more
/// urgent first, hosts in turn.
///
/// Tens of thousands may wait; taking one costs as much as there are hosts with something waiting.
public struct RequestQueue: Sendable {
    public struct Limits: Hashable, Sendable {
        public var perHost: Int
        public var perHostEachSecond: Int
        public var inAll: Int
        /// The same for `stopped` and `completed`, which count for people's accounts: who stops hundreds of torrents of one
        /// tracker at once has all of them told soon, in a burst that the tracker sees once.
        public var endingPerHost: Int
        public var endingPerHostEachSecond: Int

        public init(
            perHost: Int = 4, perHostEachSecond: Int = 10, inAll: Int = 64, endingPerHost: Int = 16,
            endingPerHostEachSecond: Int = 100
        ) {
            self.perHost = max(1, perHost)
            self.perHostEachSecond = max(1, perHostEachSecond)
            self.inAll = max(1, inAll)
            self.endingPerHost = endingPerHost
            self.endingPerHostEachSecond = endingPerHostEachSecond
        }

        fileprivate func parallel(_ priority: AnnouncePriority) -> Int {
            priority == .ending ? max(self.perHost, self.endingPerHost) : self.perHost
        }

        fileprivate func eachSecond(_ priority: AnnouncePriority) -> Int {
            priority == .ending
                ? max(self.perHostEachSecond, self.endingPerHostEachSecond) : self.perHostEachSecond
        }

        /// Of a client with so many torrents, which all may have the same tracker: with more than 18,000, ten a second were
        /// too few to announce each within the half hour that is usual.
        public static func standard(torrents: Int) -> Limits {
            Limits(perHostEachSecond: min(50, max(10, torrents / 1500)))
        }

        /// For the last seconds of a session, in which only `stopped` is left to be told: answers are not waited for by
        /// anybody, and connections are used again and again.
        public static let atTheEnd = Limits(perHost: 16, perHostEachSecond: 500, inAll: 128)
    }

    public struct Ticket: Hashable, Sendable {
        let number: UInt64
    }

    private struct Entry {
        var host: String
        var isRunning = false
    }

    private struct Host {
        /// Waiting tickets by priority; some may have been removed since.
        var waiting: [FIFO] = AnnouncePriority.allCases.map { _ in FIFO() }
        var runningCount = 0
        /// When the last requests began, at most as many as may begin in a second, oldest first.
        var starts: [Instant] = []
    }

    /// Takes from the front without moving the rest.
    private struct FIFO {
        private var tickets: [Ticket] = []
        private var head = 0

        var first: Ticket? { self.head < self.tickets.count ? self.tickets[self.head] : nil }

        mutating func append(_ ticket: Ticket) { self.tickets.append(ticket) }

        mutating func removeFirst() {
            self.head += 1
            guard self.head >= 64, self.head * 2 >= self.tickets.count else { return }
            self.tickets.removeFirst(self.head)
            self.head = 0
        }
    }

    /// May change at any time; what has begun goes on.
    public var limits: Limits
    private var lastTicket: UInt64 = 0
    private var entries: [Ticket: Entry] = [:]
    private var hosts: [String: Host] = [:]
    /// Those in `hosts`; the first one has its turn next.
    private var turns: [String] = []
    private var runningCount = 0

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Waiting and running.
    public var count: Int { self.entries.count }

    public mutating func add(host: String, priority: AnnouncePriority) -> Ticket {
        let ticket = self.makeTicket()
        self.add(ticket, host: host, priority: priority)
        return ticket
    }

    /// For a request that does not wait for its turn yet.
    public mutating func makeTicket() -> Ticket {
        self.lastTicket += 1
        return Ticket(number: self.lastTicket)
    }

    /// - Parameter ticket: of `makeTicket`, and not added before.
    public mutating func add(_ ticket: Ticket, host: String, priority: AnnouncePriority) {
        self.entries[ticket] = Entry(host: host)
        if self.hosts[host] == nil {
            self.hosts[host] = Host()
            self.turns.append(host)
        }
        self.hosts[host]?.waiting[Int(priority.rawValue)].append(ticket)
    }

    public func isRunning(_ ticket: Ticket) -> Bool { self.entries[ticket]?.isRunning == true }

    /// Those that may begin now; they count as running until `remove`.
    public mutating func takeReady(at now: Instant) -> [Ticket] {
        if self.turns.count > 64 { self.forgetIdleHosts(at: now) }
        var ready: [Ticket] = []
        for priority in AnnouncePriority.allCases {
            var isTaking = true
            // One of each host a round, so that a host with many does not keep the others waiting.
            while isTaking {
                isTaking = false
                for host in self.turns {
                    guard self.runningCount < self.limits.inAll else { return ready }
                    guard let ticket = self.take(from: host, priority, at: now) else { continue }
                    ready.append(ticket)
                    isTaking = true
                }
            }
        }
        return ready
    }

    /// It has ended, or is not wanted any more.
    public mutating func remove(_ ticket: Ticket, at now: Instant) {
        guard let entry = self.entries.removeValue(forKey: ticket) else { return }
        if entry.isRunning {
            self.runningCount -= 1
            self.hosts[entry.host]?.runningCount -= 1
        }
        if let index = self.turns.firstIndex(of: entry.host) {
            // Its turn comes after the others'.
            self.turns.remove(at: index)
            if !self.forgetIfIdle(entry.host, at: now) { self.turns.append(entry.host) }
        }
    }

    /// When a host that only waits for its second may be asked again; nil when nothing waits for time alone.
    public mutating func nextDeadline(at now: Instant) -> Instant? {
        guard self.runningCount < self.limits.inAll else { return nil }
        var earliest: Instant?
        for name in self.turns {
            self.dropRemoved(of: name)
            guard let host = self.hosts[name] else { continue }
            for priority in AnnouncePriority.allCases
            where host.waiting[Int(priority.rawValue)].first != nil
                && host.runningCount < self.limits.parallel(priority)
            {
                let time = self.permission(of: host, priority) ?? now
                earliest = min(earliest ?? time, time)
            }
        }
        return earliest
    }

    private mutating func take(from name: String, _ priority: AnnouncePriority, at now: Instant) -> Ticket? {
        self.dropRemoved(of: name)
        guard var host = self.hosts[name], host.runningCount < self.limits.parallel(priority),
            let ticket = host.waiting[Int(priority.rawValue)].first,
            self.permission(of: host, priority).map({ $0 <= now }) ?? true
        else { return nil }
        self.hosts[name] = nil
        host.waiting[Int(priority.rawValue)].removeFirst()
        host.runningCount += 1
        let surplus = host.starts.count - self.limits.eachSecond(.ending) + 1
        if surplus > 0 { host.starts.removeFirst(surplus) }
        host.starts.append(now)
        self.hosts[name] = host
        self.entries[ticket]?.isRunning = true
        self.runningCount += 1
        return ticket
    }

    /// From when on the host may be asked once more; nil when at any time.
    private func permission(of host: Host, _ priority: AnnouncePriority) -> Instant? {
        let place = host.starts.count - self.limits.eachSecond(priority)
        return place >= 0 ? host.starts[place].advanced(bySeconds: 1) : nil
    }

    private mutating func dropRemoved(of name: String) {
        for priority in AnnouncePriority.allCases.map({ Int($0.rawValue) }) {
            while let ticket = self.hosts[name]?.waiting[priority].first, self.entries[ticket] == nil {
                self.hosts[name]?.waiting[priority].removeFirst()
            }
        }
    }

    private mutating func forgetIdleHosts(at now: Instant) {
        var kept: [String] = []
        for host in self.turns where !self.forgetIfIdle(host, at: now) { kept.append(host) }
        self.turns = kept
    }

    /// Only when its second is over too, else asking it once more would begin a new one.
    private mutating func forgetIfIdle(_ name: String, at now: Instant) -> Bool {
        self.dropRemoved(of: name)
        guard let host = self.hosts[name] else { return true }
        guard host.runningCount == 0, host.waiting.allSatisfy({ $0.first == nil }),
            host.starts.last.map({ $0.advanced(bySeconds: 1) <= now }) ?? true
        else { return false }
        self.hosts[name] = nil
        return true
    }
}
