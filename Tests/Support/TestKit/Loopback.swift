import Glibc

/// A blocking TCP connection on loopback, for tests that speak a protocol by hand. A read gives up after
/// ten seconds.
public final class TCPConnection: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Nil when nobody listens there.
    public convenience init?(toPort port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let answer = withLoopbackAddress(port) { connect(descriptor, $0, $1) }
        guard answer == 0 else {
            close(descriptor)
            return nil
        }
        self.init(descriptor: descriptor)
    }

    deinit { close(self.descriptor) }

    /// Answers false when the other side is gone.
    @discardableResult
    public func send(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    self.descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    public func send(_ text: String) -> Bool { self.send(Array(text.utf8)) }

    /// What has come, at least one byte; empty at the end, nil after an error.
    public func receive(atMost count: Int = 65536) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = recv(self.descriptor, &buffer, count, 0)
        return received < 0 ? nil : Array(buffer.prefix(received))
    }

    /// Everything until the other side closes, or an error.
    public func receiveAll() -> String {
        var bytes: [UInt8] = []
        while let more = self.receive(), !more.isEmpty { bytes.append(contentsOf: more) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads until `text` has come; answers all that came.
    public func receive(until text: String) -> String {
        var bytes: [UInt8] = []
        let end = Array(text.utf8)
        while !bytes.suffix(end.count).elementsEqual(end), let more = self.receive(atMost: 1), !more.isEmpty {
            bytes.append(contentsOf: more)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    public func finishSending() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// Makes the close a reset.
    public func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}

/// Listens on a free port of 127.0.0.1 and plays one script to each connection, one after another, on a
/// thread of its own.
public final class ScriptedServer: Sendable {
    public let port: UInt16
    private let descriptor: Int32
    private let script: @Sendable (TCPConnection) -> Void

    public init(_ script: @escaping @Sendable (TCPConnection) -> Void) {
        self.script = script
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = listening
        var bound = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = withLoopbackAddress(0) { bind(listening, $0, $1) }
        precondition(answer == 0 && listen(listening, 64) == 0, "loopback is not usable")
        withUnsafeMutablePointer(to: &bound) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(listening, $0, &length)
            }
        }
        self.port = UInt16(bigEndian: bound.sin_port)

        final class Player: Sendable {
            let descriptor: Int32
            let script: @Sendable (TCPConnection) -> Void
            init(_ descriptor: Int32, _ script: @escaping @Sendable (TCPConnection) -> Void) {
                (self.descriptor, self.script) = (descriptor, script)
            }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let player = Unmanaged<Player>.fromOpaque(context).takeRetainedValue()
                while true {
                    let accepted = accept(player.descriptor, nil, nil)
                    guard accepted >= 0 else { break }
                    player.script(TCPConnection(descriptor: accepted))
                }
                close(player.descriptor)
                return nil
            }, Unmanaged.passRetained(Player(listening, script)).toOpaque())
        pthread_detach(thread)
    }

    /// The thread ends, and closes the socket, when its `accept` fails.
    deinit { shutdown(self.descriptor, Int32(SHUT_RDWR)) }
}

private func withLoopbackAddress(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}
