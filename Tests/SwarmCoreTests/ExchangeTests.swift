import PeerProtocol
import SwarmCore
import SwarmTypes
import TestKit
import Testing

@Suite("Peer exchange that is switched off")
struct ExchangeTests {
    /// What is said to a newcomer, and who is heard of from it.
    private func meet(exchangesPeers: Bool) throws -> (offersExchange: Bool, heardOf: Int) {
        var settings = SwarmSettings()
        settings.exchangesPeers = exchangesPeers
        var fixture = MachineFixture(settings: settings)
        let slot = try fixture.join(1).get()
        let offers = fixture.actions.contains {
            guard case .send(_, .extended(0, let payload)) = $0,
                case .handshake(let handshake)? = ExtensionMessage(id: 0, payload: payload)
            else { return false }
            return handshake.number(of: .peerExchange) != nil
        }
        fixture.actions = []
        let named = PeerContact(MachineFixture.address(77), flags: [])
        let message = PeerExchangeMessage(added: [named], dropped: [])
        fixture.receive(
            .extended(id: ExtensionKind.peerExchange.rawValue, payload: message.payload), from: slot)
        let heardOf = fixture.actions.count { if case .heardOf(let all) = $0 { !all.isEmpty } else { false } }
        return (offers, heardOf)
    }

    @Test(
        "is not offered, and a peer that names others all the same is not listened to",
        arguments: [false, true])
    func off(exchangesPeers: Bool) throws {
        let (offers, heardOf) = try self.meet(exchangesPeers: exchangesPeers)
        #expect(offers == exchangesPeers)
        #expect(heardOf == (exchangesPeers ? 1 : 0))
    }
}
