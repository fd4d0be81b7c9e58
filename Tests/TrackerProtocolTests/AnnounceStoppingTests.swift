import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

@Suite("The end of a tracker session")
struct AnnounceStoppingTests {
    @Test("An announce on its way is dropped, and stopped goes out at once")
    func dropping() throws {
        let session = try Session.started()
        session.answer(try session.one())
        try session.sleep()
        let interval = try session.one()
        #expect(session.stop() == [interval.id])
        let stopped = try session.one()
        #expect(stopped.request.event == .stopped)
        session.answer(interval)
        #expect(!session.schedule.isStopped)
        session.answer(stopped)
        #expect(session.schedule.isStopped)
    }

    @Test("A started on its way is waited for, and followed by stopped when it is acknowledged")
    func startedOnItsWay() throws {
        let session = try Session.started()
        let started = try session.one()
        #expect(session.stop().isEmpty)
        #expect(session.due().isEmpty && !session.schedule.isStopped)
        session.now += 1
        session.answer(started)
        let stopped = try session.one()
        #expect(stopped.request.event == .stopped && stopped.deadline == seconds(session.now + 4))
        session.fail(stopped)
        #expect(session.schedule.isStopped)
    }

    @Test("A started that fails or never comes back ends it without a stopped")
    func startedFails() throws {
        for isAnswered in [true, false] {
            let session = try Session.started()
            let started = try session.one()
            session.stop()
            if isAnswered { session.fail(started) } else { try session.sleep() }
            #expect(session.due().isEmpty && session.schedule.isStopped)
        }
    }

    @Test("A completed that nobody heard is said before stopped, within its half of the time")
    func completedFirst() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        session.stop()
        let completed = try session.one()
        #expect(completed.request.event == .completed)
        #expect(completed.deadline == seconds(session.now + 2.5))
        session.answer(completed)
        #expect(try session.one().request.event == .stopped)
    }

    @Test("A completed that does not come back does not cost the stopped")
    func completedHangs() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        let completed = try session.one()
        session.stop()
        #expect(session.due().isEmpty && session.wait == 2.5)
        try session.sleep()
        let stopped = try session.one()
        #expect(stopped.request.event == .stopped)
        session.answer(completed)
        session.answer(stopped)
        #expect(session.schedule.isStopped)
    }

    @Test("A start during the stop begins a new session after the old one is closed")
    func startWhileStopping() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.facts.totals.uploaded = 9
        session.stop()
        let stopped = try session.one()
        session.schedule.start(at: seconds(session.now), isComplete: false)
        #expect(session.due().isEmpty && session.wait == 5)
        session.now += 1
        session.answer(stopped)
        let started = try session.one()
        #expect(started.request.event == .started && started.request.uploaded == 0)

        // The same when the stop is never answered.
        session.answer(started)
        session.stop()
        _ = try session.one()
        session.schedule.start(at: seconds(session.now), isComplete: false)
        try session.sleep()
        #expect(try session.one().request.event == .started)
    }

    @Test("Any order of events ends idle, five seconds after the last stop at the latest", arguments: 0..<300)
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
                let dropped = session.stop()
                open.removeAll { dropped.contains($0.id) }
            case 2: session.schedule.completed(at: seconds(session.now))
            case 3: session.schedule.wantPeers(at: seconds(session.now))
            case 4: session.schedule.announceByHand(at: seconds(session.now))
            case 5...7:
                guard !open.isEmpty else { continue }
                let order = open.remove(at: Int.random(in: 0..<open.count, using: &session.random))
                if Bool.random(using: &session.random) {
                    session.answer(order)
                    if order.request.event == .started { told.insert(order.url.text) }
                } else {
                    session.fail(order)
                }
            case 8...9: session.now += Double.random(in: 0...8, using: &session.random)
            default:
                for order in session.due() {
                    open.append(order)
                    // Nobody is told anything but `started` before it has acknowledged one.
                    #expect(order.request.event == .started || told.contains(order.url.text))
                    #expect(open.count { $0.url == order.url && $0.deadline == nil } <= 3)
                }
            }
        }
        session.stop()
        session.now += 5
        _ = session.due()
        #expect(session.schedule.isStopped && session.schedule.nextDeadline == nil)
    }
}
