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
}
