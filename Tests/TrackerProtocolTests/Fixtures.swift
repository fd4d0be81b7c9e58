import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

func torrent(_ byte: UInt8) throws -> TorrentID {
    try #require(TorrentID(bytes: [UInt8](repeating: byte, count: 20)))
}

func peerID() throws -> PeerID {
    try #require(PeerID(bytes: Array("-WE0100-abcdefghijkl".utf8)))
}

func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

/// One torrent and its schedule, with a clock that is moved by hand.
final class Session {
    var schedule: AnnounceSchedule
    var facts: AnnounceFacts
    var random: SplitMix64
    var now: Double = 1000

    init(
        _ tiers: [[String]], isPrivate: Bool = false, use: AnnounceSchedule.TierUse = .oneTracker,
        addedAt: Double = 1000, seed: UInt64 = 1
    ) throws {
        self.random = SplitMix64(seed: seed)
        self.schedule = AnnounceSchedule(
            tiers: tiers, isPrivate: isPrivate, tierUse: use, addedAt: seconds(addedAt), using: &self.random)
        self.facts = AnnounceFacts(
            torrent: try torrent(1), peerID: try peerID(), port: 6881, key: 0xDEAD_BEEF, left: 1000)
    }

    /// One tracker, `http://one.example/announce`, and the session begun.
    static func started(isComplete: Bool = false) throws -> Session {
        let session = try Session([["http://one.example/announce"]])
        session.schedule.start(at: seconds(session.now), isComplete: isComplete)
        return session
    }

    func due() -> [AnnounceOrder] {
        self.schedule.due(at: seconds(self.now), for: self.facts, using: &self.random)
    }

    /// The only order that is due.
    func one(_ location: SourceLocation = #_sourceLocation) throws -> AnnounceOrder {
        let orders = self.due()
        try #require(orders.count == 1, "\(orders.map(\.request.event))", sourceLocation: location)
        return orders[0]
    }

    func answer(_ order: AnnounceOrder, _ answer: AnnounceAnswer = AnnounceAnswer(interval: 1800)) {
        self.schedule.answered(order.id, answer, at: seconds(self.now), using: &self.random)
    }

    func fail(_ order: AnnounceOrder, _ failure: AnnounceFailure = .timedOut) {
        self.schedule.failed(order.id, failure, at: seconds(self.now), using: &self.random)
    }

    func refuse(_ order: AnnounceOrder, _ words: String, _ retry: RetryAdvice = .unsaid) {
        self.fail(order, .refused(TrackerText(words), retry: retry))
    }

    func add(_ text: String) -> Bool { self.schedule.add(text, at: seconds(self.now)) }

    @discardableResult
    func stop() -> AnnounceSchedule.Ending { self.schedule.stop(for: self.facts) }

    @discardableResult
    func setTrackers(_ tiers: [[String]]) -> AnnounceSchedule.Ending {
        self.schedule.setTrackers(tiers, at: seconds(self.now), for: self.facts)
    }

    /// Seconds from now to the next deadline.
    var wait: Double? { self.schedule.nextDeadline.map { $0.seconds(since: seconds(self.now)) } }

    /// Moves the clock to the next deadline.
    func sleep(_ location: SourceLocation = #_sourceLocation) throws {
        let wait = try #require(self.wait, "nothing will be due", sourceLocation: location)
        self.now += max(0, wait)
        // Instants are whole nanoseconds.
        self.now += 1e-6
    }

    var status: TrackerStatus? { self.schedule.statuses.first }
}
