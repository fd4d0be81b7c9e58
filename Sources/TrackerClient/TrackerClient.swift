public import EventIO
import Glibc
public import SwarmTypes
public import TrackerProtocol

/// Sends announces and scrapes to trackers over HTTP and UDP, from an event loop.
///
/// Everything is called on the loop, and calls back on it, from within no call but `close`. Each completion is called exactly
/// once, save for what is cancelled, of which nobody hears.
///
/// `@unchecked Sendable`: touched on the loop alone, which each entry checks.
public final class TrackerClient: @unchecked Sendable {
    /// Names one request, to cancel it.
    public typealias Ticket = RequestQueue.Ticket
    typealias Outcome = Result<TrackerReply, AnnounceFailure>

    struct Exchange {
        var request: TrackerRequest
        /// The turn it has, once it waits for one.
        var priority: AnnouncePriority
        var url: TrackerURL
        var completion: @Sendable (Outcome) -> Void
        var deadline: TimerToken?
        var cancel: (@Sendable () -> Void)?
        /// Of an announce over two families of addresses: how many are on their way, and what came of the first.
        var legsLeft = 1
        var outcome: Outcome?
        /// The farewell that waits for its outcome.
        var follower: FarewellBook.ID?
    }

    /// For the slower family, once the other has answered: its peers would be good to have, but are not waited for long.
    private static let secondFamilySeconds = 2.0

    let loop: EventLoop
    private let http: HTTPDriver
    private let udp: UDPDriver
    private let resolver: NameResolver
    var queue: RequestQueue
    var exchanges: [Ticket: Exchange] = [:]
    private var timer: TimerToken?
    private var ending: TimerToken?
    /// A look at the queue is posted: what is added in one turn of the loop is taken in the order of urgency.
    private var isLookPosted = false
    private(set) var isClosed = false
    var farewells = Farewells()

    public init(loop: EventLoop, settings: TrackerClientSettings) {
        self.loop = loop
        self.http = HTTPDriver(loop: loop, settings: settings)
        self.resolver = NameResolver(loop: loop, lookUp: settings.lookUp)
        self.udp = UDPDriver(loop: loop, timing: settings.udpTiming, resolver: self.resolver)
        self.queue = RequestQueue(limits: settings.limits)
    }

    deinit {
        // Its sockets are unwatched on the loop alone.
        self.loop.perform { [udp = self.udp, resolver = self.resolver] in
            udp.close()
            resolver.close()
        }
    }

    /// Carries out what a schedule has ordered.
    @discardableResult
    public func announce(
        _ order: AnnounceOrder,
        _ completion: @escaping @Sendable (Result<AnnounceAnswer, AnnounceFailure>) -> Void
    ) -> Ticket {
        self.announce(
            order.request, to: order.url, priority: order.priority, completion)
    }

    /// - Parameter deadline: when nobody waits any more, and the outcome is `timedOut`, even if it never had its turn.
    @discardableResult
    public func announce(
        _ request: AnnounceRequest, to url: TrackerURL, priority: AnnouncePriority,
        deadline: Instant? = nil,
        _ completion: @escaping @Sendable (Result<AnnounceAnswer, AnnounceFailure>) -> Void
    ) -> Ticket {
        self.add(.announce(request), url, priority, deadline) { outcome in
            completion(
                outcome.flatMap { reply in
                    guard case .announced(let answer) = reply else { return .failure(.badAnswer("a scrape")) }
                    return .success(answer)
                })
        }
    }

    /// Asks for the counts of up to 64 torrents (BEP 48).
    ///
    /// - Parameter url: the announce URL. One that has no place for scrapes fails with `notAllowed`.
    @discardableResult
    public func scrape(
        _ torrents: [TorrentID], at url: TrackerURL,
        _ completion: @escaping @Sendable (Result<ScrapeAnswer, AnnounceFailure>) -> Void
    ) -> Ticket {
        let torrents = Array(torrents.prefix(TrackerURL.maximumScrapedTorrents))
        return self.add(.scrape(torrents), url, .interval, nil) { outcome in
            completion(
                outcome.flatMap { reply in
                    guard case .scraped(let answer) = reply else {
                        return .failure(.badAnswer("an announce"))
                    }
                    return .success(answer)
                })
        }
    }

    /// Its completion is not called any more.
    public func cancel(_ ticket: Ticket) {
        self.loop.checkIsolated()
        guard let exchange = self.take(ticket) else { return }
        exchange.cancel?()
        self.followUp(exchange, .failure(.cancelled))
        self.lookSoon()
    }

    /// How many requests may run, from now on.
    public func setLimits(_ limits: RequestQueue.Limits) {
        self.loop.checkIsolated()
        guard self.queue.limits != limits else { return }
        self.queue.limits = limits
        self.lookSoon()
    }

    /// Waiting and running requests.
    public var requestCount: Int { self.exchanges.count }

    /// Ends all requests, and each later one, with `cancelled`. The end of the loop does the same.
    public func close() {
        self.loop.checkIsolated()
        guard !self.isClosed else { return }
        self.isClosed = true
        for ticket in Array(self.exchanges.keys) {
            let exchange = self.take(ticket)
            exchange?.cancel?()
            exchange?.completion(.failure(.cancelled))
        }
        for token in [self.timer, self.ending, self.farewells.timer] {
            if let token { self.loop.cancel(token) }
        }
        self.http.close()
        self.udp.close()
        self.resolver.close()
    }

    /// The addresses of a host, in the system's order, the ports 0. Looked up on a thread of its own, and remembered.
    public func addresses(
        of host: String, _ completion: @escaping @Sendable (Result<[PeerAddress], NameFailure>) -> Void
    ) {
        self.loop.checkIsolated()
        self.resolver.resolve(host, completion)
    }
}

extension TrackerClient {
    func add(
        _ request: TrackerRequest, _ url: TrackerURL, _ priority: AnnouncePriority, _ deadline: Instant?,
        isFarewell: Bool = false, _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> Ticket {
        self.loop.checkIsolated()
        if self.ending == nil { self.ending = self.loop.whenEnding { [weak self] in self?.close() } }
        let ticket = self.queue.makeTicket()
        var exchange = Exchange(
            request: request, priority: priority, url: url, completion: completion)
        if let deadline {
            exchange.deadline = self.loop.schedule(at: deadline) { [weak self] in
                guard let exchange = self?.take(ticket) else { return }
                exchange.cancel?()
                exchange.completion(exchange.outcome ?? .failure(.timedOut))
                self?.followUp(exchange, exchange.outcome ?? .failure(.timedOut))
                self?.lookSoon()
            }
        }
        self.exchanges[ticket] = exchange
        if self.isClosed {
            self.loop.post { self.finish(ticket, .failure(.cancelled)) }
        } else if isFarewell || !self.holdBack(ticket, request, url) {
            self.queue.add(ticket, host: url.host, priority: priority)
            self.lookSoon()
        }
        return ticket
    }

    func lookSoon() {
        guard !self.isLookPosted, !self.isClosed else { return }
        self.isLookPosted = true
        self.loop.post {
            self.isLookPosted = false
            self.startReady()
        }
    }

    private func startReady() {
        guard !self.isClosed else { return }
        for ticket in self.queue.takeReady(at: self.loop.now) { self.start(ticket) }
        if let timer = self.timer { self.loop.cancel(timer) }
        self.timer = self.queue.nextDeadline(at: self.loop.now).map { deadline in
            self.loop.schedule(at: deadline) { [weak self] in self?.startReady() }
        }
    }

    private func start(_ ticket: Ticket) {
        guard let exchange = self.exchanges[ticket] else { return }
        guard case .announce(let announce) = exchange.request, announce.family == .any,
            PeerAddress(host: exchange.url.host, port: 0) == nil
        else { return self.start(ticket, [exchange.request]) }
        // One announce for each family that leads there, by which the tracker learns both of our addresses; it knows by
        // the key and the peer id that they are of one (BEP 7).
        self.resolver.resolve(exchange.url.host) { outcome in
            var families: [AddressFamily] = []
            if case .success(let addresses) = outcome {
                let usable = addresses.filter { exchange.url.mayReach($0) && hasRoute(to: $0) }
                if usable.contains(where: { $0.ipv4 != nil }) { families.append(.ipv4) }
                if usable.contains(where: { $0.ipv4 == nil }) { families.append(.ipv6) }
            }
            if families.count < 2 { families = [.any] }
            self.start(
                ticket,
                families.map { family in
                    var announce = announce
                    announce.family = family
                    return .announce(announce)
                })
        }
    }

    private func start(_ ticket: Ticket, _ requests: [TrackerRequest]) {
        guard self.exchanges[ticket] != nil else { return }
        self.exchanges[ticket]?.legsLeft = requests.count
        for request in requests {
            guard let exchange = self.exchanges[ticket] else { return }
            let cancel = self.send(request, to: exchange.url) { self.legEnded(ticket, $0) }
            let before = exchange.cancel
            self.exchanges[ticket]?.cancel = {
                before?()
                cancel?()
            }
        }
    }

    /// Answers by what to cancel it. `completion` is called on the loop, later or at once.
    private func send(
        _ request: TrackerRequest, to announceURL: TrackerURL,
        _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> (@Sendable () -> Void)? {
        if announceURL.scheme == .udp {
            let attempt = self.udp.start(request, to: announceURL, completion)
            return { [udp = self.udp] in udp.cancel(attempt) }
        }
        var url = announceURL
        if case .scrape = request {
            guard let place = url.scrapeURL else {
                completion(.failure(.notAllowed("it names no place for scrapes")))
                return nil
            }
            url = place
        }
        // The fetcher suspends; with the loop preferred, the task never leaves the loop's thread.
        let task = Task(executorPreference: self.loop) { [http = self.http, loop = self.loop, url] in
            let outcome = await http.reply(to: request, at: url)
            loop.perform { completion(outcome) }
        }
        return { task.cancel() }
    }

    private func legEnded(_ ticket: Ticket, _ outcome: Outcome) {
        guard var exchange = self.exchanges[ticket] else { return }
        exchange.legsLeft -= 1
        let merged = exchange.outcome.map { merge($0, outcome) } ?? outcome
        exchange.outcome = merged
        self.exchanges[ticket] = exchange
        if exchange.legsLeft == 0 { return self.finish(ticket, merged) }
        guard case .success = merged else { return }
        self.loop.schedule(afterSeconds: Self.secondFamilySeconds) { [weak self] in
            self?.finish(ticket, merged)
        }
    }

    private func finish(_ ticket: Ticket, _ outcome: Outcome) {
        guard let exchange = self.take(ticket) else { return }
        exchange.completion(outcome)
        self.followUp(exchange, outcome)
        self.lookSoon()
    }

    func take(_ ticket: Ticket) -> Exchange? {
        guard let exchange = self.exchanges.removeValue(forKey: ticket) else { return nil }
        if let deadline = exchange.deadline { self.loop.cancel(deadline) }
        self.queue.remove(ticket, at: self.loop.now)
        return exchange
    }
}

/// One answer of two to the same announce over two families.
private func merge(_ first: TrackerClient.Outcome, _ second: TrackerClient.Outcome) -> TrackerClient.Outcome {
    guard case .success(.announced(var answer)) = first else {
        if case .success = second { return second }
        return first
    }
    guard case .success(.announced(let other)) = second else { return first }
    let known = Set(answer.peers)
    answer.peers += other.peers.filter { !known.contains($0) }
    answer.peers = Array(answer.peers.prefix(AnnounceAnswer.maximumPeers))
    answer.interval = larger(answer.interval, other.interval)
    answer.minimumInterval = larger(answer.minimumInterval, other.minimumInterval)
    answer.counts.seeds = larger(answer.counts.seeds, other.counts.seeds)
    answer.counts.leeches = larger(answer.counts.leeches, other.counts.leeches)
    answer.counts.completions = larger(answer.counts.completions, other.counts.completions)
    answer.counts.downloaders = larger(answer.counts.downloaders, other.counts.downloaders)
    answer.warning = answer.warning ?? other.warning
    answer.trackerID = answer.trackerID ?? other.trackerID
    answer.externalAddress = answer.externalAddress ?? other.externalAddress
    return .success(.announced(answer))
}

private func larger(_ first: UInt32?, _ second: UInt32?) -> UInt32? {
    guard let first, let second else { return first ?? second }
    return max(first, second)
}

/// Whether the routing table knows a way. Nothing is sent.
private func hasRoute(to address: PeerAddress) -> Bool {
    let descriptor = socket(address.socketFamily, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    // Any port will do.
    return address.with(port: 9).withSocketAddress { connect(descriptor, $0, $1) } == 0
}
