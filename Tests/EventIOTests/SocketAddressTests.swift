import EventIO
import Glibc
import SwarmTypes
import TestKit
import Testing

@Suite("Addresses for system calls")
struct SocketAddressTests {
    @Test("Come back the same, of both families", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let port = UInt16.random(in: 0...(.max), using: &random)
        let addresses = [
            PeerAddress(ipv4: UInt32.random(in: 0...(.max), using: &random), port: port),
            PeerAddress(high: random.next() | 1, low: random.next(), port: port),
        ]
        for (address, family) in zip(addresses, [AF_INET, AF_INET6]) {
            #expect(address.socketFamily == family)
            let read = address.withSocketAddress { PeerAddress(UnsafeRawPointer($0), length: Int($1)) }
            #expect(read == address)
            let cut = address.withSocketAddress { PeerAddress(UnsafeRawPointer($0), length: Int($1) - 1) }
            #expect(cut == nil)
        }
    }

    @Test("Of another family, or of no length, are none")
    func others() {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        #expect(PeerAddress(&address, length: MemoryLayout<sockaddr_un>.size) == nil)
        #expect(PeerAddress(&address, length: 0) == nil)
    }
}
