import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

/// A book, its trackers, and a clock that is moved by hand.
private final class Library {
    var book = FarewellBook()
    var random: SplitMix64
    var now = 1000.0
    var orders: [FarewellBook.Order] = []

    init(seed: UInt64 = 1) { self.random = SplitMix64(seed: seed) }

    static func id(_ number: Int) throws -> TorrentID {
        try #require(TorrentID(bytes: (0..<20).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }))
    }

    /// What is left of a session that uploaded as many bytes as its torrent's number says.
    func farewell(
        _ number: Int, host: String = "one.example", isCompletedOwed: Bool = false, isStarting: Bool = false
    ) throws -> Farewell {
        let session = try Session([["http://\(host)/announce"]])
        session.facts.torrent = try Self.id(number)
        session.schedule.start(at: seconds(self.now), isComplete: false)
        let order = try session.one()
        if !isStarting { session.answer(order) }
        if isCompletedOwed { session.schedule.completed(at: seconds(self.now)) }
        session.facts.totals.uploaded = UInt64(number)
        return try #require(session.stop().farewells.first)
    }

    @discardableResult
    func add(
        _ number: Int, host: String = "one.example", isCompletedOwed: Bool = false, isStarting: Bool = false
    ) throws -> FarewellBook.ID? {
        let farewell = try self.farewell(
            number, host: host, isCompletedOwed: isCompletedOwed, isStarting: isStarting)
        return self.book.add(farewell, isFollowing: isStarting, at: seconds(self.now))
    }

    @discardableResult
    func due() -> [FarewellBook.Order] {
        let due = self.book.due(at: seconds(self.now))
        self.orders += due
        return due
    }

    func answerAll() {
        for order in self.orders { self.book.answered(order.id) }
        self.orders = []
    }

    func failAll(_ failure: AnnounceFailure = .timedOut) {
        for order in self.orders {
            self.book.failed(order.id, failure, at: seconds(self.now), using: &self.random)
        }
        self.orders = []
    }

    var wait: Double? { self.book.nextDeadline.map { $0.seconds(since: seconds(self.now)) } }

    func sleep() throws { self.now += max(0, try #require(self.wait)) + 1e-6 }
}

@Suite("Farewells to trackers")
struct FarewellBookTests {
    @Test("Thousands of one host are all told, some at a time, each with its own counters")
    func thousands() throws {
        let library = Library()
        for number in 0..<2500 { try library.add(number) }
        var uploads: Set<UInt64> = []
        while !library.book.isEmpty {
            let due = library.due()
            try #require(!due.isEmpty && due.count <= FarewellBook.ordersPerHost)
            for order in due {
                #expect(order.request.event == .stopped && order.priority == .ending)
                #expect(order.request.torrent == (try Library.id(Int(order.request.uploaded))))
                #expect(order.deadline == nil && uploads.insert(order.request.uploaded).inserted)
            }
            library.answerAll()
        }
        #expect(uploads.count == 2500 && library.book.tally == FarewellBook.Tally(told: 2500, untold: 0))
        #expect(library.book.nextDeadline == nil)
    }

    @Test(
        "A host that does not answer is asked with one at a time after longer and longer pauses, then all are told"
    )
    func deadHost() throws {
        let library = Library()
        for number in 0..<500 { try library.add(number) }
        try library.add(500, host: "two.example")
        #expect(library.due().count == FarewellBook.ordersPerHost + 1)
        library.orders.removeAll { order in
            guard order.url.host == "two.example" else { return false }
            library.book.answered(order.id)
            return true
        }
        library.failAll()
        var pauses: [Double] = []
        for _ in 0..<4 {
            #expect(library.due().isEmpty)
            pauses.append(try #require(library.wait))
            try library.sleep()
            #expect(library.due().count == 1)
            library.failAll()
        }
        #expect(pauses == pauses.sorted() && pauses[0] >= 14 && pauses[3] <= 250)
        try library.sleep()
        while !library.due().isEmpty { library.answerAll() }
        #expect(library.book.isEmpty && library.book.tally.told == 501)
    }

    @Test("A tracker that is dead for two hours is not told any more")
    func lifetime() throws {
        let library = Library()
        for number in 0..<100 { try library.add(number) }
        var count = 0
        while !library.book.isEmpty {
            if library.due().isEmpty, !library.book.isEmpty { try library.sleep() }
            count += library.orders.count
            library.failAll(.unreachable("nobody listens"))
        }
        #expect(library.book.tally == FarewellBook.Tally(told: 0, untold: 100))
        #expect(library.now - 1000 < AnnounceTiming.farewellLifetime + AnnounceTiming.longestRetry * 1.3)
        #expect(count < 60)
    }

    @Test("What was completed is told first, and stopped also when that is refused")
    func completed() throws {
        for isRefused in [false, true] {
            let library = Library()
            try library.add(1, isCompletedOwed: true)
            #expect(library.due().map(\.request.event) == [.completed])
            if isRefused {
                library.failAll(.refused(TrackerText("no"), retry: .unsaid))
            } else {
                library.answerAll()
            }
            #expect(library.due().map(\.request.event) == [.stopped])
            library.answerAll()
            #expect(library.book.isEmpty && library.book.tally.told == 1)
        }
    }

    @Test("A started on its way comes first; unless it is acknowledged nothing is told")
    func following() throws {
        for isTold in [false, true] {
            let library = Library()
            let id = try #require(try library.add(1, isStarting: true))
            #expect(library.due().isEmpty && library.wait == nil)
            library.book.followed(id, isTold: isTold)
            #expect(library.due().map(\.request.event) == (isTold ? [.stopped] : []))
            library.answerAll()
            #expect(library.book.isEmpty && library.book.tally.told == (isTold ? 1 : 0))
        }
        let library = Library()
        let farewell = try library.farewell(1, isStarting: true)
        #expect(library.book.add(farewell, isFollowing: false, at: seconds(1000)) == nil)
        #expect(library.book.isEmpty && library.book.tally == FarewellBook.Tally())
    }

    @Test("An answer that refuses, and one that never makes sense, end it")
    func finalFailures() throws {
        let library = Library()
        try library.add(1)
        library.due()
        library.failAll(.refused(TrackerText("unregistered"), retry: .unsaid))
        #expect(library.book.tally.untold == 1)
        try library.add(2)
        for _ in 0..<FarewellBook.mostBadAnswers {
            if library.due().isEmpty {
                try library.sleep()
                library.due()
            }
            #expect(library.orders.count == 1)
            library.failAll(.httpStatus(503))
        }
        #expect(library.book.isEmpty && library.book.tally.untold == 2)
    }

    @Test(
        "Who begins again goes before all others, though the host was dead, and has one attempt of five seconds"
    )
    func hurry() throws {
        let library = Library()
        for number in 0..<100 { try library.add(number) }
        library.due()
        library.failAll()
        let target = FarewellBook.Target(try Library.id(77), host: "one.example")
        #expect(library.book.holds(target))
        #expect(!library.book.holds(FarewellBook.Target(target.torrent, host: "two.example")))
        library.book.hurry(target)
        let due = library.due()
        #expect(due.map(\.request.torrent) == [target.torrent] && due.map(\.priority) == [.ending])
        #expect(due.first?.deadline == seconds(library.now + AnnounceTiming.farewellPatience))
        #expect(library.book.takeSettled().isEmpty && library.book.giveUp(target).isEmpty)
        library.failAll()
        #expect(!library.book.holds(target) && library.book.takeSettled() == [target])
        #expect(library.book.tally.untold == 1 && library.book.takeSettled().isEmpty)
    }

    @Test("Many that begin again have their turns; a host that does not answer keeps none of them waiting")
    func hurryMany() throws {
        for isDead in [false, true] {
            let library = Library()
            for number in 0..<500 { try library.add(number) }
            let targets = try (0..<200).map { FarewellBook.Target(try Library.id($0), host: "one.example") }
            for target in targets { library.book.hurry(target) }
            var settled: Set<FarewellBook.Target> = []
            while settled.count < targets.count {
                let due = library.due()
                try #require(!due.isEmpty && due.count <= FarewellBook.ordersPerHost)
                if isDead { library.failAll() } else { library.answerAll() }
                settled.formUnion(library.book.takeSettled())
            }
            #expect(settled == Set(targets))
            #expect(library.book.tally.untold == (isDead ? 200 : 0))
            #expect(library.book.count == (isDead ? 300 : 500 - library.book.tally.told))
        }
    }

    @Test("What was on its way before somebody began again is given up when he has waited long enough")
    func giveUp() throws {
        let library = Library()
        try library.add(1)
        let order = try #require(library.due().first)
        let started = try #require(try library.add(2, isStarting: true))
        for (number, cancelled) in [(1, [order.id]), (2, [])] {
            let target = FarewellBook.Target(try Library.id(number), host: "one.example")
            library.book.hurry(target)
            #expect(library.book.giveUp(target) == cancelled && !library.book.holds(target))
            #expect(library.book.takeSettled() == [target])
        }
        library.book.followed(started, isTold: true)
        library.answerAll()
        #expect(library.book.isEmpty && library.book.tally == FarewellBook.Tally(told: 0, untold: 2))
    }

    @Test("At the end each has one attempt more, and all of them a time that grows with their number")
    func ending() throws {
        let library = Library()
        for number in 0..<1000 { try library.add(number) }
        for number in 1000..<1400 { try library.add(number, host: "dead.example") }
        library.due()
        library.failAll()
        library.book.end(at: seconds(library.now))
        #expect(library.book.endsAt == seconds(library.now + 5 + 14))
        while true {
            let due = library.due()
            guard !due.isEmpty else { break }
            #expect(due.allSatisfy { $0.deadline == seconds(library.now + 5) })
            for order in due where order.url.host == "one.example" { library.book.answered(order.id) }
            for order in due where order.url.host == "dead.example" {
                library.book.failed(
                    order.id, .timedOut, at: seconds(library.now), using: &library.random)
            }
        }
        #expect(library.book.isEmpty)
        #expect(library.book.tally == FarewellBook.Tally(told: 1000, untold: 400))
    }

    @Test("Nobody waits longer than that, at most half a minute")
    func deadline() throws {
        let library = Library()
        for number in 0..<9000 { try library.add(number) }
        library.book.end(at: seconds(library.now))
        library.due()
        while let wait = library.wait, wait <= 0 { library.due() }
        #expect(library.wait == AnnounceTiming.longestEnd)
        try library.sleep()
        #expect(library.due().isEmpty && library.book.isEmpty)
        #expect(library.book.tally == FarewellBook.Tally(told: 0, untold: 9000))
        library.answerAll()
        #expect(library.book.tally.told == 0)
    }

    @Test(
        "Each farewell is told or counted as not told, whatever happens", arguments: 0..<300 as Range<UInt64>)
    func anything(seed: UInt64) throws {
        let library = Library(seed: seed)
        var following: [FarewellBook.ID] = []
        var added = 0
        var neverBegun = 0
        let farewells = try (0..<40).map { number in
            try library.farewell(
                number, host: number % 3 == 0 ? "a.example" : "b.example", isCompletedOwed: number % 5 == 0,
                isStarting: number % 4 == 0)
        }
        for step in 0..<400 {
            switch Int.random(in: 0..<9, using: &library.random) {
            case 0 where added < farewells.count:
                let farewell = farewells[added]
                added += 1
                let isFollowing = farewell.follows != nil
                if let id = library.book.add(farewell, isFollowing: isFollowing, at: seconds(library.now)),
                    isFollowing
                {
                    following.append(id)
                }
            case 1:
                guard let id = following.popLast() else { continue }
                let isTold = Bool.random(using: &library.random)
                let count = library.book.count
                library.book.followed(id, isTold: isTold)
                neverBegun += count - library.book.count
            case 2, 3: library.due()
            case 4: library.now += Double.random(in: 0...60, using: &library.random)
            case 5:
                library.book.hurry(
                    FarewellBook.Target(
                        try Library.id(Int.random(in: 0..<40, using: &library.random)), host: "b.example"))
            case 6 where step % 10 == 0:
                let id = try Library.id(Int.random(in: 0..<40, using: &library.random))
                for order in library.book.giveUp(FarewellBook.Target(id, host: "a.example")) {
                    library.orders.removeAll { $0.id == order }
                }
            default:
                guard !library.orders.isEmpty else { continue }
                let order = library.orders.remove(
                    at: Int.random(in: 0..<library.orders.count, using: &library.random))
                let failures: [AnnounceFailure] = [
                    .timedOut, .refused(TrackerText("no"), retry: .unsaid), .badAnswer("x"),
                ]
                if Bool.random(using: &library.random) {
                    library.book.answered(order.id)
                } else {
                    let failure = failures[Int.random(in: 0..<3, using: &library.random)]
                    library.book.failed(
                        order.id, failure, at: seconds(library.now), using: &library.random)
                }
            }
        }
        library.book.end(at: seconds(library.now))
        var rounds = 0
        while !library.book.isEmpty, rounds < 1000 {
            rounds += 1
            if library.due().isEmpty, library.orders.isEmpty { try library.sleep() }
            library.answerAll()
        }
        let tally = library.book.tally
        #expect(tally.told + tally.untold + neverBegun == added)
        #expect(library.book.nextDeadline == nil || library.book.nextDeadline == library.book.endsAt)
    }
}
