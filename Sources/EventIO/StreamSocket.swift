import CLinuxIO
import Glibc
public import SwarmTypes

/// What a non-blocking read or write did.
public enum TransferResult: Hashable, Sendable {
    case moved(Int)
    /// Nothing now; the loop says when.
    case wouldBlock
    /// The other side has ended its stream. Only of reads.
    case ended
    case failed(SystemCallFailure)
}

/// A non-blocking TCP connection. Owns its descriptor; to be unwatched before it is dropped.
public struct StreamSocket: ~Copyable {
    public let descriptor: Int32

    /// Takes over a descriptor that is non-blocking already.
    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(self.descriptor) }

    /// Gives the descriptor away.
    consuming func release() -> Int32 {
        let descriptor = self.descriptor
        discard self
        return descriptor
    }

    /// Begins to connect; the socket becomes writable when that has ended, and `connectionFailure` says how.
    /// - Parameter local: the address to dial from, or nil for the system's choice.
    public static func connect(
        to address: PeerAddress, from local: PeerAddress? = nil
    ) throws(SystemCallFailure) -> StreamSocket {
        let socket = try Self.make(isIPv4: address.ipv4 != nil)
        if let local {
            let result = SocketAddress.with(local) { bind(socket.descriptor, $0, $1) }
            guard result == 0 else { throw SystemCallFailure(call: "bind", code: errno) }
        }
        let result = SocketAddress.with(address) { Glibc.connect(socket.descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            throw SystemCallFailure(call: "connect", code: errno)
        }
        return socket
    }

    static func make(isIPv4: Bool) throws(SystemCallFailure) -> StreamSocket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(isIPv4 ? AF_INET : AF_INET6, kind, 0)
        guard descriptor >= 0 else { throw SystemCallFailure(call: "socket", code: errno) }
        return StreamSocket(owning: descriptor)
    }

    /// Sets an option of which failure only costs speed.
    func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(self.descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// No delay of small messages: a request that waits costs a round trip.
    public func setNoDelay() { self.setOption(Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// The loop calls for reading once so many bytes are there, or the stream has ended; 1 at first.
    public func setReceiveLowWater(_ count: Int) {
        self.setOption(SOL_SOCKET, SO_RCVLOWAT, Int32(clamping: count))
    }

    /// How an attempt to connect ended: nil when it is connected.
    public var connectionFailure: SystemCallFailure? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(self.descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
            return SystemCallFailure(call: "getsockopt", code: errno)
        }
        return code == 0 ? nil : SystemCallFailure(call: "connect", code: code)
    }

    public var localAddress: PeerAddress? {
        SocketAddress.read { getsockname(self.descriptor, $0, $1) }.address
    }

    /// Reads at most `buffer.count` bytes, which must not be zero.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> TransferResult {
        while true {
            let count = recv(self.descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .moved(count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(SystemCallFailure(call: "recv", code: errno))
            }
        }
    }

    /// Sends what it can of a list, which must not be empty.
    public func send(_ list: SendList) -> TransferResult {
        var message = msghdr()
        message.msg_iov = list.parts
        message.msg_iovlen = list.count
        while true {
            let count = sendmsg(self.descriptor, &message, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .moved(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(SystemCallFailure(call: "sendmsg", code: errno))
            }
        }
    }

    /// Ends the connection with a reset instead of a farewell, so that the port is free at once.
    public func abort() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
