public import SwarmTypes

extension AnnounceSchedule {
    /// When `due` will have something, as far as is known now; in the past when it has already. Nil when only an event
    /// or the outcome of an order can change that.
    public var nextDeadline: Instant? {
        switch self.phase {
        case .idle: nil
        case .running: self.chains.compactMap { self.wakeTime(of: $0) }.min()
        case .stopping(let since): self.stoppingDeadline(since: since)
        }
    }

    /// Takes what is due, in the order of the tiers.
    public mutating func due(
        at now: Instant, for facts: AnnounceFacts, using random: inout some RandomNumberGenerator
    ) -> [AnnounceOrder] {
        switch self.phase {
        case .idle: return []
        case .stopping(let since): return self.dueWhileStopping(since: since, at: now, facts)
        case .running: break
        }
        var orders: [AnnounceOrder] = []
        for index in self.chains.indices {
            self.dropOverdueStops(of: index, at: now)
            guard let wake = self.wakeTime(of: self.chains[index]), wake <= now,
                let place = self.choice(in: self.chains[index], at: now)
            else { continue }
            let isOwed = self.chains[index].owesCompleted && self.entries[place].isTold
            let event: AnnounceEvent =
                !self.entries[place].isTold
                ? .started : isOwed ? .completed : facts.isPartialSeed ? .paused : .none
            orders.append(self.order(to: place, event, deadline: nil, at: now, facts))
        }
        return orders
    }

    /// The trackers in the order in which they are tried now.
    public var statuses: [TrackerStatus] {
        self.chains.flatMap { chain in
            chain.places.map { place in
                let entry = self.entries[place]
                let isWaiting = entry.flight != nil || chain.working.map { $0 != place } ?? false
                return TrackerStatus(
                    url: entry.url.text, maskedURL: entry.url.masked, tier: entry.tier, state: entry.state,
                    failure: entry.lastFailure,
                    warning: entry.warning, lastAnnounce: entry.lastAttempt,
                    hasAnswered: entry.lastSuccess != nil,
                    nextAnnounce: isWaiting || self.phase != .running ? nil : entry.nextAttempt,
                    counts: entry.counts, peersReceived: entry.peersReceived,
                    failureCount: entry.failureCount)
            }
        }
    }
}

extension TrackerEntry {
    fileprivate var state: TrackerStatus.State {
        if let flight = self.flight { return .announcing(flight.event) }
        guard let failure = self.lastFailure else { return self.lastSuccess == nil ? .idle : .working }
        return self.isGivenUp ? .givenUp(failure) : .failed(failure)
    }
}

/// Running.
extension AnnounceSchedule {
    /// Nil while an announce is on its way.
    func wakeTime(of chain: TrackerChain) -> Instant? {
        for place in chain.places {
            guard let flight = self.entries[place].flight else { continue }
            return flight.event == .stopped ? flight.deadline : nil
        }
        guard let working = chain.working else {
            return chain.places.compactMap { self.entries[$0].nextAttempt }.min()
        }
        let isOwed = chain.owesCompleted && self.entries[working].isTold
        return isOwed ? self.entries[working].lastAttempt : self.entries[working].nextAttempt
    }

    func choice(in chain: TrackerChain, at now: Instant) -> Int? {
        if let working = chain.working, chain.owesCompleted, self.entries[working].isTold { return working }
        return chain.places.first { self.entries[$0].nextAttempt.map { $0 <= now } ?? false }
    }

    /// `stopped` of the session before, which the driver never finished.
    private mutating func dropOverdueStops(of chain: Int, at now: Instant) {
        for place in self.chains[chain].places {
            guard let flight = self.entries[place].flight, flight.event == .stopped,
                let deadline = flight.deadline, deadline <= now
            else { continue }
            self.forgetSession(with: place)
        }
    }

    private mutating func order(
        to place: Int, _ event: AnnounceEvent, deadline: Instant?, at now: Instant, _ facts: AnnounceFacts
    ) -> AnnounceOrder {
        let start = self.entries[place].baseline ?? facts.totals
        self.entries[place].baseline = start
        let moved = facts.totals.since(start)
        let request = AnnounceRequest(
            torrent: facts.torrent, peerID: facts.peerID, port: facts.port, uploaded: moved.uploaded,
            downloaded: moved.downloaded,
            // Not known before the metadata: what a torrent of one block would lack, so that nobody takes us for a seed.
            left: facts.left ?? 16_384, corrupt: moved.corrupt, redundant: moved.redundant, event: event,
            wantedPeers: facts.wantsPeers && event != .stopped ? 80 : 0, key: facts.key,
            trackerID: self.entries[place].trackerID)
        self.lastOrder += 1
        let id = AnnounceOrder.ID(number: self.lastOrder)
        self.entries[place].flight = TrackerEntry.Flight(id: id, event: event, deadline: deadline)
        self.entries[place].lastAttempt = now
        return AnnounceOrder(id: id, url: self.entries[place].url, request: request, deadline: deadline)
    }

    private mutating func forgetSession(with place: Int) {
        self.entries[place].isTold = false
        self.entries[place].baseline = nil
        self.entries[place].flight = nil
    }
}

/// Stopping.
extension AnnounceSchedule {
    private func stoppingDeadline(since: Instant) -> Instant {
        var isWaiting = false
        for entry in self.entries {
            if let flight = entry.flight {
                if flight.event != .stopped, entry.isTold { isWaiting = true }
            } else if entry.isTold {
                return since
            }
        }
        return since.advanced(
            bySeconds: isWaiting ? AnnounceTiming.stopPatience : AnnounceTiming.stopDeadline)
    }

    private mutating func dueWhileStopping(
        since: Instant, at now: Instant, _ facts: AnnounceFacts
    ) -> [AnnounceOrder] {
        let deadline = since.advanced(bySeconds: AnnounceTiming.stopDeadline)
        let patience = since.advanced(bySeconds: AnnounceTiming.stopPatience)
        var orders: [AnnounceOrder] = []
        for index in self.chains.indices where now < deadline {
            for place in self.chains[index].places where self.entries[place].isTold {
                if let flight = self.entries[place].flight {
                    guard flight.event != .stopped, now >= patience else { continue }
                    self.chains[index].owesCompleted = false
                }
                let isOwed = self.chains[index].owesCompleted && self.chains[index].working == place
                let event = isOwed && now < patience ? AnnounceEvent.completed : .stopped
                orders.append(
                    self.order(
                        to: place, event, deadline: event == .stopped ? deadline : patience, at: now, facts))
            }
        }
        self.finishStopping(at: now)
        return orders
    }

    /// Goes to idle when all is told, or its time is up.
    mutating func finishStopping(at now: Instant) {
        guard case .stopping(let since) = self.phase else { return }
        let isOver = now >= since.advanced(bySeconds: AnnounceTiming.stopDeadline)
        guard isOver || self.entries.allSatisfy({ !$0.isTold && $0.flight == nil }) else { return }
        self.phase = .idle
        for place in self.entries.indices { self.forgetSession(with: place) }
        for chain in self.chains.indices { self.chains[chain].owesCompleted = false }
    }
}
