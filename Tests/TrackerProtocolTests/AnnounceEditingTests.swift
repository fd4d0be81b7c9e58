import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

private let one = "http://one.example/announce"
private let two = "http://two.example/announce"
private let three = "http://three.example/announce"

@Suite("Trackers changed by hand")
struct AnnounceEditingTests {
    @Test("One that stays is not asked again, and keeps what is known of it")
    func staying() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.setTrackers([[one], [two]])
        #expect(session.due().isEmpty)
        #expect(session.schedule.statuses.map(\.url) == [one, two])
        #expect(session.status?.state == .working)
        try session.sleep()
        #expect(try session.one().request.event == .none)
    }

    @Test("A new one in place of the old is told of the start at once, also of a private torrent")
    func replacing() throws {
        let session = try Session([[one]], isPrivate: true)
        session.schedule.start(at: seconds(session.now), isComplete: true)
        let first = try session.one()
        session.setTrackers([[two]])
        // The answer of one that is gone changes nothing.
        session.answer(first)
        let order = try session.one()
        #expect(order.url.text == two && order.request.event == .started)
        session.answer(order)
        #expect(session.schedule.statuses.map(\.url) == [two])
    }

    @Test("None of them, and some again")
    func none() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.facts.totals.uploaded = 77
        let farewell = try #require(session.setTrackers([]).farewells.first)
        #expect(farewell.requests.map(\.event) == [.stopped] && farewell.requests.first?.uploaded == 77)
        #expect(session.wait == nil && session.due().isEmpty && session.schedule.statuses.isEmpty)
        session.setTrackers([[three]])
        let order = try session.one()
        #expect(order.url.text == three)
        session.fail(order)
        #expect(session.stop().farewells.isEmpty && !session.schedule.isRunning)
    }

    @Test("Any change at any time leaves a schedule that goes on", arguments: 0..<200 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let session = try Session([[one, two], [three]], seed: seed)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        var onTheirWay: [AnnounceOrder] = []
        for _ in 0..<60 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                let urls = [one, two, three, "not a URL"].filter { _ in Bool.random(using: &random) }
                let tiers = urls.map { [$0] }
                session.setTrackers(tiers)
                #expect(session.schedule.statuses.map(\.url) == urls.filter { $0.hasPrefix("http") })
            case 1: onTheirWay += session.due()
            case 2: if let order = onTheirWay.popLast() { session.answer(order) }
            case 3: if let order = onTheirWay.popLast() { session.fail(order) }
            default: if let wait = session.wait { session.now += max(0, min(wait, 4000)) }
            }
        }
        for order in onTheirWay { session.fail(order) }
        session.setTrackers([[one]])
        for _ in 0..<3 where session.wait != nil { try session.sleep() }
        session.stop()
    }
}
