import CLinuxIO
import Glibc

/// Buffers to be sent in one call, in order. It does not own them: they must live until they are sent.
public final class SendList {
    /// Of buffers; far below the system's limit of 1024.
    public static let capacity = 64

    let parts: UnsafeMutablePointer<iovec>
    public private(set) var count = 0
    /// Of bytes.
    public private(set) var byteCount = 0

    public init() { self.parts = .allocate(capacity: Self.capacity) }

    deinit { self.parts.deallocate() }

    public var isEmpty: Bool { self.count == 0 }
    public var isFull: Bool { self.count == Self.capacity }

    /// The list must not be full.
    public func append(_ buffer: UnsafeRawBufferPointer) {
        precondition(!self.isFull, "a send list was overfilled")
        guard buffer.count > 0 else { return }
        // The system only reads from it, whatever `iovec` says.
        self.parts[self.count] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
        self.count += 1
        self.byteCount += buffer.count
    }

    public func removeAll() {
        self.count = 0
        self.byteCount = 0
    }
}
