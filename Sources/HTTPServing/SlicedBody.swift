import CMicrohttpd
import SwarmTypes

/// A body that is made while it is sent, so that thirty thousand rows are in memory a slice at a time.
///
/// Asked on the server's loop: a slice must be made within a millisecond or so, and holds some ten thousand bytes.
public protocol HTTPBodySlicing: AnyObject, Sendable {
    /// The next bytes; empty at the end. Never asked again after that, nor by two at once.
    func nextSlice() -> [UInt8]
}

/// A response of slices, or one that is long, as the library asks for it.
final class SlicedBody {
    private let source: (any HTTPBodySlicing)?
    private let client: ClientConnection
    private unowned let driver: ServerDriver
    private var slice: [UInt8]
    private var sent = 0

    init(_ response: HTTPResponse, _ client: ClientConnection, _ driver: ServerDriver) {
        self.source = response.slices
        self.slice = response.body
        self.client = client
        self.driver = driver
    }

    /// Nil at the end.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int? {
        if self.sent == self.slice.count {
            self.slice = self.source?.nextSlice() ?? []
            self.sent = 0
            if self.slice.isEmpty { return nil }
        }
        let count = min(buffer.count, self.slice.count - self.sent)
        buffer[..<count].copyBytes(from: self.slice[self.sent..<self.sent + count])
        self.sent += count
        // Who reads on is not cut off, however long it is in all.
        self.client.deadline = self.driver.now.advanced(bySeconds: self.driver.limits.responseSeconds)
        return count
    }
}

extension ServerDriver {
    /// Longer bodies are not copied by the library.
    static let longestCopied = 64 * 1024

    /// What the library asks for piece by piece; nil when it is out of memory.
    func handle(for response: HTTPResponse, _ client: ClientConnection) -> OpaquePointer? {
        let context = Unmanaged.passRetained(SlicedBody(response, client, self))
        let length = response.slices == nil ? UInt64(response.body.count) : UInt64.max
        let handle = MHD_create_response_from_callback(
            length, 32 * 1024, readSlices, context.toOpaque(), releaseSlices)
        if handle == nil { context.release() }
        return handle
    }
}

private func readSlices(
    context: UnsafeMutableRawPointer?, position: UInt64, buffer: UnsafeMutablePointer<CChar>?, maximum: Int
) -> Int {
    // `MHD_CONTENT_READER_END_OF_STREAM`.
    guard let context, let buffer else { return -1 }
    let body = Unmanaged<SlicedBody>.fromOpaque(context).takeUnretainedValue()
    return body.fill(UnsafeMutableRawBufferPointer(start: buffer, count: maximum)) ?? -1
}

private func releaseSlices(context: UnsafeMutableRawPointer?) {
    guard let context else { return }
    Unmanaged<SlicedBody>.fromOpaque(context).release()
}
