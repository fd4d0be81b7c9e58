public import EventIO
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

    private struct Exchange {
        var request: TrackerRequest
        var url: TrackerURL
        var completion: @Sendable (Outcome) -> Void
        var deadline: TimerToken?
        var cancel: (@Sendable () -> Void)?
    }

    private let loop: EventLoop
    private let http: HTTPDriver
    private let udp: UDPDriver
    private var queue: RequestQueue
    private var exchanges: [Ticket: Exchange] = [:]
    private var timer: TimerToken?
    private var ending: TimerToken?
    /// A look at the queue is posted: what is added in one turn of the loop is taken in the order of urgency.
    private var isLookPosted = false
    private var isClosed = false

    public init(loop: EventLoop, settings: TrackerClientSettings) {
        self.loop = loop
        self.http = HTTPDriver(loop: loop, settings: settings)
        self.udp = UDPDriver(loop: loop, timing: settings.udpTiming, lookUp: settings.lookUp)
        self.queue = RequestQueue(limits: settings.limits)
    }

    deinit {
        // Its sockets are unwatched on the loop alone.
        self.loop.perform { [udp = self.udp] in udp.close() }
    }

    /// Carries out what a schedule has ordered.
    @discardableResult
    public func announce(
        _ order: AnnounceOrder,
        _ completion: @escaping @Sendable (Result<AnnounceAnswer, AnnounceFailure>) -> Void
    ) -> Ticket {
        self.announce(
            order.request, to: order.url, priority: order.priority, deadline: order.deadline, completion)
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
        for token in [self.timer, self.ending] {
            if let token { self.loop.cancel(token) }
        }
        self.http.close()
        self.udp.close()
    }
}

extension TrackerClient {
    private func add(
        _ request: TrackerRequest, _ url: TrackerURL, _ priority: AnnouncePriority, _ deadline: Instant?,
        _ completion: @escaping @Sendable (Outcome) -> Void
    ) -> Ticket {
        self.loop.checkIsolated()
        if self.ending == nil { self.ending = self.loop.whenEnding { [weak self] in self?.close() } }
        let ticket = self.queue.add(host: url.host, priority: priority)
        var exchange = Exchange(request: request, url: url, completion: completion)
        if let deadline {
            exchange.deadline = self.loop.schedule(at: deadline) { [weak self] in
                guard let exchange = self?.take(ticket) else { return }
                exchange.cancel?()
                exchange.completion(.failure(.timedOut))
                self?.lookSoon()
            }
        }
        self.exchanges[ticket] = exchange
        if self.isClosed {
            self.loop.post { self.finish(ticket, .failure(.cancelled)) }
        } else {
            self.lookSoon()
        }
        return ticket
    }

    private func lookSoon() {
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
        if exchange.url.scheme == .udp {
            let attempt = self.udp.start(exchange.request, to: exchange.url) { outcome in
                self.finish(ticket, outcome)
            }
            self.exchanges[ticket]?.cancel = { [udp = self.udp] in udp.cancel(attempt) }
            return
        }
        var url = exchange.url
        if case .scrape = exchange.request {
            guard let place = url.scrapeURL else {
                return self.finish(ticket, .failure(.notAllowed("it names no place for scrapes")))
            }
            url = place
        }
        // The fetcher suspends; with the loop preferred, the task never leaves the loop's thread.
        let task = Task(executorPreference: self.loop) { [http = self.http, loop = self.loop, url] in
            let outcome = await http.reply(to: exchange.request, at: url)
            loop.perform { self.finish(ticket, outcome) }
        }
        self.exchanges[ticket]?.cancel = { task.cancel() }
    }

    private func finish(_ ticket: Ticket, _ outcome: Outcome) {
        guard let exchange = self.take(ticket) else { return }
        exchange.completion(outcome)
        self.lookSoon()
    }

    private func take(_ ticket: Ticket) -> Exchange? {
        guard let exchange = self.exchanges.removeValue(forKey: ticket) else { return nil }
        if let deadline = exchange.deadline { self.loop.cancel(deadline) }
        self.queue.remove(ticket, at: self.loop.now)
        return exchange
    }
}
