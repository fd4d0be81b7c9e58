import PeerProtocol
import SwarmCore
import SwarmTypes
import TestKit
import Testing

@Suite("Upload slots that become free")
struct SlotTests {
    /// A seed with eight peers that want something of it.
    private func eight() throws -> (MachineFixture, unchoked: [PeerSlot], waiting: [PeerSlot]) {
        var fixture = MachineFixture(isSeed: true)
        var slots: [PeerSlot] = []
        for number in 1...8 as ClosedRange<UInt8> {
            let slot = try fixture.join(number).get()
            fixture.receive(.interested, from: slot)
            slots.append(slot)
        }
        let unchoked = self.unchoked(fixture.actions)
        fixture.actions = []
        return (fixture, unchoked, slots.filter { !unchoked.contains($0) })
    }

    private func unchoked(_ actions: [SwarmAction]) -> [PeerSlot] {
        actions.compactMap { if case .send(let slot, .unchoke) = $0 { slot } else { nil } }
    }

    @Test("go to those who wait when all who had them leave at once, and nobody else says anything")
    func leaving() throws {
        var (fixture, unchoked, waiting) = try self.eight()
        #expect(unchoked.count == 4 && waiting.count == 4)
        fixture.now = fixture.now.advanced(bySeconds: 1)
        for slot in unchoked {
            fixture.core.leave(slot, because: .closedByPeer, at: fixture.now, into: &fixture.actions)
        }
        fixture.core.fillUploadSlots(at: fixture.now, using: &fixture.random, into: &fixture.actions)
        #expect(Set(self.unchoked(fixture.actions)) == Set(waiting))
    }

    @Test("go to those who wait when one who had them has all it wanted")
    func losingInterest() throws {
        var (fixture, unchoked, waiting) = try self.eight()
        fixture.now = fixture.now.advanced(bySeconds: 1)
        let content = try #require(unchoked.first)
        fixture.receive(.notInterested, from: content)
        let lucky = self.unchoked(fixture.actions)
        #expect(lucky.count == 1 && Set(lucky).isSubset(of: Set(waiting)))
    }
}
