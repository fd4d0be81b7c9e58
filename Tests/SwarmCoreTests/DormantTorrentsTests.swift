import StallDiagnosis
import SwarmTypes
import TestKit
import Testing
import TrackerProtocol

@testable import SwarmCore

private func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

/// A table, its trackers, and a clock that is moved by hand.
private final class Table {
    var table = DormantTorrents()
    var random: SplitMix64
    var now = 1000.0
    /// On their way.
    var orders: [DormantOrder] = []

    init(seed: UInt64 = 1) { self.random = SplitMix64(seed: seed) }

    static func id(_ number: Int) throws -> TorrentID {
        let bytes = (0..<20).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
        return try #require(TorrentID(bytes: bytes))
    }

    func row(_ number: Int, host: String = "one.example") throws -> DormantTorrent {
        var schedule = AnnounceSchedule(
            tiers: [["http://\(host)/announce"]], isPrivate: true, addedAt: seconds(self.now),
            using: &self.random)
        schedule.start(at: seconds(self.now), isComplete: true)
        return DormantTorrent(
            id: try Self.id(number), ownID: PeerID.own(using: &self.random), announceKey: UInt32(number),
            isPrivate: true, name: "torrent \(number)",
            totalLength: 1 << 20, pieceCount: 64, addedAt: seconds(self.now), schedule: schedule,
            place: "\(number).torrent", profile: 0)
    }

    func add(_ count: Int, from first: Int = 0, host: String = "one.example") throws {
        for number in first..<first + count { self.table.insert(try self.row(number, host: host)) }
    }

    @discardableResult
    func due() -> [DormantOrder] {
        let due = self.table.due(at: seconds(self.now), port: 6881, using: &self.random)
        self.orders += due
        return due
    }

    /// The tracker answers all that is on its way; answers who is to wake.
    @discardableResult
    func answerAll(_ answer: AnnounceAnswer = AnnounceAnswer(interval: 1800)) -> [TorrentID] {
        let orders = self.orders
        self.orders = []
        return orders.filter {
            self.table.answered(
                $0.order.id, answer, of: $0.torrent, at: seconds(self.now), using: &self.random)
        }.map(\.torrent)
    }

    /// Announces until nothing is due any more; answers all events.
    func settle() -> [AnnounceEvent] {
        var events: [AnnounceEvent] = []
        while true {
            let due = self.due()
            guard !due.isEmpty else { return events }
            events += due.map(\.order.request.event)
            self.answerAll()
        }
    }
}

@Suite("Torrents that sleep")
struct DormantTorrentsTests {
    @Test("Each is started once, and asked about again when its tracker said")
    func intervals() throws {
        let table = Table()
        try table.add(300)
        #expect(table.settle() == Array(repeating: .started, count: 300))
        table.now += 1799
        #expect(table.settle().isEmpty)
        table.now += 200
        #expect(table.settle() == Array(repeating: .none, count: 300))
    }

    @Test("Nothing is left to be fetched, and the table says so with the torrent's own numbers")
    func request() throws {
        let table = Table()
        var row = try table.row(7)
        row.totals.uploaded = 5000
        table.table.insert(row)
        let request = try #require(table.due().first?.order.request)
        #expect(request.left == 0)
        #expect(request.uploaded == 0, "uploaded before this session began")
        #expect(request.peerID == row.ownID)
        #expect(request.key == 7)
        #expect(request.event == .started)
    }

    @Test("A torrent that wakes and sleeps again goes on with the same session")
    func session() throws {
        let table = Table()
        try table.add(1)
        table.due()
        table.answerAll()
        let id = try Table.id(0)
        let taken = table.table.take(id)
        var (row, ledger) = try #require(taken)
        #expect(ledger == nil)
        #expect(table.table.nextDeadline == nil)
        row.totals.uploaded += 123_456
        table.table.insert(row)
        table.now += 2000
        let request = try #require(table.due().first?.order.request)
        #expect(request.event == .none)
        #expect(request.uploaded == 123_456)
    }

    @Test("An answer that comes after the torrent woke up is no longer the table's")
    func lateAnswer() throws {
        let table = Table()
        try table.add(1)
        let order = try #require(table.due().first)
        let taken = table.table.take(order.torrent)
        let (row, _) = try #require(taken)
        table.answerAll()
        var schedule = row.schedule
        schedule.answered(
            order.order.id, AnnounceAnswer(interval: 1800), at: seconds(table.now), using: &table.random)
        #expect(!schedule.stop(for: row.facts(port: 6881)).farewells.isEmpty)
        #expect(table.table.count == 0)
    }

    @Test("A host gets no more than it can work on soon, and the others are not kept waiting by it")
    func hosts() throws {
        let table = Table()
        try table.add(1000, host: "slow.example")
        try table.add(100, from: 1000, host: "quick.example")
        var byHost: [String: Int] = [:]
        for _ in 0..<100 {
            for due in table.due() { byHost[due.order.url.host, default: 0] += 1 }
            table.now += 0.001
        }
        #expect(byHost == ["slow.example": DormantTorrents.ordersPerHost, "quick.example": 100])
        // Nobody is forgotten once the host works.
        var started = byHost.values.reduce(0, +)
        for _ in 0..<1000 {
            table.answerAll()
            started += table.due().count
            table.now += 1
        }
        #expect(started == 1100)
    }

    @Test("Peers wake a torrent when one of them wants something")
    func leechers() throws {
        let table = Table()
        try table.add(3)
        table.due()
        var answer = AnnounceAnswer(peers: [PeerAddress(ipv4: 0x0102_0304, port: 5)], interval: 1800)
        answer.counts.leeches = 0
        #expect(table.answerAll(answer).isEmpty)
        table.now += 2000
        table.due()
        answer.counts.leeches = 2
        #expect(table.answerAll(answer).count == 3)
        table.now += 2000
        table.due()
        answer.peers = []
        #expect(table.answerAll(answer).isEmpty)
    }

    @Test(
        "A torrent that its tracker does not know yet is asked about again after seconds, later ones after a longer time"
    )
    func failures() throws {
        let table = Table()
        try table.add(1)
        let order = try #require(table.due().first)
        let words = AnnounceFailure.refused(TrackerText("unregistered torrent"), retry: .unsaid)
        table.table.failed(
            order.order.id, words, of: order.torrent, at: seconds(table.now), using: &table.random)
        let wait = try #require(table.table.nextDeadline).seconds(since: seconds(table.now))
        #expect(wait == AnnounceTiming.unregisteredRetry)
        table.now += 400
        let later = try #require(table.due().first)
        table.table.failed(
            later.order.id, words, of: later.torrent, at: seconds(table.now), using: &table.random)
        let next = try #require(table.table.nextDeadline).seconds(since: seconds(table.now))
        #expect(next > 40, "two failures in a row, and no new torrent any more")
    }

    @Test("The ledgers of those that sleep still count for the session")
    func ledgers() throws {
        let table = Table()
        var ledger = PeerLedger()
        ledger.dialling(PeerAddress(ipv4: 1, port: 1), at: seconds(1))
        table.table.insert(try table.row(1), ledger: ledger)
        #expect(table.table.diallers == 1)
        #expect(table.table.neverConnected == 1)
        let taken = table.table.take(try Table.id(1))
        let (_, kept) = try #require(taken)
        #expect(kept == ledger)
        #expect(table.table.diallers == 0)
        #expect(table.table.neverConnected == 0)
    }
}

@Suite("The end of torrents that sleep")
struct DormantStoppingTests {
    @Test(
        "Those that a tracker knows are to be told stopped, with their counters; the table is empty at once")
    func stop() throws {
        let table = Table()
        for number in 0..<700 {
            var row = try table.row(number)
            row.totals.uploaded = 5
            table.table.insert(row)
        }
        _ = table.settle()
        for number in 0..<700 {
            let taken = table.table.take(try Table.id(number))
            var (row, _) = try #require(taken)
            row.totals.uploaded += Int64(number)
            table.table.insert(row)
        }
        table.now += 10
        try table.add(500, from: 700)
        let endings = table.table.stop(port: 6881)
        #expect(endings.count == 700 && table.table.count == 0 && table.table.nextDeadline == nil)
        for (id, ending) in endings {
            let requests = ending.farewells.flatMap(\.requests)
            #expect(requests.map(\.event) == [.stopped] && requests.map(\.torrent) == [id])
            #expect(requests.first?.wantedPeers == 0 && requests.first?.left == 0)
            #expect(requests.first.map { Int($0.key) } == requests.first.map { Int($0.uploaded) })
        }
    }

    @Test("An announce on its way is dropped for the stop, but not the first of a session")
    func flights() throws {
        let table = Table()
        try table.add(1)
        _ = table.settle()
        table.now += 2000
        try table.add(1, from: 1)
        let orders = table.due()
        #expect(Set(orders.map(\.order.request.event)) == [.none, .started])
        let endings = table.table.stop(port: 6881)
        let first = try #require(endings.first { $0.torrent == (try? Table.id(0)) }).ending
        #expect(first.dropped.count == 1 && first.farewells.map(\.follows) == [nil])
        let second = try #require(endings.first { $0.torrent == (try? Table.id(1)) }).ending
        #expect(second.dropped.isEmpty && second.farewells.first?.follows?.isStarted == true)
    }

    @Test("An empty table has nothing to say")
    func empty() {
        let table = Table()
        #expect(table.table.stop(port: 6881).isEmpty)
    }
}

@Suite("A schedule for many torrents")
struct SharedScheduleTests {
    @Test("A copy for another torrent announces to the same trackers, each tier in an order of its own")
    func copies() throws {
        var random = SplitMix64(seed: 3)
        let tiers = [["http://a.example/", "http://b.example/", "http://c.example/"], ["http://d.example/"]]
        let first = AnnounceSchedule(tiers: tiers, isPrivate: true, addedAt: seconds(0), using: &random)
        var orders: Set<[String]> = []
        for _ in 0..<100 {
            let copy = first.forAnotherTorrent(addedAt: seconds(9), using: &random)
            let urls = copy.statuses.map(\.url)
            #expect(urls.last == "http://d.example/")
            #expect(Set(urls) == Set(tiers.joined()))
            orders.insert(urls)
        }
        #expect(orders.count == 6)
    }
}
