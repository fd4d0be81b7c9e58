import PeerProtocol
import SwarmCore
import SwarmTypes
import Testing

@Suite("Requests of a swarm")
struct RequestTests {
    @Test("A block that comes after its time is still taken, once")
    func lateBlock() throws {
        var machine = MachineFixture()
        let slot = try machine.joinSeed(1)
        let requests = machine.takeRequests(of: slot)
        let block = try #require(requests.first)
        machine.wait(seconds: 25)
        #expect(machine.core.requestsTimedOut > 0)
        let first = machine.core.received(block, from: slot, at: machine.now, into: &machine.actions)
        #expect(first == .write)
        let second = machine.core.received(block, from: slot, at: machine.now, into: &machine.actions)
        #expect(second == .discard)
        #expect(machine.core.redundant == Int64(block.length))
    }

    @Test("A peer that lets requests time out, or rejects them, leaves its blocks to others for a while")
    func pause() throws {
        for rejects in [false, true] {
            var machine = MachineFixture()
            let slot = try machine.joinSeed(1)
            let blocks = machine.takeRequests(of: slot)
            #expect(!blocks.isEmpty)
            if rejects {
                for block in blocks { machine.receive(.reject(block), from: slot) }
            } else {
                while machine.core.requestsTimedOut == 0 { machine.wait(seconds: 1) }
            }
            #expect(machine.core.requestsInFlight == 0)
            #expect(machine.takeRequests(of: slot).isEmpty)
            let other = try machine.joinSeed(2)
            #expect(!machine.takeRequests(of: other).isEmpty)
            machine.wait(seconds: 3)
            #expect(!machine.takeRequests(of: slot).isEmpty, "it is asked again")
        }
    }

    @Test("A peer that unchoked us before the pieces were known is asked as soon as they are")
    func unchokedBefore() throws {
        var machine = MachineFixture(isMagnet: true)
        let slot = try machine.joinSeed(1)
        #expect(machine.takeRequests(of: slot).isEmpty)
        machine.begin()
        #expect(!machine.takeRequests(of: slot).isEmpty)
    }

    @Test("An unchoke ends the pause after rejects")
    func unchoke() throws {
        var machine = MachineFixture()
        let slot = try machine.joinSeed(1)
        for block in machine.takeRequests(of: slot) { machine.receive(.reject(block), from: slot) }
        #expect(machine.takeRequests(of: slot).isEmpty)
        machine.receive(.choke, from: slot)
        machine.receive(.unchoke, from: slot)
        #expect(!machine.takeRequests(of: slot).isEmpty)
    }
}
