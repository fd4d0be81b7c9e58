import PeerProtocol
import SwarmTypes
import TestKit
import Testing

private func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress {
    PeerAddress(ipv4: 0x0500_0000 + UInt32(number), port: port)
}

private func address6(_ number: Int) -> PeerAddress {
    PeerAddress(high: 0x2001_0DB8_0000_0000, low: UInt64(number), port: 6881)
}

private func seconds(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

@Suite("Peer exchange")
struct PeerExchangeTests {
    @Test("A message is written in this form")
    func vector() {
        let message = PeerExchangeMessage(
            added: [
                PeerContact(PeerAddress(ipv4: 0x3132_3334, port: 0x3536), flags: [.uploadOnly, .isReachable])
            ],
            dropped: [PeerAddress(ipv4: 0x6162_6364, port: 0x6566)])
        #expect(message.payload == Array("d5:added6:1234567:added.f1:\u{12}7:dropped6:abcdefe".utf8))
    }

    @Test("What is written is read again, IPv4 and IPv6", arguments: 0..<200)
    func roundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let four = Int.random(in: 0...25, using: &random)
        let six = Int.random(in: 0...25, using: &random)
        let message = PeerExchangeMessage(
            added: (0..<four).map { PeerContact(address($0), flags: PeerExchangeFlags(rawValue: UInt8($0))) }
                + (0..<six).map { PeerContact(address6($0)) },
            dropped: (0..<six).map { address(1000 + $0) } + (0..<four).map { address6(1000 + $0) })
        let payload = message.payload
        #expect(PeerExchangeMessage(payload: payload) == message)
        for count in 0..<payload.count {
            #expect(PeerExchangeMessage(payload: Array(payload.prefix(count))) == nil)
        }
    }

    @Test("No more than 50 contacts of a message are taken")
    func flood() throws {
        let message = PeerExchangeMessage(
            added: (0..<2000).map { PeerContact(address($0)) } + (0..<2000).map { PeerContact(address6($0)) },
            dropped: (0..<2000).map { address($0) })
        let read = try #require(PeerExchangeMessage(payload: message.payload))
        #expect(read.added == Array(message.added.prefix(50)))
        #expect(read.dropped == Array(message.dropped.prefix(50)))
    }

    @Test("Contacts that nobody can dial are left out, and further ports of one host")
    func filtered() throws {
        let message = PeerExchangeMessage(
            added: [
                PeerContact(address(1, port: 0)), PeerContact(PeerAddress(ipv4: 0, port: 1)),
                PeerContact(PeerAddress(ipv4: 0xE000_0001, port: 1)), PeerContact(address(1)),
                PeerContact(address(1, port: 80)), PeerContact(address(2)), PeerContact(address(2)),
                PeerContact(PeerAddress(ipv4: 0x7F00_0001, port: 1)),
                PeerContact(PeerAddress(ipv4: 0x7F00_0001, port: 2)),
                PeerContact(PeerAddress(ipv4: 0x7F00_0001, port: 2)),
            ], dropped: [])
        let read = try #require(PeerExchangeMessage(payload: message.payload))
        let local = [1, 2].map { PeerAddress(ipv4: 0x7F00_0001, port: $0) }
        #expect(read.added.map(\.address) == [address(1), address(2)] + local)
    }

    @Test(
        "Lists of the wrong length or kind are refused",
        arguments: [
            "d5:added5:12345e", "d5:addedi1ee", "d6:added66:123456e", "d7:dropped1:ae", "le", "", "d5:addede",
        ])
    func malformed(text: String) {
        #expect(PeerExchangeMessage(payload: Array(text.utf8)) == nil)
    }

    @Test("Flags that are too few or of the wrong kind count as none")
    func flags() throws {
        for flags in ["7:added.fi1e", "7:added.f0:", ""] {
            let read = try #require(PeerExchangeMessage(payload: Array("d5:added6:123456\(flags)e".utf8)))
            #expect(read.added.map(\.flags) == [[]])
        }
    }

    @Test("A peer learns whom we are connected with, and whom no more", arguments: 0..<200)
    func schedule(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var schedule = PeerExchangeSchedule(isPrivate: false, establishedAt: seconds(0))
        var known: Set<PeerAddress> = []
        var connected: [PeerContact] = []
        var now = 0.0
        for _ in 0..<30 {
            now += Double.random(in: 1...90, using: &random)
            connected = (0..<200).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map {
                PeerContact(address($0))
            }
            let isDue = try #require(schedule.nextDeadline) <= seconds(now)
            let message = schedule.message(connected: connected, at: seconds(now))
            #expect(isDue || message == nil)
            guard let message else { continue }
            #expect(message.added.count <= 50 && message.dropped.count <= 50)
            #expect(Set(message.added.map(\.address)).isDisjoint(with: message.dropped))
            #expect(known.isDisjoint(with: message.added.map(\.address)))
            #expect(known.isSuperset(of: message.dropped))
            known.formUnion(message.added.map(\.address))
            known.subtract(message.dropped)
            #expect(try #require(schedule.nextDeadline) == seconds(now + 60))
        }
        for _ in 0..<10 {
            now += 60
            guard let message = schedule.message(connected: connected, at: seconds(now)) else { continue }
            known.formUnion(message.added.map(\.address))
            known.subtract(message.dropped)
        }
        #expect(known == Set(connected.map(\.address)))
    }

    @Test("Nothing is sent in the first ten seconds, nor when nothing has changed")
    func quiet() {
        var schedule = PeerExchangeSchedule(isPrivate: false, establishedAt: seconds(100))
        let connected = [PeerContact(address(1)), PeerContact(address(2, port: 0))]
        #expect(schedule.message(connected: connected, at: seconds(109.9)) == nil)
        #expect(schedule.message(connected: connected, at: seconds(110))?.added == [connected[0]])
        #expect(schedule.message(connected: connected, at: seconds(171)) == nil)
        #expect(schedule.message(connected: [], at: seconds(300))?.dropped == [address(1)])
    }

    @Test("On a private torrent nothing is sent, and nothing that comes is used")
    func privacy() {
        var schedule = PeerExchangeSchedule(isPrivate: true, establishedAt: seconds(0))
        #expect(schedule.nextDeadline == nil)
        #expect(schedule.message(connected: [PeerContact(address(1))], at: seconds(1000)) == nil)
        for _ in 0..<100 { #expect(schedule.received(at: seconds(1)) == .ignore) }
    }

    @Test("A peer that floods is left, one that is a little early is not")
    func floods() {
        var schedule = PeerExchangeSchedule(isPrivate: false, establishedAt: seconds(0))
        for minute in 0..<1000 { #expect(schedule.received(at: seconds(Double(minute) * 50)) == .use) }
        var flooded = PeerExchangeSchedule(isPrivate: false, establishedAt: seconds(0))
        let judgements = (0..<20).map { flooded.received(at: seconds(Double($0))) }
        #expect(judgements.prefix(5).allSatisfy { $0 == .use })
        #expect(judgements.last == .close(.badExtensionMessage))
    }
}
