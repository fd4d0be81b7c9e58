/// Where a peer can be reached: an IPv4 or IPv6 address and a port.
///
/// An IPv4 address is kept as its mapped IPv6 address (RFC 4291, 2.5.5.2), so that the two spellings are equal.
public struct PeerAddress: Hashable, Sendable {
    /// The address as a big-endian number.
    public let high: UInt64
    public let low: UInt64
    public let port: UInt16

    public init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    public init(ipv4: UInt32, port: UInt16) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4), port: port)
    }

    /// Nil for an IPv6 address.
    public var ipv4: UInt32? {
        guard self.high == 0, self.low >> 32 == 0xFFFF else { return nil }
        return UInt32(truncatingIfNeeded: self.low)
    }

    /// Reads the compact form (BEP 23 with 6 bytes, BEP 7 with 18); nil for any other count.
    public init?(compact bytes: some Collection<UInt8>) {
        guard bytes.count == 6 || bytes.count == 18 else { return nil }
        var numbers: [UInt64] = [0, 0, 0]
        for (index, byte) in bytes.enumerated() {
            let left = bytes.count - index
            let word = left <= 2 ? 2 : bytes.count == 6 || left <= 10 ? 1 : 0
            numbers[word] = numbers[word] << 8 | UInt64(byte)
        }
        let port = UInt16(truncatingIfNeeded: numbers[2])
        if bytes.count == 6 {
            self.init(ipv4: UInt32(truncatingIfNeeded: numbers[1]), port: port)
        } else {
            self.init(high: numbers[0], low: numbers[1], port: port)
        }
    }

    /// The compact form: 6 bytes for IPv4, 18 for IPv6.
    public var compact: [UInt8] {
        var bytes: [UInt8] = []
        if let ipv4 = self.ipv4 {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: ipv4 >> shift)) }
        } else {
            for word in [self.high, self.low] {
                for shift in stride(from: 56 as UInt64, through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: word >> shift))
                }
            }
        }
        return bytes + [UInt8(self.port >> 8), UInt8(truncatingIfNeeded: self.port)]
    }

    public func with(port: UInt16) -> PeerAddress { PeerAddress(high: self.high, low: self.low, port: port) }
}

/// What kind of address it is, where that decides whether it may be dialled.
public enum AddressScope: Hashable, Sendable {
    case unspecified, loopback, linkLocal, multicast, privateNetwork
    /// 100.64.0.0/10, between a provider and the customers for whom it translates addresses (RFC 6598).
    case sharedNetwork
    case global
}

extension PeerAddress {
    public var scope: AddressScope {
        if let ipv4 = self.ipv4 {
            switch ipv4 >> 24 {
            case 0: return .unspecified
            case 127: return .loopback
            case 10: return .privateNetwork
            case 224...255: return .multicast
            default: break
            }
            if ipv4 >> 22 == 0x191 { return .sharedNetwork }
            if ipv4 >> 20 == 0xAC1 || ipv4 >> 16 == 0xC0A8 { return .privateNetwork }
            return ipv4 >> 16 == 0xA9FE ? .linkLocal : .global
        }
        if self.high == 0, self.low <= 1 { return self.low == 0 ? .unspecified : .loopback }
        switch self.high >> 48 {
        case 0xFE80...0xFEBF: return .linkLocal
        case 0xFF00...0xFFFF: return .multicast
        case 0xFC00...0xFDFF: return .privateNetwork
        default: return .global
        }
    }

    /// Whether it can be a peer at all: it has a port, and is neither unspecified nor multicast.
    public var isUsable: Bool {
        self.port != 0 && self.scope != .unspecified && self.scope != .multicast
    }
}

extension PeerAddress: CustomStringConvertible {
    /// `192.0.2.1:6881` or `[2001:db8::1]:6881` (RFC 5952).
    public var description: String {
        self.ipv4 == nil ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    /// Without the port.
    public var host: String {
        if let ipv4 = self.ipv4 {
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255)"
        }
        let groups = [self.high, self.low].flatMap { word in
            [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
        }
        // The longest run of two or more zero groups becomes `::`, the first of equal ones.
        var best = 0..<0
        var start = 0
        for index in 0...8 {
            if index < 8, groups[index] == 0 { continue }
            if index - start > max(1, best.count) { best = start..<index }
            start = index + 1
        }
        func text(_ part: Range<Int>) -> String {
            part.map { String(groups[$0], radix: 16) }.joined(separator: ":")
        }
        guard !best.isEmpty else { return text(0..<8) }
        return text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
