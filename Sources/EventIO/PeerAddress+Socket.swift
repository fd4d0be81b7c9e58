public import Glibc
public import SwarmTypes

/// Addresses as system calls take and give them.
extension PeerAddress {
    /// Reads a `sockaddr` of so many bytes; nil for any other family than the two of the Internet.
    public init?(_ address: UnsafeRawPointer, length: Int) {
        guard length >= MemoryLayout<sa_family_t>.size else { return nil }
        switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let ipv4 = address.loadUnaligned(as: sockaddr_in.self)
            self.init(
                ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr), port: UInt16(bigEndian: ipv4.sin_port))
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let ipv6 = address.loadUnaligned(as: sockaddr_in6.self)
            let words = withUnsafeBytes(of: ipv6.sin6_addr) { bytes in
                (
                    bytes.loadUnaligned(as: UInt64.self),
                    bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            self.init(
                high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1),
                port: UInt16(bigEndian: ipv6.sin6_port))
        default: return nil
        }
    }

    /// The family of sockets that reach it: AF_INET for an IPv4 address, else AF_INET6.
    public var socketFamily: Int32 { self.ipv4 == nil ? AF_INET6 : AF_INET }

    /// Calls `body` with the `sockaddr` of that family.
    public func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if let ipv4 = self.ipv4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = self.port.bigEndian
            address.sin_addr.s_addr = ipv4.bigEndian
            return withUnsafeBytes(of: &address) { Self.bind($0, body) }
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = self.port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            bytes.storeBytes(of: self.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: self.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafeBytes(of: &address) { Self.bind($0, body) }
    }

    private static func bind<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        guard let start = bytes.baseAddress else { preconditionFailure("a sockaddr is not empty") }
        return start.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(bytes.count)) }
    }
}
