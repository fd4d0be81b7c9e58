import Glibc

/// Why a server does not listen. Each case carries the address and port it was asked for.
public enum HTTPServerFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another program listens there.
    case addressInUse(String)
    /// Not an IPv4 or IPv6 literal, or not an address of this machine.
    case addressInvalid(String)
    /// A port below 1024 without the right to it, or a sandbox.
    case notPermitted(String)
    case other(String, call: String, code: Int32)

    public var description: String {
        switch self {
        case .addressInUse(let place): "\(place) is in use by another program"
        case .addressInvalid(let place): "\(place) is not an address of this machine"
        case .notPermitted(let place): "not permitted to listen on \(place)"
        case .other(let place, let call, let code):
            "cannot listen on \(place): \(call): \(String(cString: strerror(code)))"
        }
    }
}

/// A bound TCP socket in the listening state, closed with its owner.
struct ListeningSocket: ~Copyable {
    let descriptor: Int32
    let port: UInt16

    /// Port 0 takes a free one. The address "::" takes IPv4 as well.
    init(address: String, port: UInt16) throws(HTTPServerFailure) {
        let place = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, String(port), &hints, &found) == 0, let found else {
            throw .addressInvalid(place)
        }
        defer { freeaddrinfo(found) }

        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(found.pointee.ai_family, kind, 0)
        guard descriptor >= 0 else { throw Self.failure("socket", at: place) }
        do throws(HTTPServerFailure) {
            self.port = try Self.listen(descriptor, on: found.pointee, place)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    private static func listen(
        _ descriptor: Int32, on address: addrinfo, _ place: String
    ) throws(HTTPServerFailure) -> UInt16 {
        var (on, off) = (1 as Int32, 0 as Int32)
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if address.ai_family == AF_INET6 {
            setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &off, size)
        }
        guard bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            throw self.failure("bind", at: place)
        }
        guard Glibc.listen(descriptor, 512) == 0 else { throw self.failure("listen", at: place) }

        var bound = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let answer = withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard answer == 0 else { throw self.failure("getsockname", at: place) }
        return withUnsafePointer(to: &bound) { pointer in
            // The port stands at the same place for both families.
            pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }

    private static func failure(_ call: String, at place: String) -> HTTPServerFailure {
        switch errno {
        case EADDRINUSE: .addressInUse(place)
        case EADDRNOTAVAIL, EAFNOSUPPORT: .addressInvalid(place)
        case EACCES, EPERM: .notPermitted(place)
        case let code: .other(place, call: call, code: code)
        }
    }
}
