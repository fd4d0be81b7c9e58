import EventIO
import SwarmTypes
public import TrackerProtocol

/// What a client has of sessions that are over.
struct Farewells {
    var book: FarewellBook
    var timer: TimerToken?
    /// A look at the book is posted: thousands come in one turn of the loop.
    var isLookPosted = false
    var tickets: [FarewellBook.ID: TrackerClient.Ticket] = [:]
    /// Announces of torrents that begin again, which wait until the end before is told.
    var held: [FarewellBook.Target: [TrackerClient.Ticket]] = [:]
    /// Who waits for all of them, at the end of the program.
    var whenTold: (@Sendable (FarewellBook.Tally) -> Void)?

    init(patience: Double = AnnounceTiming.farewellPatience) { self.book = FarewellBook(patience: patience) }
}

/// Farewells: announces that go on when their torrents are gone.
extension TrackerClient {
    /// Tells a tracker the end of a session, for as long as the program lives. What the torrent announces to its host from now
    /// on waits for that: for one attempt of five seconds at most, once it has its turn.
    /// - Parameter ticket: of the announce that `farewell` follows; nobody hears of it any more.
    public func bid(_ farewell: Farewell, after ticket: Ticket? = nil) {
        self.loop.checkIsolated()
        guard !self.isClosed else { return }
        var isFollowing = false
        if let ticket, self.exchanges[ticket] != nil {
            self.exchanges[ticket]?.completion = { _ in }
            if farewell.follows?.isStarted == true, !self.queue.isRunning(ticket) {
                // The tracker never heard of the session.
                self.cancel(ticket)
            } else {
                isFollowing = true
            }
        }
        let id = self.farewells.book.add(farewell, isFollowing: isFollowing, at: self.loop.now)
        if isFollowing, let ticket { self.exchanges[ticket]?.follower = id }
        self.lookAtFarewellsSoon()
    }

    /// What has become of the farewells so far.
    public var farewellTally: FarewellBook.Tally { self.farewells.book.tally }
    /// Farewells that are not told yet.
    public var farewellCount: Int { self.farewells.book.count }

    /// The program ends: each farewell has one attempt more. Calls `body` on the loop when all are told, or when their time is
    /// up: 5 s, and a second for each hundred of them, but 30 s at most.
    public func endFarewells(_ body: @escaping @Sendable (FarewellBook.Tally) -> Void) {
        self.loop.checkIsolated()
        guard !self.isClosed, self.farewells.whenTold == nil else { return body(self.farewellTally) }
        self.farewells.whenTold = body
        self.farewells.book.end(at: self.loop.now)
        self.lookAtFarewellsSoon()
    }

    /// Whether the announce waits for a farewell to its tracker.
    func holdBack(_ ticket: Ticket, _ request: TrackerRequest, _ url: TrackerURL) -> Bool {
        guard case .announce(let announce) = request, !self.farewells.book.isEmpty else { return false }
        let target = FarewellBook.Target(announce.torrent, host: url.host)
        guard self.farewells.book.holds(target) else { return false }
        self.farewells.held[target, default: []].append(ticket)
        self.farewells.book.hurry(target)
        self.lookAtFarewellsSoon()
        self.loop.schedule(afterSeconds: self.farewells.book.patience) { [weak self] in
            self?.giveUpFarewells(to: target, for: ticket)
        }
        return true
    }

    private func giveUpFarewells(to target: FarewellBook.Target, for ticket: Ticket) {
        guard self.farewells.held[target]?.contains(ticket) == true else { return }
        for id in self.farewells.book.giveUp(target) {
            if let ticket = self.farewells.tickets.removeValue(forKey: id) { self.cancel(ticket) }
        }
        self.lookAtFarewells()
    }

    /// An announce has its outcome, for which a farewell may have waited.
    func followUp(_ exchange: Exchange, _ outcome: Outcome) {
        guard let follower = exchange.follower else { return }
        let isTold = if case .success = outcome { true } else { false }
        self.farewells.book.followed(follower, isTold: isTold)
        self.lookAtFarewellsSoon()
    }

    private func lookAtFarewellsSoon() {
        guard !self.farewells.isLookPosted, !self.isClosed else { return }
        self.farewells.isLookPosted = true
        self.loop.post {
            self.farewells.isLookPosted = false
            self.lookAtFarewells()
        }
    }

    /// Sends what is due, and lets go on who waited for what is told.
    private func lookAtFarewells() {
        guard !self.isClosed else { return }
        for order in self.farewells.book.due(at: self.loop.now) { self.send(order) }
        for target in self.farewells.book.takeSettled() {
            for ticket in self.farewells.held.removeValue(forKey: target) ?? [] {
                guard let exchange = self.exchanges[ticket] else { continue }
                self.queue.add(ticket, host: target.host, priority: exchange.priority)
            }
            self.lookSoon()
        }
        if self.farewells.book.isEmpty, let body = self.farewells.whenTold {
            self.farewells.whenTold = nil
            body(self.farewellTally)
        }
        self.armFarewells()
    }

    private func armFarewells() {
        if let timer = self.farewells.timer { self.loop.cancel(timer) }
        self.farewells.timer = nil
        guard !self.isClosed, let deadline = self.farewells.book.nextDeadline else { return }
        // Never in a loop without a pause, whatever the book says.
        let earliest = self.loop.now.advanced(bySeconds: 0.005)
        self.farewells.timer = self.loop.schedule(at: max(deadline, earliest)) { [weak self] in
            self?.lookAtFarewells()
        }
    }

    private func send(_ order: FarewellBook.Order) {
        let ticket = self.add(
            .announce(order.request), order.url, order.priority, order.deadline, isFarewell: true
        ) {
            [weak self] outcome in
            guard let self, !self.isClosed else { return }
            self.farewells.tickets[order.id] = nil
            switch outcome {
            case .success: self.farewells.book.answered(order.id)
            case .failure(let failure):
                var random = SystemChance()
                self.farewells.book.failed(order.id, failure, at: self.loop.now, using: &random)
            }
            self.lookAtFarewellsSoon()
        }
        self.farewells.tickets[order.id] = ticket
    }
}
