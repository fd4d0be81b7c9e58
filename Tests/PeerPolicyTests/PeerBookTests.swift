import PeerPolicy
import SwarmTypes
import TestKit
import Testing

private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1_000_000_000)) }

private func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress {
    PeerAddress(ipv4: 0x0B00_0000 + UInt32(number), port: port)
}

extension PeerBook {
    fileprivate func next(_ count: Int, at now: Instant, own: PeerAddress? = nil, isSeed: Bool = false)
        -> [PeerKey]
    {
        var random = SplitMix64(seed: 1)
        return self.candidates(count, ownAddress: own, weAreSeed: isSeed, at: now, using: &random)
    }

    fileprivate mutating func added(
        _ address: PeerAddress, from sources: PeerSources, isSeed: Bool = false, at now: Instant
    ) throws -> PeerKey {
        let key = self.add(address, from: sources, isSeed: isSeed, at: now)
        return try #require(key)
    }

    fileprivate mutating func joined(from address: PeerAddress, at now: Instant) throws -> PeerKey {
        let key = self.accepted(from: address, at: now)
        return try #require(key)
    }

    fileprivate mutating func fail(_ key: PeerKey, _ reason: CloseReason, at now: Instant) {
        self.startedDialling(key)
        self.closed(key, because: reason, wasUseful: false, at: now)
    }

    fileprivate func wait(_ key: PeerKey, from now: Instant) -> Double? {
        guard case .idle(let until)? = self.peer(key)?.stage else { return nil }
        return until.seconds(since: now)
    }
}

@Suite("The book of known peers")
struct PeerBookTests {
    @Test("An address is known once, from all its sources")
    func sources() throws {
        var book = PeerBook(at: instant(0))
        let key = try book.added(address(1), from: .tracker, at: instant(0))
        #expect(book.add(address(1), from: .exchange, at: instant(1)) == key)
        #expect(book.count == 1)
        #expect(book.peer(key)?.sources == [.tracker, .exchange])
        #expect(book.add(PeerAddress(ipv4: 0x0B00_0001, port: 0), from: .dht, at: instant(1)) == nil)
        #expect(book.add(PeerAddress(ipv4: 0xE000_0001, port: 80), from: .dht, at: instant(1)) == nil)
    }

    @Test("The wait grows with each failure, faster for one that does not answer")
    func ladder() throws {
        var book = PeerBook(at: instant(0))
        let slow = try book.added(address(1), from: .exchange, at: instant(0))
        let dead = try book.added(address(2), from: .exchange, at: instant(0))
        let waits = (0..<7).map { _ in
            book.fail(slow, .handshakeTimeout, at: instant(100))
            book.fail(dead, .refused, at: instant(100))
            return [book.wait(slow, from: instant(100)), book.wait(dead, from: instant(100))]
        }
        #expect(waits.map { $0[0] } == [10, 120, 900, 1800, 3600, 7200, 7200])
        #expect(waits.map { $0[1] } == [900, 1800, 3600, 7200, 7200, 7200, 7200])
        #expect(book.peer(dead)?.lastReason == .refused)
        #expect(book.next(5, at: instant(100)).isEmpty)
        #expect(book.nextCandidateAt(weAreSeed: false) == instant(7300))
        #expect(book.next(5, at: instant(7300)).count == 2)
    }

    @Test("A tracker that names an address again makes all that failed before forgotten")
    func trackerMention() throws {
        var book = PeerBook(at: instant(0))
        let key = try book.added(address(1), from: .exchange, at: instant(0))
        for _ in 0..<4 { book.fail(key, .refused, at: instant(10)) }
        book.add(address(1), from: .exchange, at: instant(20))
        #expect(book.next(1, at: instant(20)).isEmpty)
        book.add(address(1), from: .tracker, at: instant(20))
        #expect(book.next(1, at: instant(20)) == [key])
        #expect(book.peer(key)?.failureCount == 0)
    }

    @Test("A useful peer is dialled again after five seconds; our own closings count for nothing")
    func harmlessEnds() throws {
        var book = PeerBook(at: instant(0))
        let key = try book.added(address(1), from: .exchange, at: instant(0))
        book.fail(key, .badHandshake, at: instant(0))
        book.connected(key)
        #expect(book.next(1, at: instant(60)).isEmpty)
        book.closed(key, because: .closedByPeer, wasUseful: true, at: instant(100))
        #expect(book.wait(key, from: instant(100)) == 5)
        #expect(book.peer(key)?.failureCount == 0)
        book.closed(key, because: .tooManyConnections, wasUseful: false, at: instant(100))
        #expect(book.peer(key)?.failureCount == 0)
        book.closed(key, because: .bothSeeds, wasUseful: false, at: instant(100))
        #expect(book.wait(key, from: instant(100)) == 7200)
    }

    @Test("Our own address is never dialled again, whoever names it")
    func ourselves() throws {
        var book = PeerBook(at: instant(0))
        let key = try book.added(address(1), from: .tracker, at: instant(0))
        book.fail(key, .ownConnection, at: instant(0))
        book.add(address(1), from: .tracker, at: instant(9))
        #expect(book.next(1, at: instant(100_000)).isEmpty)
        #expect(book.peer(key)?.stage == .ourselves)
    }

    @Test("A ban holds for a host under any port, but on loopback for the one port only")
    func bans() throws {
        var book = PeerBook(at: instant(0))
        let liar = try book.added(address(1), from: .tracker, at: instant(0))
        book.closed(liar, because: .corruptData, wasUseful: true, at: instant(0))
        #expect(book.isBanned(address(1, port: 9)))
        #expect(book.accepted(from: address(1, port: 50000), at: instant(1)) == nil)
        #expect(book.add(address(1), from: .tracker, at: instant(1)) == nil)
        #expect(book.next(9, at: instant(100_000)).isEmpty)
        let local = PeerAddress(ipv4: 0x7F00_0001, port: 4000)
        book.ban(try book.added(local, from: .manual, at: instant(0)))
        #expect(book.isBanned(local))
        #expect(!book.isBanned(local.with(port: 4001)))
    }

    @Test(
        "Those that failed least come first, then those of BEP 40's higher priority, and seeds not to a seed")
    func ranking() throws {
        var book = PeerBook(at: instant(0))
        let own = PeerAddress(ipv4: 0x0C01_0203, port: 1)
        var keys: [PeerKey] = []
        for number in 0..<50 {
            keys.append(
                try book.added(address(number * 65536), from: .dht, isSeed: number % 5 == 0, at: instant(0)))
        }
        for key in keys.prefix(10) { book.fail(key, .inactive, at: instant(0)) }
        let order = book.next(50, at: instant(1000), own: own)
        #expect(order.count == 50 && Set(order.suffix(10)) == Set(keys.prefix(10)))
        let priorities = try order.prefix(40).map {
            canonicalPriority(of: own, and: try #require(book.address(of: $0)))
        }
        #expect(priorities == priorities.sorted(by: >))
        #expect(book.next(50, at: instant(1000), isSeed: true).count == 40)
        #expect(book.next(7, at: instant(1000)).count == 7)
    }

    @Test("A peer that dialled us is dialled only when it said where it listens")
    func incoming() throws {
        var book = PeerBook(at: instant(0))
        let known = try book.added(address(1, port: 7000), from: .tracker, at: instant(0))
        let key = try book.joined(from: address(1, port: 50000), at: instant(0))
        book.setListenPort(7000, of: key)
        #expect(book.peer(known) == nil, "the two were one")
        #expect(book.key(of: address(1, port: 7000)) == key)
        #expect(book.peer(key)?.sources == [.tracker, .incoming])
        let silent = try book.joined(from: address(2, port: 50000), at: instant(0))
        for key in [key, silent] {
            book.closed(key, because: .closedByPeer, wasUseful: true, at: instant(10))
        }
        #expect(book.next(9, at: instant(100)) == [key])
        #expect(book.peer(silent)?.stage == .unreachable)
    }

    @Test("A full book takes a new address in place of one that failed, and never drops a connected one")
    func bounds() throws {
        var book = PeerBook(at: instant(0))
        book.setLimit(10)
        let keys = try (0..<10).map { try book.added(address($0), from: .exchange, at: instant(0)) }
        #expect(book.add(address(99), from: .exchange, at: instant(0)) == nil)
        book.fail(keys[3], .refused, at: instant(0))
        #expect(book.add(address(99), from: .exchange, at: instant(0)) != nil)
        #expect(book.peer(keys[3]) == nil && book.count == 10)
        for key in keys { book.connected(key) }
        book.setLimit(2)
        #expect(book.count == 9, "the nine that are connected")
    }

    @Test(
        "Whatever happens, addresses and keys stay matched and the bound holds",
        arguments: 0..<200 as Range<UInt64>)
    func invariants(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var book = PeerBook(at: instant(0))
        book.setLimit(40)
        let reasons: [CloseReason] = [
            .refused, .closedByPeer, .corruptData, .bothSeeds, .ownConnection, .shutDown,
        ]
        for step in 0..<600 {
            let now = instant(Double(step))
            let some = address(
                Int.random(in: 0..<80, using: &random), port: UInt16.random(in: 1...2, using: &random))
            let key = book.all.randomElement(using: &random)?.key ?? PeerKey(5)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2: _ = book.add(some, from: .exchange, at: now)
            case 3: if book.all.count < 60 { _ = book.accepted(from: some, at: now) }
            case 4: book.setListenPort(UInt16.random(in: 1...3, using: &random), of: key)
            case 5: book.startedDialling(key)
            default:
                book.closed(
                    key, because: reasons.randomElement(using: &random) ?? .refused, wasUseful: false, at: now
                )
            }
            let all = book.all
            #expect(all.count == book.count && Set(all.map(\.address)).count == all.count)
            #expect(all.allSatisfy { book.key(of: $0.address) == $0.key && book.peer($0.key) == $0 })
            let busy = all.count { $0.stage == .connected || $0.stage == .dialling }
            #expect(all.count <= max(40, busy + 40))
            #expect(
                book.next(100, at: now).allSatisfy { book.address(of: $0).map { !book.isBanned($0) } == true }
            )
        }
    }
}
