import SwarmTypes
import Testing

@testable import PeerPolicy

@Suite("Our own addresses")
struct OwnAddressesTests {
    @Test("They are few, the oldest goes first, and none stays when we listen elsewhere")
    func bounded() {
        var own = OwnAddresses()
        let addresses = (0..<UInt32(OwnAddresses.limit + 1)).map { PeerAddress(ipv4: $0, port: 6881) }
        for address in addresses + addresses.suffix(1) { own.found(address) }
        #expect(!own.contains(addresses[0]) && addresses.dropFirst().allSatisfy { own.contains($0) })
        #expect(!own.contains(addresses[1].with(port: 1)))
        own.removeAll()
        #expect(!addresses.contains { own.contains($0) })
    }
}
