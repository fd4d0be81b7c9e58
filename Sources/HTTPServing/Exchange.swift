import CMicrohttpd
import SwarmTypes

/// One client connection, from accept to close.
final class ClientConnection {
    let socket: Int32
    let peerAddress: String
    /// When it is cut off unless something happens before. Nil while the handler works on a request.
    var deadline: Instant?

    init(_ connection: OpaquePointer, deadline: Instant) {
        self.socket = weir_mhd_socket(connection)
        self.peerAddress = addressText(weir_mhd_client_address(connection))
        self.deadline = deadline
    }
}

/// One request and its response on a connection.
final class Exchange {
    enum Phase {
        /// Only the request line is known. Leaves to: receiving, refusing.
        case begun
        /// Leaves to: refusing, suspended, streaming, answered.
        case receiving(maximumBytes: Int)
        /// The rest of the body is dropped. Leaves to: answered.
        case refusing(HTTPResponse, discardedBytes: Int, maximumBytes: Int = maximumDiscardedBytes)
        /// The handler answers later. Leaves to: ready, closed.
        case suspended(key: UInt64)
        /// Leaves to: answered.
        case ready(HTTPResponse)
        /// The library has the head, and asks for the body as it can send it. Leaves to: closed.
        case streaming(ResponseStream)
        /// The response is the library's. Leaves to: closed.
        case answered
        /// The library has forgotten this exchange, and so must we.
        case closed
    }

    let connection: OpaquePointer
    let client: ClientConnection
    /// Nil when the request line makes no sense.
    let target: RequestTarget?
    /// The address behind the last byte of the raw target.
    private let endOfTarget: UInt
    var phase = Phase.begun
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    init(connection: OpaquePointer, client: ClientConnection, target: RequestTarget?, endOfTarget: UInt) {
        self.connection = connection
        self.client = client
        self.target = target
        self.endOfTarget = endOfTarget
    }

    /// Whether something stands between the target and the version in the request line.
    ///
    /// The library hands the target over as a C string, so a NUL in it hides the rest. The version is found from
    /// the right in the same buffer, and follows a whole target after one space.
    func isTargetCut(version: UInt) -> Bool {
        self.endOfTarget + 1 < version && version - self.endOfTarget < 1 << 20
    }

    /// Reads the headers. Answers false when there are more than allowed.
    func readHeaders(maximum: Int) -> Bool {
        var reader = HeaderReader(maximum: maximum)
        withUnsafeMutablePointer(to: &reader) { context in
            _ = MHD_get_connection_values_n(
                self.connection, .HEADER_KIND,
                { context, _, name, nameLength, value, valueLength in
                    guard let reader = context?.assumingMemoryBound(to: HeaderReader.self) else { return .NO }
                    return reader.pointee.take(
                        UnsafeRawBufferPointer(start: name, count: nameLength),
                        UnsafeRawBufferPointer(start: value, count: valueLength)) ? .YES : .NO
                }, context)
        }
        self.headers = reader.headers
        return !reader.isOverfull
    }

    func header(_ name: String) -> String? {
        self.headers.first { $0.name == name }?.value
    }
}

private struct HeaderReader {
    let maximum: Int
    var headers: [(name: String, value: String)] = []
    var isOverfull = false

    init(maximum: Int) {
        self.maximum = maximum
        self.headers.reserveCapacity(8)
    }

    mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard self.headers.count < self.maximum else {
            self.isOverfull = true
            return false
        }
        let lowered = String(unsafeUninitializedCapacity: name.count) { buffer in
            for (index, byte) in name.enumerated() {
                buffer[index] = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
            }
            return name.count
        }
        self.headers.append((lowered, String(decoding: value, as: UTF8.self)))
        return true
    }
}
