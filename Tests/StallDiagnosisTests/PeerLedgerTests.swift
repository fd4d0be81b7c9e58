import StallDiagnosis
import SwarmTypes
import TestKit
import Testing

@Suite("The ledger of peers")
struct PeerLedgerTests {
    @Test("An entry survives the end of its connection")
    func survival() throws {
        var ledger = PeerLedger()
        ledger.noted(address(1), source: .peerExchange, at: instant(1))
        ledger.noted(address(1), source: .tracker, at: instant(2))
        ledger.dialling(address(1), at: instant(3))
        ledger.connected(address(1), direction: .outgoing, at: instant(4))
        ledger.encrypted(address(1), at: instant(4))
        ledger.reached(.handshaken, by: address(1), at: instant(5))
        ledger.unchoked(by: address(1), at: instant(6))
        ledger.transferred(down: 100, up: 7, with: address(1), at: instant(7))
        ledger.transferred(with: address(1), at: instant(8))
        ledger.closed(address(1), .resetByPeer, at: instant(9), retryAt: instant(60))

        let entry = try #require(ledger[address(1)])
        #expect(entry.source == .peerExchange)
        #expect(entry.direction == .outgoing)
        #expect(entry.transport == .encrypted)
        #expect(entry.furthest == .transferring)
        #expect(entry.outcome == .closed(.resetByPeer))
        #expect(entry.changed == instant(9))
        #expect(entry.retryAt == instant(60))
        #expect((entry.bytesDown, entry.bytesUp) == (100, 7))
        #expect((entry.attempts, entry.timesUnchoked, entry.sameOutcomes) == (1, 1, 1))
        #expect((ledger.attempts, ledger.handshakes, ledger.incoming) == (1, 1, 0))
        #expect(ledger.closures == ["reset_by_peer": 1])
    }

    @Test("A handshake counts once for a connection, however often its stage is told")
    func handshakes() {
        var ledger = PeerLedger()
        for round in 0..<2 {
            ledger.connected(address(1), direction: .incoming, at: instant(Double(10 * round)))
            for second in 1...3 {
                ledger.reached(.handshaken, by: address(1), at: instant(Double(10 * round + second)))
            }
            ledger.reached(.bitfield, by: address(1), at: instant(Double(10 * round + 5)))
            ledger.closed(address(1), .closedByPeer, at: instant(Double(10 * round + 6)))
        }
        #expect(ledger.handshakes == 2)
    }

    @Test("Condensed, it keeps the entries that tell the most, and all counts")
    func condensed() {
        var ledger = ledger(.corruptData, reached: .transferring)
        for number in 1...50 { ledger.noted(address(UInt32(number)), source: .tracker, at: instant(1)) }
        let small = ledger.condensed(to: 4)
        #expect(small.entries.count == 4)
        #expect(small[address(100)] == ledger[address(100)])
        #expect(small.forgotten == ledger.forgotten + 47)
        #expect(small.handshakes == ledger.handshakes)
        #expect(small.closures == ledger.closures)
        #expect(small.condensed(to: 100) == small)
        for entry in small.entries { #expect(small[entry.address] == entry) }
    }

    @Test("A second attempt keeps the furthest stage, and begins its own from the start")
    func secondAttempt() throws {
        var ledger = ledger(.closedByPeer, reached: .unchoked)
        ledger.dialling(address(100), at: instant(930))
        ledger.closed(address(100), .refused, at: instant(931))
        ledger.dialling(address(100), at: instant(940))
        let entry = try #require(ledger[address(100)])
        #expect(entry.outcome == .open)
        #expect(entry.stage == .dialling)
        #expect(entry.furthest == .unchoked)
        #expect(entry.attempts == 3)
        #expect(entry.closeReason == nil && entry.retryAt == nil)
    }

    @Test("Waiting for a place again does not hide how the last attempt ended")
    func queueing() {
        var ledger = ledger(.refused)
        ledger.queued(address(100), at: instant(950))
        #expect(ledger[address(100)]?.closeReason == .refused)
        #expect(ledger[address(100)]?.changed == instant(920))
    }

    @Test("A reason counts in a row across attempts, whatever its numbers, until another one comes")
    func repetition() {
        var ledger = PeerLedger()
        for end in [.refused, .localFailure(code: 24), .localFailure(code: 99)] as [CloseReason] {
            ledger.dialling(address(1), at: instant(1))
            ledger.closed(address(1), end, at: instant(2))
        }
        #expect(ledger[address(1)]?.sameOutcomes == 2)
        #expect(ledger.closures == ["refused": 1, "local_failure": 2])
    }

    @Test("A full ledger forgets untried addresses first, then failed guests, then failed attempts")
    func eviction() {
        var ledger = PeerLedger(capacity: 8)
        ledger.noted(address(1), source: .tracker, at: instant(1))
        ledger.connected(address(2), direction: .incoming, at: instant(0))
        ledger.closed(address(2), .badHandshake, at: instant(0))
        for (number, end) in [(3, .refused), (4, .corruptData), (5, .closedByPeer)] as [(UInt32, CloseReason)]
        {
            ledger.dialling(address(number), at: instant(0))
            if end == .closedByPeer { ledger.transferred(down: 1, with: address(number), at: instant(0)) }
            ledger.closed(address(number), end, at: instant(0))
        }
        for number in 6...8 as ClosedRange<UInt32> {
            ledger.connected(address(number), direction: .outgoing, at: instant(0))
        }
        var left: [UInt32] = []
        for newcomer in 20..<28 as Range<UInt32> {
            let before = Set(ledger.entries.map(\.address))
            ledger.connected(address(newcomer), direction: .outgoing, at: instant(2))
            let gone = before.subtracting(ledger.entries.map(\.address))
            left += (1...8).filter { gone.contains(address($0)) }
        }
        #expect(left == [1, 2, 3, 5, 4])
        #expect(ledger.entries.count == 8)
        // Only connected ones are left, so there was no room for the last three.
        #expect(ledger.forgotten == 8)
        #expect(ledger.closures["refused"] == 1)
    }

    @Test(
        "Whatever happens, it stays bounded and finds each entry by its address",
        arguments: 0..<200 as Range<UInt64>)
    func bounded(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ledger = PeerLedger(capacity: Int.random(in: 1...40, using: &random))
        var closures = 0
        for step in 0..<400 {
            let peer = address(UInt32.random(in: 0..<100, using: &random))
            let now = instant(Double(step))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: ledger.noted(peer, source: .tracker, at: now)
            case 1: ledger.queued(peer, at: now)
            case 2: ledger.dialling(peer, at: now)
            case 3: ledger.connected(peer, direction: .incoming, at: now)
            case 4:
                ledger.reached(PeerStage.allCases.randomElement(using: &random) ?? .known, by: peer, at: now)
            case 5: ledger.transferred(down: .max, up: .max, with: peer, at: now)
            default:
                ledger.closed(peer, .refused, at: now)
                closures += 1
            }
            #expect(ledger.entries.count <= ledger.capacity)
        }
        for entry in ledger.entries { #expect(ledger[entry.address] == entry) }
        #expect(Set(ledger.entries.map(\.address)).count == ledger.entries.count)
        #expect(ledger.closures.values.reduce(0, +) == closures)
    }
}
