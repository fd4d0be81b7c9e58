public import SwarmTypes

/// BEP 40: a number that both ends of a connection compute alike. Whoever has too many peers keeps those with the
/// higher ones, so that nobody can fill a swarm's places by connecting more often.
///
/// Both addresses with their ports, `own` as others see it. For one address of each family, for which BEP 40 has
/// no rule, the IPv4 one counts in its mapped form.
public func canonicalPriority(of own: PeerAddress, and peer: PeerAddress) -> UInt32 {
    var crc = CRC32C()
    guard own.high != peer.high || own.low != peer.low else {
        crc.add(UInt64(min(own.port, peer.port)) << 16 | UInt64(max(own.port, peer.port)), byteCount: 4)
        return crc.value
    }
    if let ownIPv4 = own.ipv4, let peerIPv4 = peer.ipv4 {
        // What always counts is the first 2 bytes; then one more than the addresses share.
        let common = (ownIPv4 ^ peerIPv4).leadingZeroBitCount / 8
        let hidden = (UInt32.max >> UInt32(8 * (common < 2 ? 2 : common + 1))) & 0xAAAA_AAAA
        let masked = (ownIPv4 & ~hidden, peerIPv4 & ~hidden)
        crc.add(UInt64(min(masked.0, masked.1)) << 32 | UInt64(max(masked.0, masked.1)), byteCount: 8)
        return crc.value
    }
    // The first 6 bytes of IPv6, then one more than they share.
    let difference = (high: own.high ^ peer.high, low: own.low ^ peer.low)
    let common =
        difference.high != 0
        ? difference.high.leadingZeroBitCount / 8 : 8 + difference.low.leadingZeroBitCount / 8
    let whole = UInt64(8 * (common < 6 ? 6 : common + 1))
    let hidden = (
        high: (UInt64.max >> whole) & 0xAAAA_AAAA_AAAA_AAAA,
        low: (UInt64.max >> (max(whole, 64) - 64)) & 0xAAAA_AAAA_AAAA_AAAA
    )
    let first = (own.high & ~hidden.high, own.low & ~hidden.low)
    let second = (peer.high & ~hidden.high, peer.low & ~hidden.low)
    for half in first < second ? [first, second] : [second, first] {
        crc.add(half.0, byteCount: 8)
        crc.add(half.1, byteCount: 8)
    }
    return crc.value
}

/// The CRC of RFC 3720, appendix B.4: Castagnoli's polynomial, reflected.
private struct CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
    }

    private var state = UInt32.max

    var value: UInt32 { ~self.state }

    /// The lowest bytes of the number, the highest of them first.
    mutating func add(_ number: UInt64, byteCount: UInt64) {
        for index in (0..<byteCount).reversed() {
            let byte = UInt8(truncatingIfNeeded: number >> (8 * index))
            self.state = self.state >> 8 ^ Self.table[Int(UInt8(truncatingIfNeeded: self.state) ^ byte)]
        }
    }
}
