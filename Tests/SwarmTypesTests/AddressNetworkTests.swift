import SwarmTypes
import TestKit
import Testing

@Suite("A network of addresses")
struct AddressNetworkTests {
    @Test(
        "holds the addresses with its prefix, and no others",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"), ("192.168.1.7", "192.168.1.7", "192.168.1.8"),
            ("192.168.1.7/31", "192.168.1.6", "192.168.1.5"), ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"), ("::1", "::1", "::2"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"), ("172.16.0.0/12", "172.31.0.1", "172.32.0.1"),
        ])
    func membership(network: String, inside: String, outside: String) throws {
        let network = try #require(AddressNetwork(network))
        #expect(network.contains(try #require(PeerAddress(host: inside, port: 5))))
        #expect(!network.contains(try #require(PeerAddress(host: outside, port: 5))))
    }

    @Test("of everything holds both families")
    func everything() throws {
        let all = try #require(AddressNetwork("::/0"))
        for host in ["127.0.0.1", "2001:db8::1"] {
            #expect(all.contains(try #require(PeerAddress(host: host, port: 0))))
        }
    }

    @Test(
        "is no name, no longer prefix than its family has, and no half of one",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8",
            "10.0.0/8", "::/129",
            "localhost", "10.0.0.0/9999999999999999999999", "*", "10.0.0.1:80", "[::1]",
        ])
    func refused(text: String) { #expect(AddressNetwork(text) == nil) }

    @Test("holds whatever shares its bits, and nothing else", arguments: 0..<200 as Range<UInt64>)
    func property(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let address = UInt32.random(in: 0...UInt32.max, using: &random)
        let length = Int.random(in: 1...32, using: &random)
        let network = try #require(AddressNetwork("\(PeerAddress(ipv4: address, port: 0).host)/\(length)"))
        for bit in 0..<32 {
            let other = PeerAddress(ipv4: address ^ (1 << UInt32(31 - bit)), port: 0)
            #expect(network.contains(other) == (bit >= length))
        }
    }
}
