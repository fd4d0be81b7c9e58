import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

private let one = "http://one.example/announce"
private let two = "http://two.example/announce"
private let three = "http://three.example/announce"

@Suite("The schedule's tiers")
struct AnnounceTierTests {
    @Test("Tiers come in order, and each is shuffled at the start", arguments: 0..<200)
    func shuffling(seed: UInt64) throws {
        let names = (0..<5).map { "http://\($0).example/announce" }
        let session = try Session([names, [one, two]], seed: seed)
        let order = session.schedule.statuses
        #expect(order.map(\.tier) == [0, 0, 0, 0, 0, 1, 1])
        #expect(Set(order.prefix(5).map(\.url)) == Set(names))
        if seed == 0 {
            let orders = try (0..<50).map { seed in
                try Session([names], seed: seed).schedule.statuses.map(\.url)
            }
            #expect(Set(orders).count > 30)
        }
    }

    @Test("The next is asked at once when one fails, and the one that answers goes to the front of its tier")
    func failover() throws {
        let session = try Session([[one, two, three]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let first = try session.one()
        session.fail(first)
        let second = try session.one()
        session.answer(second)
        #expect(first.url != second.url && session.due().isEmpty)
        #expect(session.status?.url == second.url.text)
        try session.sleep()
        #expect(try session.one().url == second.url)
    }

    @Test("Each announce tries the tiers from the front again (BEP 12)")
    func fromTheFront() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.fail(try session.one())
        session.answer(try session.one())
        #expect(session.schedule.statuses.map(\.url) == [one, two])
        try session.sleep()
        // An hour later the first one's back-off is over.
        let order = try session.one()
        #expect(order.url.text == one && order.request.event == .started)
        session.fail(order)
        let fallback = try session.one()
        #expect(fallback.url.text == two && fallback.request.event == .none)
    }

    @Test("A tracker that worked before is asked again when the one after it fails")
    func backAndForth() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.answer(try session.one())
        try session.sleep()
        session.fail(try session.one())
        session.answer(try session.one())
        #expect(session.schedule.statuses.map(\.state)[1] == .working)
        // The first one comes back; then both are told `started` and either can be used.
        try session.sleep()
        let again = try session.one()
        #expect(again.url.text == one && again.request.event == .none)
        session.answer(again)
        session.now += 400
        session.schedule.announceByHand(at: seconds(session.now))
        let byHand = try session.one()
        session.fail(byHand)
        #expect(byHand.url.text == one)
        #expect(try session.one().url.text == two)
    }

    @Test("When all fail, the wait is the shortest back-off, and nothing is asked meanwhile")
    func allFail() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.fail(try session.one())
        session.fail(try session.one())
        let wait = try #require(session.wait)
        #expect((14...21).contains(wait) && session.due().isEmpty)
    }

    @Test("One of each tier at a time, when that is asked for")
    func eachTier() throws {
        let session = try Session([[one], [two, three]], use: .oneOfEachTier)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let orders = session.due()
        #expect(orders.count == 2 && orders[0].url.text == one && session.due().isEmpty)
        session.answer(orders[0])
        session.fail(orders[1])
        let fallback = try session.one()
        #expect(fallback.url.text != one && fallback.url != orders[1].url)
    }

    @Test("A private torrent uses one tracker at a time and takes no other than its own (BEP 27)")
    func privateTorrent() throws {
        let session = try Session([[one], [two]], isPrivate: true, use: .oneOfEachTier)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        #expect(session.due().map(\.url.text) == [one])
        #expect(!session.add(three))
        #expect(session.schedule.statuses.count == 2)
    }

    @Test("A magnet that turns out private goes on with one tracker and takes no more (BEP 27)")
    func turnsPrivate() throws {
        let session = try Session([[one], [two], [three]], use: .oneOfEachTier)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let orders = session.due()
        for order in orders.dropFirst() { session.answer(order) }
        session.schedule.becomePrivate()
        session.fail(orders[0])
        #expect(session.due().isEmpty && !session.add("http://four.example/announce"))
        #expect(session.schedule.statuses.map(\.url) == [one, two, three])
        session.now += 2000
        #expect(session.due().map(\.url.text) == [one])
        let farewells = session.stop().farewells
        #expect(farewells.filter { $0.follows == nil }.map(\.url.text) == [two, three])
    }

    @Test("Trackers can be added to a public torrent, once each and a hundred at most")
    func adding() throws {
        let session = try Session([[one]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.answer(try session.one())
        #expect(session.add(two))
        #expect(!session.add(two))
        #expect(!session.add("x"))
        #expect(session.schedule.statuses.map(\.tier) == [0, 1])
        for number in 0..<200 { _ = session.add("http://\(number)/announce") }
        #expect(session.schedule.statuses.count == AnnounceSchedule.maximumTrackers)
    }

    @Test("Trackers that cannot be asked are kept with the reason")
    func unusable() throws {
        let session = try Session([["wss://t.example/", one, one]])
        #expect(session.schedule.statuses.count == 1)
        #expect(
            session.schedule.unusable == [
                UnusableTracker(text: TrackerText("wss://t.example/"), problem: .unsupportedScheme("wss"))
            ])
    }

    @Test("A torrent without trackers has nothing to do, and stops at once")
    func none() throws {
        let session = try Session([])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        #expect(session.due().isEmpty && session.schedule.nextDeadline == nil)
        #expect(session.stop() == AnnounceSchedule.Ending() && !session.schedule.isRunning)
    }
}

@Suite("The schedule's times")
struct AnnounceTimeTests {
    @Test("An interval is honoured, and lengthened by five per cent at most", arguments: 0..<200)
    func interval(seed: UInt64) throws {
        let session = try Session([[one]], seed: seed)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.answer(try session.one(), AnnounceAnswer(interval: 1800))
        #expect((1799.999...1890).contains(try #require(session.wait)))
    }

    @Test(
        "Absurd intervals are bounded",
        arguments: [
            (nil, nil, 1800.0), (1, nil, 60), (60, 900, 900), (.max, nil, 86_400), (5, .max, 86_400),
        ] as [(UInt32?, UInt32?, Double)])
    func bounds(interval: UInt32?, minimum: UInt32?, expected: Double) throws {
        let session = try Session.started()
        session.answer(
            try session.one(), AnnounceAnswer(interval: interval, minimumInterval: minimum))
        #expect((expected - 0.001...expected * 1.05).contains(try #require(session.wait)))
    }

    @Test("By hand it is as soon as the minimum interval allows, and never within a minute")
    func byHand() throws {
        for (minimum, expected) in [(nil, 60), (900, 900), (5, 60)] as [(UInt32?, Double)] {
            let session = try Session.started()
            session.answer(try session.one(), AnnounceAnswer(interval: 1800, minimumInterval: minimum))
            session.now += 10
            session.schedule.announceByHand(at: seconds(session.now))
            #expect(abs(try #require(session.wait) - (expected - 10)) < 0.001)
            session.now += 2000
            session.schedule.announceByHand(at: seconds(session.now))
            #expect(try session.one().request.event == .none)
        }
    }

    @Test("Wanting peers asks after the minimum interval, or five minutes, and does not shorten a back-off")
    func wantingPeers() throws {
        for (minimum, expected) in [(nil, 300), (100, 100)] as [(UInt32?, Double)] {
            let session = try Session.started()
            session.answer(try session.one(), AnnounceAnswer(interval: 1800, minimumInterval: minimum))
            session.schedule.wantPeers(at: seconds(session.now))
            #expect(abs(try #require(session.wait) - expected) < 0.001)
        }
        let failing = try Session.started()
        for _ in 0..<30 {
            failing.fail(try failing.one())
            try failing.sleep()
        }
        failing.fail(try failing.one())
        failing.schedule.wantPeers(at: seconds(failing.now))
        #expect(try #require(failing.wait) > 2800)
    }

    @Test(
        "The back-off is 5 s + 12.5 s · n², an hour at most, by chance 0.8 to 1.2 times that",
        arguments: 0..<200)
    func backOff(seed: UInt64) throws {
        let session = try Session([[one]], addedAt: 0, seed: seed)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        for n in 1...20 {
            session.fail(try session.one())
            let expected = min(3600, 5 + 5 * Double(n * n) * 2.5)
            let wait = try #require(session.wait)
            #expect((expected * 0.8 - 0.001...expected * 1.2).contains(wait))
            #expect(session.status?.failureCount == n && session.due().isEmpty)
            try session.sleep()
        }
        session.answer(try session.one())
        #expect(session.status?.failureCount == 0 && session.status?.state == .working)
    }

    @Test("A new torrent that the tracker does not know yet is tried again in ten seconds, for five minutes")
    func unregistered() throws {
        let session = try Session([[one]], addedAt: 1000)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        var tries = 0
        while session.now < 1300 {
            session.refuse(try session.one(), "Unregistered torrent")
            #expect(abs(try #require(session.wait) - 10) < 0.001)
            try session.sleep()
            tries += 1
        }
        #expect(tries == 30)
        session.refuse(try session.one(), "Unregistered torrent")
        #expect(try #require(session.wait) > 2800)

        let other = try Session([[one]], addedAt: 1000)
        other.schedule.start(at: seconds(other.now), isComplete: false)
        other.refuse(try other.one(), "banned client")
        #expect(try #require(other.wait) > 13.9)
    }

    @Test("A tracker that says when to come back is believed, and one that says never is left alone (BEP 31)")
    func retryIn() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.refuse(try session.one(), "overloaded", .afterMinutes(5))
        session.refuse(try session.one(), "not a tracker", .never)
        #expect(abs(try #require(session.wait) - 300) < 0.001)
        #expect(
            session.schedule.statuses[1].state
                == .givenUp(.refused(TrackerText("not a tracker"), retry: .never)))
        session.schedule.announceByHand(at: seconds(session.now))
        try session.sleep()
        session.refuse(try session.one(), "x", .never)
        #expect(session.wait == nil)
        session.stop()
        session.schedule.start(at: seconds(session.now), isComplete: false)
        #expect(session.due().isEmpty)
    }

    @Test("A start can be put off, to spread many torrents")
    func delayed() throws {
        let session = try Session([[one]])
        session.schedule.start(at: seconds(session.now), isComplete: true, delaySeconds: 700)
        #expect(session.due().isEmpty && session.wait == 700)
        try session.sleep()
        #expect(try session.one().request.event == .started)
    }

    @Test("The torrents of a collection begin evenly spread over half an hour")
    func spread() throws {
        var random = SplitMix64(seed: 1)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<10_000 {
            let bytes = (0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }
            let delay = AnnounceTiming.startDelay(of: try #require(TorrentID(bytes: bytes)))
            counts[min(9, Int(delay / 180))] += 1
        }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
    }

    @Test("The status tells what a person wants to know")
    func status() throws {
        let session = try Session([["http://t.example/KEY/announce"]])
        #expect(session.status?.state == .idle)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let order = try session.one()
        #expect(session.status?.state == .announcing(.started))
        session.answer(
            order,
            AnnounceAnswer(
                peers: [PeerAddress("192.0.2.1:1")].compactMap { $0 }, interval: 1800,
                counts: SwarmCounts(seeds: 3, leeches: 4), warning: TrackerText("mind")))
        let status = try #require(session.status)
        #expect(status.state == .working && status.peersReceived == 1 && status.warning?.verbatim == "mind")
        #expect(status.counts.seeds == 3 && status.counts.leeches == 4)
        #expect(status.maskedURL == "http://t.example:80/***/announce" && status.url.contains("KEY"))
        #expect(status.lastAnnounce == seconds(session.now))
        #expect(status.nextAnnounce == session.schedule.nextDeadline)
        try session.sleep()
        session.refuse(try session.one(), "passkey\ninvalid")
        try session.sleep()
        let retry = try session.one()
        #expect(session.status?.state == .announcing(.none))
        #expect(session.status?.failure == .refused(TrackerText("passkey\ninvalid"), retry: .unsaid))
        session.refuse(retry, "passkey\ninvalid")
        #expect(
            session.status?.state == .failed(.refused(TrackerText("passkey\ninvalid"), retry: .unsaid)))
        #expect(
            AnnounceFailure.refused(TrackerText("passkey\ninvalid"), retry: .unsaid).description
                == "the tracker says: passkey\\ninvalid")
    }
}
