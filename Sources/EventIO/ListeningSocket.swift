import CLinuxIO
import Glibc
public import SwarmTypes

/// A TCP socket that takes connections. Owns its descriptor; to be unwatched before it is dropped.
public struct ListeningSocket: ~Copyable {
    public let descriptor: Int32
    /// With the port that the system chose, where 0 was asked for.
    public let address: PeerAddress

    public init(_ address: PeerAddress, backlog: Int32 = 1024) throws(SystemCallFailure) {
        let socket = try StreamSocket.make(isIPv4: address.ipv4 != nil)
        socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        // The two families listen apart, each on an own socket.
        if address.ipv4 == nil { socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        guard SocketAddress.with(address, { bind(socket.descriptor, $0, $1) }) == 0 else {
            throw SystemCallFailure(call: "bind", code: errno)
        }
        guard listen(socket.descriptor, backlog) == 0 else {
            throw SystemCallFailure(call: "listen", code: errno)
        }
        let bound = socket.localAddress ?? address
        self.address = bound
        self.descriptor = socket.release()
    }

    deinit { close(self.descriptor) }

    public enum Arrival: ~Copyable {
        case connection(StreamSocket, from: PeerAddress)
        case none
        case failed(SystemCallFailure)
    }

    /// Takes one waiting connection.
    public func accept() -> Arrival {
        while true {
            let (descriptor, address) = SocketAddress.read { pointer, length in
                weir_accept(self.descriptor, pointer, length)
            }
            if descriptor >= 0 {
                let socket = StreamSocket(owning: descriptor)
                // A connection of neither family cannot come from our own socket.
                guard let address else { continue }
                return .connection(socket, from: address)
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return .none
            default: return .failed(SystemCallFailure(call: "accept4", code: errno))
            }
        }
    }
}
