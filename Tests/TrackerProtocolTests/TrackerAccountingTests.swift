import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

private let one = "http://one.example/announce"
private let two = "http://two.example/announce"

/// What private trackers ban for when it is done wrong: a test for each rule.
@Suite("The accounting rules of trackers")
struct TrackerAccountingTests {
    @Test("uploaded and downloaded count from started on, whatever was moved before")
    func sinceStarted() throws {
        let session = try Session([[one]])
        session.facts.totals = TransferTotals(uploaded: 500, downloaded: 700, corrupt: 3, redundant: 4)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let started = try session.one().request
        #expect(started.uploaded == 0 && started.downloaded == 0)
        #expect(started.corrupt == 0 && started.redundant == 0)
    }

    @Test("uploaded and downloaded are cumulative in a session, also while started is not acknowledged")
    func cumulative() throws {
        let session = try Session.started()
        session.fail(try session.one())
        session.facts.totals = TransferTotals(uploaded: 10, downloaded: 20)
        try session.sleep()
        var order = try session.one()
        #expect(order.request.event == .started)
        #expect(order.request.uploaded == 10 && order.request.downloaded == 20)
        session.answer(order)
        session.facts.totals = TransferTotals(uploaded: 15, downloaded: 25)
        try session.sleep()
        order = try session.one()
        #expect(order.request.uploaded == 15 && order.request.downloaded == 25)
    }

    @Test("uploaded and downloaded never fall in a session, however events come", arguments: 0..<200)
    func monotone(seed: UInt64) throws {
        let session = try Session([[one, two]], seed: seed)
        var last: [String: (UInt64, UInt64)] = [:]
        var completedCount = 0
        session.schedule.start(at: seconds(session.now), isComplete: false)
        for step in 0..<60 {
            session.facts.totals.uploaded += UInt64.random(in: 0...9, using: &session.random)
            session.facts.totals.downloaded += UInt64.random(in: 0...9, using: &session.random)
            if step == 30 { session.schedule.completed(at: seconds(session.now)) }
            guard session.wait != nil else { break }
            try session.sleep()
            for order in session.due() {
                let (request, url) = (order.request, order.url.text)
                #expect(request.uploaded >= last[url]?.0 ?? 0 && request.downloaded >= last[url]?.1 ?? 0)
                #expect(last[url] != nil || request.event == .started && request.uploaded == 0)
                last[url] = (request.uploaded, request.downloaded)
                if Int.random(in: 0..<3, using: &session.random) == 0 {
                    session.fail(order)
                } else {
                    if request.event == .completed { completedCount += 1 }
                    session.answer(order)
                }
            }
        }
        #expect(completedCount <= 1)
    }

    @Test("uploaded and downloaded restart from 0 with the next started")
    func restart() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.facts.totals = TransferTotals(uploaded: 10, downloaded: 20)
        let stopped = try #require(session.stop().farewells.first?.requests.first)
        #expect(stopped.event == .stopped && stopped.uploaded == 10)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let started = try session.one()
        #expect(started.request.event == .started)
        #expect(started.request.uploaded == 0 && started.request.downloaded == 0)
    }

    @Test("left is what the whole torrent lacks, 0 only when it is complete")
    func left() throws {
        var session = try Session.started()
        session.facts.left = 123
        #expect(try session.one().request.left == 123)
        session = try Session.started()
        session.facts.left = nil
        #expect(try session.one().request.left > 0)
        session = try Session.started(isComplete: true)
        session.facts.left = 0
        #expect(try session.one().request.left == 0)
    }

    @Test("A partial seed says event=paused in every announce without another event (BEP 21)")
    func partialSeed() throws {
        let session = try Session.started()
        session.facts.isPartialSeed = true
        session.answer(try session.one())
        for _ in 0..<3 {
            try session.sleep()
            let order = try session.one()
            #expect(order.request.event == .paused && order.request.left == 1000)
            #expect(try order.request.httpURL(for: TrackerURL(one)).contains("&event=paused"))
            session.answer(order)
        }
    }

    @Test("downloaded leaves out corrupt and redundant bytes, which are told apart")
    func corrupt() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.facts.totals = TransferTotals(uploaded: 1, downloaded: 2, corrupt: 3, redundant: 4)
        try session.sleep()
        let url = try session.one().request.httpURL(for: TrackerURL(one))
        for part in ["&uploaded=1&", "&downloaded=2&", "&corrupt=3&", "&redundant=4&"] {
            #expect(url.contains(part))
        }
    }

    @Test("started is said until it is acknowledged, and then not again")
    func startedOnce() throws {
        let session = try Session.started()
        for _ in 0..<3 {
            let order = try session.one()
            #expect(order.request.event == .started)
            session.fail(order)
            try session.sleep()
        }
        session.answer(try session.one())
        for _ in 0..<3 {
            try session.sleep()
            let order = try session.one()
            #expect(order.request.event == .none)
            session.answer(order)
        }
    }

    @Test("completed is said at once, exactly once, and again only until it is acknowledged")
    func completedOnce() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.now += 5
        for _ in 0..<3 { session.schedule.completed(at: seconds(session.now)) }
        session.facts.left = 0
        var order = try session.one()
        #expect(order.request.event == .completed && order.request.left == 0)
        session.fail(order)
        try session.sleep()
        order = try session.one()
        #expect(order.request.event == .completed)
        session.answer(order)
        session.schedule.completed(at: seconds(session.now))
        #expect(session.due().isEmpty)
        try session.sleep()
        #expect(try session.one().request.event == .none)
    }

    @Test("completed waits for started, and one tracker is told, not each")
    func completedBeforeStarted() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let first = try session.one()
        session.schedule.completed(at: seconds(session.now))
        session.answer(first)
        let completed = try session.one()
        #expect(first.request.event == .started && completed.request.event == .completed)
        session.answer(completed)
        try session.sleep()
        session.fail(try session.one())
        let other = try session.one()
        #expect(other.request.event == .started)
        session.answer(other)
        #expect(session.due().isEmpty)
    }

    @Test("completed is never said of a torrent that was complete when it was added")
    func completedNever() throws {
        let session = try Session.started(isComplete: true)
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        #expect(session.due().isEmpty)
        try session.sleep()
        #expect(try session.one().request.event == .none)
    }

    @Test("completed is not said again in the next session")
    func completedAcrossSessions() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        session.answer(try session.one())
        #expect(session.stop().farewells.map { $0.requests.map(\.event) } == [[.stopped]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.answer(try session.one())
        session.schedule.completed(at: seconds(session.now))
        #expect(session.due().isEmpty)
    }

    @Test(
        "Who was complete once and fetches a piece again does not say completed, also while it is announced already"
    )
    func fetchedAgain() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.schedule.wasComplete()
        session.schedule.completed(at: seconds(session.now))
        #expect(session.due().isEmpty)
        #expect(session.stop().farewells.map { $0.requests.map(\.event) } == [[.stopped]])
    }

    @Test("stopped is said only to trackers that acknowledged started")
    func stoppedWhereStarted() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        session.fail(try session.one())
        session.answer(try session.one())
        let farewells = session.stop().farewells
        #expect(farewells.map(\.url.text) == [two])
        #expect(farewells.flatMap(\.requests).map(\.event) == [.stopped])
    }

    @Test("stopped asks for no peers and has the counters of the end; the schedule has nothing more to say")
    func stopped() throws {
        let session = try Session.started()
        session.answer(try session.one())
        session.now += 100
        session.facts.totals = TransferTotals(uploaded: 7000, downloaded: 500, corrupt: 20, redundant: 3)
        session.facts.left = 500
        let request = try #require(session.stop().farewells.first?.requests.first)
        #expect(request.event == .stopped && request.wantedPeers == 0 && request.left == 500)
        #expect(request.uploaded == 7000 && request.downloaded == 500)
        #expect(request.corrupt == 20 && request.redundant == 3)
        #expect(session.due().isEmpty && session.schedule.nextDeadline == nil)
    }

    @Test("numwant is 80, and 0 when no peers are needed")
    func numwant() throws {
        let session = try Session.started()
        let order = try session.one()
        #expect(order.request.wantedPeers == 80 && order.priority == .new)
        session.answer(order)
        session.facts.wantsPeers = false
        try session.sleep()
        #expect(try session.one().request.wantedPeers == 0)
    }

    @Test("key, peer id and port are the same in every announce")
    func identity() throws {
        let session = try Session([[one], [two]])
        session.schedule.start(at: seconds(session.now), isComplete: false)
        var requests: [AnnounceRequest] = []
        for index in 0..<6 {
            let order = try session.one()
            requests.append(order.request)
            if index % 2 == 0 { session.fail(order) } else { session.answer(order) }
            if session.wait.map({ $0 > 0 }) ?? false { try session.sleep() }
        }
        for request in requests {
            #expect(request.key == 0xDEAD_BEEF && request.port == 6881)
            #expect(request.peerID == session.facts.peerID && request.torrent == session.facts.torrent)
        }
    }

    @Test("The tracker's own id is brought along, to that tracker alone")
    func trackerID() throws {
        let session = try Session([[one], [two]], use: .oneOfEachTier)
        session.schedule.start(at: seconds(session.now), isComplete: false)
        let orders = session.due()
        session.answer(orders[0], AnnounceAnswer(interval: 1800, trackerID: [1, 2]))
        session.answer(orders[1], AnnounceAnswer(interval: 1800))
        session.now += 2000
        #expect(session.due().map(\.request.trackerID) == [[1, 2], nil])
    }
}
