import Digests
import TestKit
import Testing

@Suite("Message stream encryption's primitives")
struct EncryptionTests {
    /// RFC 6229: the key stream of these keys at offset 0.
    @Test(
        "RC4 gives the published key streams",
        arguments: [
            ([1, 2, 3, 4, 5] as [UInt8], "b2396305f03dc027ccc3524a0a1118a8"),
            (Array(1...16), "9ac7cc9a609d1ef7b2932899cde41b97"),
        ])
    func rc4(key: [UInt8], expected: String) throws {
        var bytes = [UInt8](repeating: 0, count: 16)
        try StreamCipher(key: key).apply(&bytes)
        #expect(hex(bytes) == expected)
    }

    /// RFC 6229: the same keys at offset 1024.
    @Test(
        "Bytes can be thrown away first",
        arguments: [
            ([1, 2, 3, 4, 5] as [UInt8], "30abbcc7c20b01609f23ee2d5f6bb7df"),
            (Array(1...16), "bdf0324e6083dcc6d3cedd3ca8c53c16"),
        ])
    func discarded(key: [UInt8], expected: String) throws {
        var bytes = [UInt8](repeating: 0, count: 16)
        try StreamCipher(key: key, discarding: 1024).apply(&bytes)
        #expect(hex(bytes) == expected)
    }

    @Test("Where the bytes are cut makes no difference, and the same key undoes it", arguments: 0..<200)
    func cut(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let key = someBytes(20, using: &random)
        let clear = someBytes(Int.random(in: 0...300, using: &random), using: &random)
        let (whole, parts) = (try StreamCipher(key: key), try StreamCipher(key: key))
        var first = clear
        whole.apply(&first)
        let place = Int.random(in: 0...clear.count, using: &random)
        var (head, tail) = (Array(clear[..<place]), Array(clear[place...]))
        parts.apply(&head)
        parts.apply(&tail)
        #expect(head + tail == first)
        try StreamCipher(key: key).apply(&first)
        #expect(first == clear)
    }

    @Test("A key must have 1 to 256 bytes", arguments: [0, 257])
    func keyLength(count: Int) {
        #expect(throws: EncryptionFailure.failed) {
            try StreamCipher(key: [UInt8](repeating: 1, count: count))
        }
    }

    @Test("Both sides come to the same secret", arguments: 0..<50)
    func exchange(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (ours, theirs) = (someBytes(20, using: &random), someBytes(20, using: &random))
        let (ourKey, theirKey) = (
            try KeyExchange.publicKey(exponent: ours), try KeyExchange.publicKey(exponent: theirs)
        )
        #expect(ourKey.count == KeyExchange.byteCount)
        let secret = try #require(try KeyExchange.sharedSecret(exponent: ours, with: theirKey))
        #expect(try secret == KeyExchange.sharedSecret(exponent: theirs, with: ourKey))
        #expect(secret.count == KeyExchange.byteCount)
    }

    /// Computed with Python: `hex(pow(2, x, p))` for the exponents 1, 10 and 2 ** 160 - 1.
    @Test("Public keys are powers of two modulo the prime")
    func powers() throws {
        let zeros = String(repeating: "0", count: 2 * KeyExchange.byteCount)
        #expect(hex(try KeyExchange.publicKey(exponent: [1])) == zeros.dropLast() + "2")
        #expect(hex(try KeyExchange.publicKey(exponent: [0, 10])) == zeros.dropLast(3) + "400")
        #expect(
            hex(try KeyExchange.publicKey(exponent: [UInt8](repeating: 255, count: 20)))
                == "fe9aac142f64ad4d5bca7e30bea17d62c709de9e4c5694e2b27e8c6ed82510bb57952fcce38f6a5084b9699ec34b033e"
                + "d1a0dbd51d70274bff40ae493f0ce2cdbd3cbd6055c9677a7eb70d29f4d8ecfbc2625316a7ae1a0d3d6605f0406bad79"
        )
    }

    @Test("A public key that gives the secret away is refused")
    func refused() throws {
        let exponent = [UInt8](repeating: 7, count: 20)
        let zero = [UInt8](repeating: 0, count: KeyExchange.byteCount)
        let prime = [UInt8](repeating: 255, count: 8) + KeyExchangePrime.rest
        var below = prime
        below[below.count - 1] -= 1
        let one = zero.dropLast() + [1]
        let ones = [UInt8](repeating: 255, count: KeyExchange.byteCount)
        for key in [zero, Array(one), prime, below, ones, [], Array(ones.dropLast())] {
            #expect(try KeyExchange.sharedSecret(exponent: exponent, with: key) == nil)
        }
        below[below.count - 1] -= 1
        #expect(try KeyExchange.sharedSecret(exponent: exponent, with: below) != nil)
    }
}

private enum KeyExchangePrime {
    /// Behind its first eight bytes, which are all ones.
    static let rest: [UInt8] = [
        0xC9, 0x0F, 0xDA, 0xA2, 0x21, 0x68, 0xC2, 0x34, 0xC4, 0xC6, 0x62, 0x8B, 0x80, 0xDC, 0x1C, 0xD1, 0x29,
        0x02, 0x4E, 0x08, 0x8A, 0x67, 0xCC, 0x74, 0x02, 0x0B, 0xBE, 0xA6, 0x3B, 0x13, 0x9B, 0x22, 0x51, 0x4A,
        0x08, 0x79, 0x8E, 0x34, 0x04, 0xDD, 0xEF, 0x95, 0x19, 0xB3, 0xCD, 0x3A, 0x43, 0x1B, 0x30, 0x2B, 0x0A,
        0x6D, 0xF2, 0x5F, 0x14, 0x37, 0x4F, 0xE1, 0x35, 0x6D, 0x6D, 0x51, 0xC2, 0x45, 0xE4, 0x85, 0xB5, 0x76,
        0x62, 0x5E, 0x7E, 0xC6, 0xF4, 0x4C, 0x42, 0xE9, 0xA6, 0x3A, 0x36, 0x21, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x09, 0x05, 0x63,
    ]
}

private func someBytes(_ count: Int, using random: inout SplitMix64) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
}

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
