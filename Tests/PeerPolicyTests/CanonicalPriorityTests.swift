import PeerPolicy
import SwarmTypes
import TestKit
import Testing

@Suite("BEP 40's priority")
struct CanonicalPriorityTests {
    @Test(
        "Agrees with the vectors of BEP 40, and with the CRC of the masked bytes",
        arguments: [
            ("123.213.32.10:0", "98.76.54.32:0", 0xEC2D_7224),
            ("123.213.32.10:0", "123.213.32.234:0", 0x9956_8189),
        ] as [(String, String, UInt32)])
    func vectors(own: String, peer: String, expected: UInt32) throws {
        let own = try #require(PeerAddress(own))
        let peer = try #require(PeerAddress(peer))
        #expect(canonicalPriority(of: own, and: peer) == expected)
    }

    @Test(
        "What the masks hide makes no difference, and what they show does",
        arguments: [
            // Other networks: bits 0xAA of the last two bytes are hidden.
            ("230.120.23.1:1", "230.120.189.171:1", "10.12.123.3:1", true),
            ("230.120.23.1:1", "230.121.23.1:1", "10.12.123.3:1", false),
            // One /16: only the last byte is masked.
            ("230.12.23.1:1", "230.12.23.171:1", "230.12.123.3:1", true),
            ("230.12.23.1:1", "230.12.189.1:1", "230.12.123.3:1", false),
            // One /24: nothing is.
            ("230.12.123.1:1", "230.12.123.171:1", "230.12.123.3:1", false),
            ("[2001:db8:1::1]:1", "[2001:db8:1:aaaa::ab]:1", "[2001:db8:2::7]:1", true),
            ("[2001:db8:1::1]:1", "[2001:db8:3::1]:1", "[2001:db8:2::7]:1", false),
            // One /48, then one /56.
            ("[2001:db8:2:0100::1]:1", "[2001:db8:2:01aa::1]:1", "[2001:db8:2::7]:1", true),
            ("[2001:db8:2:0100::1]:1", "[2001:db8:2:0300::1]:1", "[2001:db8:2::7]:1", false),
            ("[2001:db8:2:1::1]:1", "[2001:db8:2:3::1]:1", "[2001:db8:2::7]:1", false),
            // Ports count only between ports of one host.
            ("10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:3", true),
            ("10.0.0.1:1", "10.0.0.1:2", "10.0.0.1:3", false),
        ])
    func masks(first: String, second: String, own: String, isEqual: Bool) throws {
        let own = try #require(PeerAddress(own))
        let priorities = try [first, second].map {
            canonicalPriority(of: own, and: try #require(PeerAddress($0)))
        }
        #expect((priorities[0] == priorities[1]) == isEqual)
    }

    @Test("Both ends compute the same", arguments: 0..<200 as Range<UInt64>)
    func symmetry(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func address() -> PeerAddress {
            Bool.random(using: &random)
                ? PeerAddress(ipv4: random.next() & 0x0101_03FF | 0x0A00_0000, port: random.next() & 1)
                : PeerAddress(
                    high: 0x2001_0DB8 << 32 | random.next() & 0x1_0101, low: random.next() & 1, port: 7)
        }
        let (own, peer) = (address(), address())
        #expect(canonicalPriority(of: own, and: peer) == canonicalPriority(of: peer, and: own))
    }
}
