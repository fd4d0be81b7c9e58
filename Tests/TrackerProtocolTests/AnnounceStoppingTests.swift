import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

@Suite("The end of a tracker session")
struct AnnounceStoppingTests {
    @Test("An announce on its way is dropped, and its late answer changes nothing")
    func dropping() throws {
        let session = try Session.started()
        session.answer(try session.one())
        try session.sleep()
        let interval = try session.one()
        let ending = session.stop()
        #expect(ending.dropped == [interval.id])
        #expect(ending.farewells.map { $0.requests.map(\.event) } == [[.stopped]])
        #expect(ending.farewells.map(\.follows) == [nil])
        session.answer(interval)
        #expect(session.stop() == AnnounceSchedule.Ending() && session.schedule.nextDeadline == nil)
    }

    @Test("A started on its way is waited for")
    func startedOnItsWay() throws {
        let session = try Session.started()
        let started = try session.one()
        let ending = session.stop()
        #expect(ending.dropped.isEmpty)
        #expect(ending.farewells.map(\.follows) == [Farewell.Flight(id: started.id, isStarted: true)])
    }

    @Test("A started that failed leaves nothing to be told")
    func startedFails() throws {
        let session = try Session.started()
        session.fail(try session.one())
        #expect(session.stop() == AnnounceSchedule.Ending())
    }

    @Test("A completed that nobody heard is said before stopped; one on its way is waited for")
    func completed() throws {
        for isOnItsWay in [false, true] {
            let session = try Session.started()
            session.answer(try session.one())
            session.schedule.completed(at: seconds(session.now))
            let order = isOnItsWay ? try session.one() : nil
            let farewell = try #require(session.stop().farewells.first)
            #expect(farewell.requests.map(\.event) == [.completed, .stopped])
            #expect(farewell.follows == order.map { Farewell.Flight(id: $0.id, isStarted: false) })
        }
    }

    @Test("One that has worked before and the one that works now are told, but completed only the latter")
    func severalTrackers() throws {
        let session = try Session([["http://a/announce"], ["http://b/announce"]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.answer(try session.one())
        try session.sleep()
        session.fail(try session.one())
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        let farewells = session.stop().farewells
        #expect(farewells.map(\.url.text) == ["http://a/announce", "http://b/announce"])
        #expect(farewells.map { $0.requests.map(\.event) } == [[.stopped], [.completed, .stopped]])
    }

    @Test(
        "Whatever happened, each tracker that knows the session is to be told its end once",
        arguments: 0..<300)
    func anyOrder(seed: UInt64) throws {
        let session = try Session(
            [["http://a/announce", "http://b/announce"], ["udp://c:1"]],
            use: seed % 2 == 0 ? .oneTracker : .oneOfEachTier, seed: seed)
        var open: [AnnounceOrder] = []
        var told: Set<String> = []
        for _ in 0..<200 {
            switch Int.random(in: 0..<12, using: &session.random) {
            case 0: session.schedule.start(at: seconds(session.now), isComplete: false)
            case 1:
                let ending = session.stop()
                let urls = ending.farewells.filter { $0.follows?.isStarted != true }.map(\.url.text)
                #expect(Set(urls) == told && urls.count == told.count)
                #expect(ending.farewells.allSatisfy { $0.requests.last?.event == .stopped })
                told = []
                open = []
                #expect(session.schedule.nextDeadline == nil && session.due().isEmpty)
            case 2: session.schedule.completed(at: seconds(session.now))
            case 3: session.schedule.wantPeers(at: seconds(session.now))
            case 4: session.schedule.announceByHand(at: seconds(session.now))
            case 5...7:
                guard !open.isEmpty else { continue }
                let order = open.remove(at: Int.random(in: 0..<open.count, using: &session.random))
                if Bool.random(using: &session.random) {
                    session.answer(order)
                    told.insert(order.url.text)
                } else {
                    session.fail(order)
                }
            case 8...9: session.now += Double.random(in: 0...8, using: &session.random)
            default:
                for order in session.due() {
                    open.append(order)
                    // Nobody is told anything but `started` before it has acknowledged one.
                    #expect(order.request.event == .started || told.contains(order.url.text))
                    #expect(open.count { $0.url == order.url } <= 1)
                }
            }
        }
    }
}
