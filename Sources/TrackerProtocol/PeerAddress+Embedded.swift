public import SwarmTypes

extension PeerAddress {
    /// The scope of the host that a packet ends up at: IPv6 addresses that only carry an IPv4 address to a
    /// translator (RFC 6052, RFC 3056) or in an outdated form (RFC 4291, 2.5.5.1) count as that one.
    public var effectiveScope: AddressScope {
        let carried: UInt64? =
            if self.high == 0x0064_FF9B_0000_0000, self.low >> 32 == 0 {
                self.low
            } else if self.high >> 48 == 0x2002 {
                self.high >> 16
            } else if self.high == 0, self.low >> 32 == 0, self.low > 1 {
                self.low
            } else {
                nil
            }
        guard let carried else { return self.scope }
        return PeerAddress(ipv4: UInt32(truncatingIfNeeded: carried), port: self.port).scope
    }

    /// Whether this host may name that address as a peer. Hosts of the world outside may not name those of our own network,
    /// so that they cannot have us knock at its services.
    public func mayName(_ peer: PeerAddress) -> Bool {
        peer.effectiveScope == .global || self.effectiveScope != .global
    }
}
