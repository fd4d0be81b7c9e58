import CLinuxIO
import Glibc
import SwarmTypes

/// An address as the system's calls take it.
enum SocketAddress {
    /// Calls `body` with the address as IPv4, or as IPv6 when it has no IPv4 form.
    static func with<Result>(
        _ address: PeerAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        if let ipv4 = address.ipv4 {
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = address.port.bigEndian
            raw.sin_addr.s_addr = ipv4.bigEndian
            return withUnsafePointer(to: raw) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var raw = sockaddr_in6()
        raw.sin6_family = sa_family_t(AF_INET6)
        raw.sin6_port = address.port.bigEndian
        withUnsafeMutableBytes(of: &raw.sin6_addr) { bytes in
            bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafePointer(to: raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    /// Calls `fill` with room for any address, and reads what it has put there; nil when it is neither IPv4 nor IPv6.
    static func read(_ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32)
        -> (result: Int32, address: PeerAddress?)
    {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
        }
        guard result >= 0 else { return (result, nil) }
        return (result, Self.address(of: storage))
    }

    private static func address(of storage: sockaddr_storage) -> PeerAddress? {
        withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let raw = bytes.load(as: sockaddr_in.self)
                return PeerAddress(
                    ipv4: UInt32(bigEndian: raw.sin_addr.s_addr), port: UInt16(bigEndian: raw.sin_port))
            case AF_INET6:
                let raw = bytes.load(as: sockaddr_in6.self)
                let (high, low) = withUnsafeBytes(of: raw.sin6_addr) {
                    ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                }
                return PeerAddress(
                    high: UInt64(bigEndian: high), low: UInt64(bigEndian: low),
                    port: UInt16(bigEndian: raw.sin6_port))
            default:
                return nil
            }
        }
    }
}
