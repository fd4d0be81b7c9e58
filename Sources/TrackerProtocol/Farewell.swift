public import SwarmTypes

/// What one tracker is still to be told of a session that is over, with the counters as they were at its end. Outlives the
/// torrent.
public struct Farewell: Equatable, Sendable {
    /// An announce on its way, whose outcome comes first.
    public struct Flight: Equatable, Sendable {
        public let id: AnnounceOrder.ID
        /// Unless that is acknowledged, the tracker does not know the session, and is told nothing.
        public let isStarted: Bool
    }

    public let url: TrackerURL
    public let follows: Flight?
    /// `stopped`; before it `completed`, if the tracker has not acknowledged that.
    public internal(set) var requests: [AnnounceRequest]

    public var torrent: TorrentID? { self.requests.first?.torrent }
}

extension AnnounceSchedule {
    /// What is left when a session ends.
    public struct Ending: Equatable, Sendable {
        /// Orders on their way that nobody waits for any more.
        public var dropped: [AnnounceOrder.ID] = []
        /// To each tracker that acknowledged `started`, or may yet do so.
        public var farewells: [Farewell] = []

        public init() {}

        mutating func add(_ other: Ending) {
            self.dropped += other.dropped
            self.farewells += other.farewells
        }
    }

    /// Ends the session. What happens to its orders from now on is no longer the schedule's.
    public mutating func stop(for facts: AnnounceFacts) -> Ending {
        guard self.phase == .running else { return Ending() }
        self.phase = .idle
        var ending = Ending()
        for place in self.entries.indices { ending.add(self.endSession(with: place, facts)) }
        for chain in self.chains.indices where self.chains[chain].owesCompleted {
            self.chains[chain].owesCompleted = false
        }
        return ending
    }

    mutating func endSession(with place: Int, _ facts: AnnounceFacts) -> Ending {
        let entry = self.entries[place]
        var ending = Ending()
        // Nothing is written: torrents share what they have of trackers that heard nothing.
        guard entry.baseline != nil else { return ending }
        var follows: Farewell.Flight?
        var isOwed = self.chains.contains {
            $0.owesCompleted && $0.places.contains(place) && ($0.working ?? place) == place
        }
        switch entry.flight?.event {
        case nil: break
        case .started: follows = entry.flight.map { Farewell.Flight(id: $0.id, isStarted: true) }
        case .completed:
            follows = entry.flight.map { Farewell.Flight(id: $0.id, isStarted: false) }
            isOwed = true
        case .some: ending.dropped = entry.flight.map { [$0.id] } ?? []
        }
        if entry.isTold || follows != nil {
            let events: [AnnounceEvent] = isOwed ? [.completed, .stopped] : [.stopped]
            ending.farewells = [
                Farewell(
                    url: entry.url, follows: follows,
                    requests: events.map { self.request(to: place, $0, facts) })
            ]
        }
        self.entries[place].isTold = false
        self.entries[place].baseline = nil
        self.entries[place].flight = nil
        return ending
    }
}
