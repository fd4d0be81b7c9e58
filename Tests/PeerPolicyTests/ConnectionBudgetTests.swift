import PeerPolicy
import SwarmTypes
import TestKit
import Testing

private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1_000_000_000)) }

private func address(_ number: Int) -> PeerAddress {
    PeerAddress(ipv4: 0x0B00_0000 + UInt32(number) << 8, port: 1)
}

@Suite("The budget of connections")
struct ConnectionBudgetTests {
    @Test("Thirty dials a second, and thirty more when a torrent starts")
    func rate() {
        var budget = ConnectionBudget(at: instant(0))
        func dials(at now: Double) -> Int {
            (0..<200).count { number in
                guard budget.dial(address(number), torrentConnections: 0, at: instant(now)) == .yes else {
                    return false
                }
                budget.dialEnded(connected: false)
                return true
            }
        }
        #expect(dials(at: 0) == 30)
        #expect(
            budget.dial(address(0), torrentConnections: 0, at: instant(0))
                == .later(Instant(nanoseconds: 33_333_334)))
        #expect(dials(at: 0.5) == 15)
        #expect(dials(at: 60) == 30)
        for _ in 0..<5 { budget.torrentStarted(at: instant(120)) }
        #expect(dials(at: 120) == 60)
    }

    @Test("Ten a second to one network, loopback aside")
    func networks() {
        var budget = ConnectionBudget(at: instant(0))
        let answers = (0..<12).map { number in
            budget.dial(
                PeerAddress(ipv4: 0x0B00_0000 + UInt32(number), port: 1), torrentConnections: 0,
                at: instant(0))
        }
        #expect(answers == Array(repeating: .yes, count: 10) + Array(repeating: .later(instant(1)), count: 2))
        let other = PeerAddress(high: 0x2001_0DB8_0001 << 16, low: 1, port: 1)
        #expect(budget.dial(other, torrentConnections: 0, at: instant(0)) == .yes)
        let local = (0..<15).map { number in
            budget.dial(
                PeerAddress(ipv4: 0x7F00_0001, port: 4000 + UInt16(number)), torrentConnections: 0,
                at: instant(0))
        }
        #expect(local.allSatisfy { $0 == .yes })
    }

    @Test("So many half-open, so many in a torrent, so many in all")
    func counts() {
        var budget = ConnectionBudget(at: instant(0))
        budget.limits.dialsPerSecond = 1000
        budget.limits.connections = 120
        var now = 0.0
        for number in 0..<100 {
            now += 1
            #expect(budget.dial(address(number), torrentConnections: 59, at: instant(now)) == .yes)
        }
        #expect(budget.dial(address(0), torrentConnections: 0, at: instant(now)) == .halfOpenFull)
        for _ in 0..<50 { budget.dialEnded(connected: true) }
        #expect(budget.openCount == 50 && budget.halfOpenCount == 50)
        #expect(budget.dial(address(0), torrentConnections: 60, at: instant(now)) == .full)
        for number in 0..<20 {
            #expect(budget.dial(address(number), torrentConnections: 0, at: instant(now + 1)) == .yes)
        }
        #expect(budget.dial(address(99), torrentConnections: 0, at: instant(now + 2)) == .full)
        let accepted = (0..<80).count { _ in budget.accept(torrentConnections: 3) }
        #expect(accepted == 70)
        budget.connectionEnded()
        let answers = [60, 59].map { budget.accept(torrentConnections: $0) }
        #expect(answers == [false, true])
    }

    @Test(
        "In no second more than twice the rate is dialled, whatever comes",
        arguments: 0..<200 as Range<UInt64>)
    func bound(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var budget = ConnectionBudget(at: instant(0))
        var dialled: [Double] = []
        var now = 0.0
        while now < 10 {
            now += Double.random(in: 0...0.02, using: &random)
            switch budget.dial(
                address(Int.random(in: 0..<99, using: &random)), torrentConnections: 0, at: instant(now))
            {
            case .yes:
                dialled.append(now)
                budget.dialEnded(connected: false)
            case .later(let then): #expect(then > instant(now))
            case .full, .halfOpenFull: Issue.record("nothing is full")
            }
        }
        for start in dialled { #expect(dialled.count { $0 >= start && $0 < start + 1 } <= 61) }
        #expect(dialled.count >= 300)
    }
}
