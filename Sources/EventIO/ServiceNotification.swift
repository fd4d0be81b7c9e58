import Glibc

/// Tells the service manager how we are (sd_notify(3)): one datagram to the socket it named in NOTIFY_SOCKET.
public enum ServiceNotification {
    public enum Outcome: Equatable, Sendable {
        case sent
        /// No service manager asked for it.
        case notAskedFor
        case failed(SystemCallFailure)
    }

    /// `state` is lines such as "READY=1", "STOPPING=1", "STATUS=…". `socket` is for tests; a leading "@"
    /// stands for the abstract name space.
    @discardableResult
    public static func send(_ state: String, to socket: String? = namedSocket()) -> Outcome {
        guard let socket, !socket.isEmpty else { return .notAskedFor }
        var name = Array(socket.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }

        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            return .failed(SystemCallFailure(call: "connect", code: ENAMETOOLONG))
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        // The length counts, because an abstract name is not ended by a NUL.
        let length = socklen_t(MemoryLayout.size(ofValue: address.sun_family) + name.count)

        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .failed(SystemCallFailure(call: "socket", code: errno)) }
        defer { close(descriptor) }
        let bytes = Array(state.utf8)
        let count = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return count == bytes.count ? .sent : .failed(SystemCallFailure(call: "sendto", code: errno))
    }

    public static func namedSocket() -> String? { getenv("NOTIFY_SOCKET").map { String(cString: $0) } }
}
