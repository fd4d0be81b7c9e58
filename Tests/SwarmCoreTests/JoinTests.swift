import PeerPolicy
import PeerProtocol
import SwarmCore
import SwarmTypes
import Testing

@Suite("Joining a swarm")
struct JoinTests {
    @Test("Peers that are not taken leave nothing behind in the book, however many come")
    func refused() {
        var settings = SwarmSettings()
        settings.maximumPeers = 1
        var machine = MachineFixture(settings: settings)
        _ = machine.join(1)
        for port in UInt16(1)...5000 {
            let result = machine.join(2, from: MachineFixture.address(2, port: port))
            guard case .failure(let refusal) = result else { continue }
            #expect(refusal.reason == .tooManyConnections)
        }
        #expect(machine.core.book.all.count { $0.stage == .connected } == 1)
    }

    @Test("A newcomer that wants something is unchoked at once while a slot is free")
    func firstUnchoke() throws {
        var machine = MachineFixture(isSeed: true)
        let slot = try machine.join(1).get()
        machine.receive(.interested, from: slot)
        #expect(machine.actions.contains(.send(slot, .unchoke)))
    }

    @Test("When two dial each other, the dial of the lower id stays, whichever is known first")
    func crossingDials() throws {
        // The machine's own id is of hundreds.
        for (other, ours) in [(UInt8(1), false), (200, true)] {
            for isOutgoingFirst in [false, true] {
                var machine = MachineFixture()
                let first = try machine.join(other, isOutgoing: isOutgoingFirst).get()
                let second = try? machine.join(other, isOutgoing: !isOutgoingFirst).get()
                let isReplaced = second != nil
                #expect(isReplaced == (ours != isOutgoingFirst), "\(other), \(isOutgoingFirst)")
                #expect(machine.core.peerCount == 1)
                // The slot that is closed must not be the new one's.
                #expect(second != first)
                let closed = machine.actions.contains(.close(first, .duplicateConnection))
                #expect(closed == isReplaced)
                #expect(machine.core.book.all.count { $0.stage == .connected } == 1)
            }
        }
    }

    @Test("A connection that has stood for a while is replaced by none, nor is one of another host")
    func noTakingOver() throws {
        var machine = MachineFixture()
        _ = try machine.join(1, isOutgoing: true).get()
        let stranger = machine.join(1, from: MachineFixture.address(9, port: 999))
        #expect((try? stranger.get()) == nil)
        machine.wait(seconds: 15)
        #expect((try? machine.join(1).get()) == nil)
    }

    @Test("An address that turned out to be a connected peer's is not dialled again, and known as its own")
    func duplicateIsLearnt() throws {
        var machine = MachineFixture()
        _ = try machine.join(1).get()
        #expect((try? machine.join(1, isOutgoing: true).get()) == nil)
        #expect(machine.core.book.count == 1)
        #expect(machine.core.book.key(of: MachineFixture.address(1)) != nil)
        #expect(machine.core.book.nextCandidateAt(weAreSeed: false) == nil)
    }
}
