import Glibc
public import SwarmTypes

/// Tells the service manager how we are (sd_notify(3)): one datagram to the socket it named in NOTIFY_SOCKET.
public enum ServiceNotification {
    public enum Outcome: Equatable, Sendable {
        case sent
        /// No service manager asked for it.
        case notAskedFor
        case failed(SystemCallFailure)
    }

    /// What there is to tell.
    public enum State: Hashable, Sendable {
        /// It serves; the words are for people. Ends a reload, too.
        case ready(String)
        /// It reads its configuration again, from this moment of the monotonic clock on.
        case reloading(at: Instant)
        case stopping
        /// Nothing hangs: for the watchdog.
        case alive

        /// Lines of NAME=VALUE; a line break in the words begins none.
        public var text: String {
            switch self {
            case .ready(let words):
                "READY=1\nSTATUS="
                    + String(String.UnicodeScalarView(words.unicodeScalars.filter { $0.value >= 0x20 }))
            case .reloading(let now): "RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)"
            case .stopping: "STOPPING=1\nSTATUS=Giving limits back and telling trackers"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    /// How often the service manager wants to hear that nothing hangs; nil when it does not, or asks another process.
    public static func watchdogSeconds(
        _ microseconds: String? = variable("WATCHDOG_USEC"),
        forProcess process: String? = variable("WATCHDOG_PID")
    ) -> Double? {
        if let process, process != "\(getpid())" { return nil }
        guard let microseconds, let number = Int64(microseconds), number > 0 else { return nil }
        return Double(number) / 1e6
    }

    public static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// `socket` is for tests; a leading "@" stands for the abstract name space. Never waits.
    @discardableResult
    public static func send(_ state: State, to socket: String? = namedSocket()) -> Outcome {
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
        let bytes = Array(state.text.utf8)
        let count = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, length)
            }
        }
        return count == bytes.count ? .sent : .failed(SystemCallFailure(call: "sendto", code: errno))
    }

    public static func namedSocket() -> String? { self.variable("NOTIFY_SOCKET") }
}
