import SwarmTypes
import TestKit
import Testing

@Suite("A peer's address")
struct PeerAddressTests {
    @Test(
        "Is read from its text and written in the one form of RFC 5952",
        arguments: [
            ("192.0.2.1:6881", "192.0.2.1:6881"),
            ("0.0.0.0:0", "0.0.0.0:0"),
            ("255.255.255.255:65535", "255.255.255.255:65535"),
            ("[::]:1", "[::]:1"),
            ("[::1]:1", "[::1]:1"),
            ("[2001:db8::]:1", "[2001:db8::]:1"),
            ("[2001:DB8:0:0:0:0:0:1]:1", "[2001:db8::1]:1"),
            ("[2001:0db8::0001]:1", "[2001:db8::1]:1"),
            // RFC 5952, 4.2.2: one group of zero is not shortened; 4.2.3: the longest run, then the first.
            ("[2001:db8:0:1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"),
            ("[2001:db8::1:1:1:1:1]:1", "[2001:db8:0:1:1:1:1:1]:1"),
            ("[2001:0:0:1:0:0:0:1]:1", "[2001:0:0:1::1]:1"),
            ("[2001:db8:0:0:1:0:0:1]:1", "[2001:db8::1:0:0:1]:1"),
            ("[1:2:3:4:5:6:7::]:1", "[1:2:3:4:5:6:7:0]:1"),
            ("[::2:3:4:5:6:7:8]:1", "[0:2:3:4:5:6:7:8]:1"),
            ("[64:ff9b::192.0.2.33]:1", "[64:ff9b::c000:221]:1"),
            // RFC 4291, 2.5.5.2: the mapped form is the IPv4 address.
            ("[::ffff:192.0.2.1]:6881", "192.0.2.1:6881"),
            ("[::FFFF:c000:201]:6881", "192.0.2.1:6881"),
        ])
    func text(given: String, written: String) throws {
        let address = try #require(PeerAddress(given))
        #expect(address.description == written)
        #expect(PeerAddress(written) == address)
        #expect(PeerAddress(host: address.host, port: address.port) == address)
    }

    @Test(
        "Nothing else is an address",
        arguments: [
            "", ":", "1", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1",
            "192.0.2.1:06881",
            "192.0.2:1", "192.0.2.1.5:1", "192.0.2.256:1", "192.0.2.01:1", "192.0..1:1", "192.0.2.1 :1",
            " 192.0.2.1:1",
            "host.example:1", "::1:1", "[::1]", "[::1:1", "::1]:1", "[192.0.2.1]:1", "[]:1", "[:]:1",
            "[:::]:1",
            "[1::2::3]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2:3:4:5:6:7:8::]:1",
            "[::1:2:3:4:5:6:7:8]:1",
            "[1:2:3:4::5:6:7:8]:1", "[12345::]:1", "[g::]:1", "[:1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:]:1",
            "[fe80::1%eth0]:1",
            "[::192.0.2.1:1]:1", "[1:2:3:4:5:6:7:192.0.2.1]:1", "[192.0.2.1::]:1", "[::1.2.3]:1", "１.2.3.4:1",
            "1.2.3.4:１",
        ])
    func refused(text: String) {
        #expect(PeerAddress(text) == nil)
    }

    @Test("The compact form has 6 bytes or 18, network order (BEP 23, BEP 7), and nothing else is one")
    func compact() throws {
        let four: [UInt8] = [192, 0, 2, 1, 0x1A, 0xE1]
        let six =
            [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 10) + [0xAB, 0xCD, 0x1A, 0xE1] as [UInt8]
        #expect(try #require(PeerAddress(compact: four)).description == "192.0.2.1:6881")
        #expect(try #require(PeerAddress(compact: six)).description == "[2001:db8::abcd]:6881")
        #expect(PeerAddress(compact: four)?.compact == four)
        #expect(PeerAddress(compact: six)?.compact == six)
        for count in 0...20 where count != 6 && count != 18 {
            #expect(PeerAddress(compact: [UInt8](repeating: 1, count: count)) == nil)
        }
    }

    @Test("Text and compact form lead back to the address", arguments: 0..<300 as Range<UInt64>)
    func roundTrips(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // Many zero groups, so that every place of `::` occurs.
        func word() -> UInt64 {
            (0..<4).reduce(0) { sum, _ in
                sum << 16 | (Bool.random(using: &random) ? 0 : UInt64.random(in: 0...0xFFFF, using: &random))
            }
        }
        let port = UInt16.random(in: 0...UInt16.max, using: &random)
        let address =
            Bool.random(using: &random)
            ? PeerAddress(high: word(), low: word(), port: port)
            : PeerAddress(ipv4: UInt32.random(in: 0...UInt32.max, using: &random), port: port)
        #expect(PeerAddress(address.description) == address)
        #expect(PeerAddress(compact: address.compact) == address)
        #expect(address.with(port: 7).port == 7 && address.with(port: 7).host == address.host)
    }

    @Test("Text from a stranger, cut and changed anywhere, never traps", arguments: 0..<200 as Range<UInt64>)
    func mutilated(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Array("[2001:db8:0:1::192.0.2.33]:6881".utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.remove(at: index)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &random)
            default: bytes.insert(bytes.randomElement(using: &random) ?? 58, at: index)
            }
        }
        guard let address = PeerAddress(String(decoding: bytes, as: UTF8.self)) else { return }
        #expect(PeerAddress(address.description) == address)
    }

    @Test(
        "The scope says where an address may be used",
        arguments: [
            ("0.1.2.3:1", .unspecified), ("127.0.0.1:1", .loopback), ("10.9.8.7:1", .privateNetwork),
            ("172.16.0.1:1", .privateNetwork), ("172.31.255.255:1", .privateNetwork),
            ("172.32.0.1:1", .global), ("100.63.255.255:1", .global), ("100.64.0.0:1", .sharedNetwork),
            ("100.127.255.255:1", .sharedNetwork), ("100.128.0.0:1", .global),
            ("192.168.1.1:1", .privateNetwork), ("192.169.1.1:1", .global), ("169.254.1.1:1", .linkLocal),
            ("224.0.0.1:1", .multicast), ("255.255.255.255:1", .multicast), ("223.255.255.255:1", .global),
            ("[::]:1", .unspecified), ("[::1]:1", .loopback), ("[::2]:1", .global),
            ("[fe80::1]:1", .linkLocal),
            ("[febf::1]:1", .linkLocal), ("[fec0::1]:1", .global), ("[ff02::1]:1", .multicast),
            ("[fd00::1]:1", .privateNetwork), ("[2001:db8::1]:1", .global),
            ("[::ffff:127.0.0.1]:1", .loopback),
        ] as [(String, AddressScope)])
    func scopes(text: String, scope: AddressScope) throws {
        let address = try #require(PeerAddress(text))
        #expect(address.scope == scope)
        #expect(address.isUsable == (scope != .unspecified && scope != .multicast))
        #expect(!address.with(port: 0).isUsable)
    }
}
