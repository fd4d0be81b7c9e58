import PeerProtocol
import TestKit

/// Message Stream Encryption with numbers of 61 bits: the real machine's messages at a toy's price.
struct ToyEncryption: EncryptionPrimitives {
    final class KeyStream {
        var random: SplitMix64
        init(_ seed: UInt64) { self.random = SplitMix64(seed: seed) }
    }

    private static let prime: UInt64 = 1 << 61 - 1

    func publicKey(exponent: [UInt8]) -> [UInt8]? { Self.wide(Self.power(3, Self.number(exponent))) }

    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]? {
        let key = Self.number(Array(publicKey.suffix(8)))
        guard key > 1, key < Self.prime, publicKey.prefix(publicKey.count - 8).allSatisfy({ $0 == 0 }) else {
            return nil
        }
        return Self.wide(Self.power(key, Self.number(exponent)))
    }

    func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var random = SplitMix64(seed: Self.number(bytes))
        return (0..<20).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    func cipher(key: [UInt8]) -> KeyStream? { KeyStream(Self.number(key)) }

    func apply(_ cipher: KeyStream, to bytes: inout [UInt8]) {
        for index in bytes.indices { bytes[index] ^= UInt8(truncatingIfNeeded: cipher.random.next()) }
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        guard bytes.count != 8 else { return bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    private static func wide(_ number: UInt64) -> [UInt8] {
        [UInt8](repeating: 0, count: 88)
            + (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }

    private static func power(_ base: UInt64, _ exponent: UInt64) -> UInt64 {
        var (result, square, left) = (UInt64(1), base % Self.prime, exponent)
        while left > 0 {
            if left & 1 == 1 { result = Self.product(result, square) }
            square = Self.product(square, square)
            left >>= 1
        }
        return result
    }

    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        Self.prime.dividingFullWidth(a.multipliedFullWidth(by: b)).remainder
    }
}
