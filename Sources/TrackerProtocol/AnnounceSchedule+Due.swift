public import SwarmTypes

extension AnnounceSchedule {
    /// When `due` will have something, as far as is known now; in the past when it has already. Nil when only an event
    /// or the outcome of an order can change that.
    public var nextDeadline: Instant? {
        switch self.phase {
        case .idle: nil
        case .running: self.chains.compactMap { self.wakeTime(of: $0) }.min()
        }
    }

    /// Takes what is due, in the order of the tiers.
    public mutating func due(
        at now: Instant, for facts: AnnounceFacts, using random: inout some RandomNumberGenerator
    ) -> [AnnounceOrder] {
        guard self.phase == .running else { return [] }
        var orders: [AnnounceOrder] = []
        for index in self.chains.indices {
            guard let wake = self.wakeTime(of: self.chains[index]), wake <= now,
                let place = self.choice(in: self.chains[index], at: now)
            else { continue }
            let isOwed = self.chains[index].owesCompleted && self.entries[place].isTold
            let event: AnnounceEvent =
                !self.entries[place].isTold
                ? .started : isOwed ? .completed : facts.isPartialSeed ? .paused : .none
            orders.append(self.order(to: place, event, at: now, facts))
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
        guard chain.places.allSatisfy({ self.entries[$0].flight == nil }) else { return nil }
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

    private mutating func order(
        to place: Int, _ event: AnnounceEvent, at now: Instant, _ facts: AnnounceFacts
    ) -> AnnounceOrder {
        if self.entries[place].baseline == nil { self.entries[place].baseline = facts.totals }
        self.lastOrder += 1
        let id = AnnounceOrder.ID(number: self.lastOrder)
        self.entries[place].flight = TrackerEntry.Flight(id: id, event: event)
        self.entries[place].lastAttempt = now
        return AnnounceOrder(
            id: id, url: self.entries[place].url, request: self.request(to: place, event, facts))
    }

    /// With what was moved since the tracker was first sent `started`.
    func request(to place: Int, _ event: AnnounceEvent, _ facts: AnnounceFacts) -> AnnounceRequest {
        let moved = facts.totals.since(self.entries[place].baseline ?? facts.totals)
        return AnnounceRequest(
            torrent: facts.torrent, peerID: facts.peerID, port: facts.port, uploaded: moved.uploaded,
            downloaded: moved.downloaded,
            // Not known before the metadata: what a torrent of one block would lack, so that nobody takes us for a seed.
            left: facts.left ?? 16_384, corrupt: moved.corrupt, redundant: moved.redundant, event: event,
            wantedPeers: facts.wantsPeers && event != .stopped ? 80 : 0, key: facts.key,
            trackerID: self.entries[place].trackerID)
    }
}
