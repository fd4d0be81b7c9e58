public import SwarmTypes

/// When one torrent asks which of its trackers, and what it tells them: tiers (BEP 12), intervals, back-off, events and
/// what private trackers count.
///
/// The driver calls `due` when `nextDeadline` has passed or an event was reported, carries the orders out, and reports
/// each by `answered` or `failed`.
///
/// | phase | what happens | leaves to |
/// | --- | --- | --- |
/// | idle | nothing | running (`start`) |
/// | running | each chain announces to its first tracker that works | idle (`stop`, which hands out farewells) |
public struct AnnounceSchedule: Sendable {
    /// How tiers are used. Trackers of private torrents are always used one at a time (BEP 27).
    public enum TierUse: Hashable, Sendable {
        /// One tracker at a time, a later tier only when all before it fail (BEP 12).
        case oneTracker
        /// One tracker of each tier at a time: more peers for public torrents.
        case oneOfEachTier
    }

    enum Phase: Equatable, Sendable {
        case idle
        case running
    }

    public static let maximumTrackers = 100

    var phase = Phase.idle
    var entries: [TrackerEntry] = []
    var chains: [TrackerChain] = []
    public private(set) var unusable: [UnusableTracker] = []
    private var isPrivate: Bool
    private var tierUse: TierUse
    var addedAt: Instant
    /// `completed` was reported, or can never be: it is told once in the life of a torrent.
    private var isCompletedSettled = false
    var lastOrder: UInt64 = 0

    /// - Parameters:
    ///   - tiers: the texts of the torrent's or magnet's URLs; those of a tier are shuffled.
    ///   - addedAt: when the torrent was added, not when it was loaded again.
    public init(
        tiers: [[String]], isPrivate: Bool, tierUse: TierUse = .oneTracker, addedAt: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        self.isPrivate = isPrivate
        self.tierUse = isPrivate ? .oneTracker : tierUse
        self.addedAt = addedAt
        for (tier, texts) in tiers.enumerated() {
            for text in texts.shuffled(using: &random) { _ = self.insert(text, tier: tier) }
        }
    }

    /// Adds a tracker behind those of its tier, or in a tier of its own at the end. Answers false when nothing came
    /// of it: no usable URL, there already, too many, or the torrent is private, whose trackers its metainfo alone
    /// names (BEP 27).
    public mutating func add(_ text: String, tier: Int? = nil, at now: Instant) -> Bool {
        let last = self.entries.map(\.tier).max() ?? -1
        let tier = tier.map { min(max(0, $0), last + 1) } ?? last + 1
        guard !self.isPrivate, self.insert(text, tier: tier) else { return false }
        if self.phase == .running { self.entries[self.entries.count - 1].nextAttempt = now }
        return true
    }

    /// The metadata of a magnet has come and says that the torrent is private (BEP 27): from now on one tracker at a
    /// time, and none but those there are.
    public mutating func becomePrivate() {
        self.isPrivate = true
        self.tierUse = .oneTracker
        guard var chain = self.chains.first else { return }
        for other in self.chains.dropFirst() {
            chain.places += other.places
            chain.working = chain.working ?? other.working
            chain.owesCompleted = chain.owesCompleted || other.owesCompleted
        }
        chain.places.sort { self.entries[$0].tier < self.entries[$1].tier }
        self.chains = [chain]
    }

    public var isRunning: Bool { self.phase == .running }
}

/// What happens to the torrent.
extension AnnounceSchedule {
    /// Begins a session: each tracker will be told `started`.
    ///
    /// - Parameters:
    ///   - isComplete: nothing is left to download, so that there will be no `completed`.
    ///   - delaySeconds: to spread the torrents of a whole collection when the program starts.
    public mutating func start(at now: Instant, isComplete: Bool, delaySeconds: Double = 0) {
        guard self.phase != .running else { return }
        if isComplete { self.isCompletedSettled = true }
        self.phase = .running
        for place in self.entries.indices where !self.entries[place].isGivenUp {
            self.entries[place].failureCount = 0
            self.entries[place].nextAttempt = now.advanced(bySeconds: max(0, delaySeconds))
        }
        for chain in self.chains.indices { self.chains[chain].working = nil }
    }

    /// The torrent was complete once, before this session or in it: whatever is fetched again, there will be no `completed`.
    public mutating func wasComplete() { self.isCompletedSettled = true }

    /// The download has become complete: trackers in use will be told, once, unless it was complete at the start.
    public mutating func completed(at now: Instant) {
        guard self.phase == .running, !self.isCompletedSettled else { return }
        self.isCompletedSettled = true
        for chain in self.chains.indices { self.chains[chain].owesCompleted = true }
    }

    /// Peers run short: asks trackers that work earlier than the interval says, as far as they allow.
    public mutating func wantPeers(at now: Instant) {
        for place in self.entries.indices where self.entries[place].failureCount == 0 {
            self.advanceAttempt(of: place, to: now, floor: AnnounceTiming.floorForPeers)
        }
    }

    /// A person asks for an announce: as soon as the tracker allows, and not within a minute of the last one.
    public mutating func announceByHand(at now: Instant) {
        for place in self.entries.indices {
            self.advanceAttempt(of: place, to: now, floor: AnnounceTiming.floorByHand)
        }
    }

    private mutating func advanceAttempt(of place: Int, to now: Instant, floor: Double) {
        guard self.phase == .running, let next = self.entries[place].nextAttempt else { return }
        let earliest = self.entries[place].earliest(floor: floor) ?? now
        self.entries[place].nextAttempt = min(next, max(now, earliest))
    }
}

/// What becomes of orders.
extension AnnounceSchedule {
    /// The tracker took it. Late answers to orders that were dropped change nothing.
    public mutating func answered(
        _ order: AnnounceOrder.ID, _ answer: AnnounceAnswer, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        guard let (place, event) = self.land(order) else { return }
        self.entries[place].isTold = true
        self.entries[place].succeeded(answer, at: now, using: &random)
        self.moveToFront(place)
        if let chain = self.chains.firstIndex(where: { $0.places.contains(place) }) {
            if event == .completed { self.chains[chain].owesCompleted = false }
            if let before = self.chains[chain].working, before != place {
                // Should this one fail, that one is asked as soon as it allows.
                self.entries[before].nextAttempt = self.entries[before].earliest(
                    floor: AnnounceTiming.floorForPeers)
            }
            self.chains[chain].working = place
        }
    }

    public mutating func failed(
        _ order: AnnounceOrder.ID, _ failure: AnnounceFailure, at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        guard let (place, _) = self.land(order) else { return }
        let isNew = now.seconds(since: self.addedAt) < AnnounceTiming.newTorrentAge
        self.entries[place].failed(failure, isNew: isNew, at: now, using: &random)
        for chain in self.chains.indices where self.chains[chain].working == place {
            self.chains[chain].working = nil
        }
    }

    private mutating func land(_ order: AnnounceOrder.ID) -> (place: Int, event: AnnounceEvent)? {
        for place in self.entries.indices {
            guard let flight = self.entries[place].flight, flight.id == order else { continue }
            self.entries[place].flight = nil
            return (place, flight.event)
        }
        return nil
    }

    /// To the front of its tier (BEP 12).
    private mutating func moveToFront(_ place: Int) {
        let tier = self.entries[place].tier
        for chain in self.chains.indices {
            guard let index = self.chains[chain].places.firstIndex(of: place) else { continue }
            let first = self.chains[chain].places.firstIndex { self.entries[$0].tier == tier } ?? index
            self.chains[chain].places.remove(at: index)
            self.chains[chain].places.insert(place, at: first)
        }
    }

    mutating func insert(_ text: String, tier: Int) -> Bool {
        guard self.entries.count < Self.maximumTrackers else { return false }
        let url: TrackerURL
        do throws(TrackerURL.Problem) {
            url = try TrackerURL(text)
        } catch {
            if self.unusable.count < Self.maximumTrackers {
                let start = text.utf8.prefix(256)
                self.unusable.append(UnusableTracker(text: TrackerText(start), problem: error))
            }
            return false
        }
        guard !self.entries.contains(where: { $0.url == url }) else { return false }
        self.entries.append(TrackerEntry(url: url, tier: tier))
        let place = self.entries.count - 1
        let chain = self.chains.firstIndex { chain in
            self.tierUse == .oneTracker || chain.places.contains { self.entries[$0].tier == tier }
        }
        guard let chain else {
            self.chains.append(TrackerChain(places: [place]))
            return true
        }
        let places = self.chains[chain].places
        let end = places.firstIndex { self.entries[$0].tier > tier } ?? places.endIndex
        self.chains[chain].places.insert(place, at: end)
        return true
    }
}
