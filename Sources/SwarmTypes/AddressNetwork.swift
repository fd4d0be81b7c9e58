/// The addresses that share a beginning: `10.0.0.0/8`, `fd00::/8`, or a single one.
public struct AddressNetwork: Hashable, Sendable {
    /// Of the mapped IPv6 address, as `PeerAddress` keeps it; what is behind the prefix is zero.
    private let high: UInt64
    private let low: UInt64
    private let bits: Int

    /// Reads an address, or an address, a slash and the length of the prefix. Bits behind the prefix do not matter.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = PeerAddress(host: first, port: 0) else { return nil }
        let width = first.contains(":") ? 128 : 32
        var length = width
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard !digits.isEmpty, digits.count <= 3,
                digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
                let number = Int(parts[1]), number <= width
            else { return nil }
            length = number
        }
        self.bits = length + 128 - width
        self.high = address.high & Self.mask(self.bits)
        self.low = address.low & Self.mask(self.bits - 64)
    }

    public func contains(_ address: PeerAddress) -> Bool {
        address.high & Self.mask(self.bits) == self.high
            && address.low & Self.mask(self.bits - 64) == self.low
    }

    /// So many ones from the left; a shift by the whole width gives zero.
    private static func mask(_ bits: Int) -> UInt64 { UInt64.max << UInt64(64 - min(64, max(0, bits))) }
}
