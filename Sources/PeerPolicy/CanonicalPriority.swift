public import SwarmTypes

/// BEP 40: a number that both ends of a connection compute alike. Whoever has too many peers keeps those with the
/// higher ones, so that nobody can fill a swarm's places by connecting more often.
///
/// Both addresses with their ports, `own` as others see it.
public func canonicalPriority(of own: PeerAddress, and peer: PeerAddress) -> UInt32 {
    guard own.high != peer.high || own.low != peer.low else {
        return crc32c([min(own.port, peer.port), max(own.port, peer.port)].flatMap { $0.bigEndianBytes })
    }
    let both = [own.addressBytes, peer.addressBytes]
    guard both[0].count == both[1].count else {
        // One family against the other: BEP 40 has no rule. Their common length is the mapped form's.
        return crc32c(
            [own, peer].map(\.mappedBytes).sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self))
    }
    let common = zip(both[0], both[1]).prefix { $0 == $1 }.count
    // What always counts is the first 2 bytes of IPv4 and 6 of IPv6; then one more than the addresses share.
    let base = both[0].count == 4 ? 2 : 6
    let whole = common < base ? base : common + 1
    let masked = both.map { address in
        address.indices.map { $0 < whole ? address[$0] : address[$0] & 0x55 }
    }
    return crc32c(masked.sorted { $0.lexicographicallyPrecedes($1) }.flatMap(\.self))
}

extension PeerAddress {
    /// 4 bytes or 16.
    fileprivate var addressBytes: [UInt8] { self.compact.dropLast(2) }

    fileprivate var mappedBytes: [UInt8] { self.high.bigEndianBytes + self.low.bigEndianBytes }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    fileprivate var bigEndianBytes: [UInt8] {
        (1...Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self(Self.bitWidth - 8 * $0)) }
    }
}

/// The CRC of RFC 3720, appendix B.4, which BEP 40 uses: Castagnoli's polynomial, reflected.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes { crc = crc >> 8 ^ crc32cTable[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    return ~crc
}

private let crc32cTable: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
}
