public import EventIO

/// An HTTP/1.1 server on an event loop, without a thread of its own.
///
/// Decides what is a request at all: framing, sizes, times, the decoding of the path. What a request means
/// is the handler's: all methods reach it, a HEAD as the GET that it is without a body.
public final class HTTPServer: Sendable {
    /// The real one, when 0 was asked for.
    public let port: UInt16

    private let driver: ServerDriver

    /// Listens at once, from any thread; requests are answered while the loop runs.
    ///
    /// `address` is an IPv4 or IPv6 literal; "::" takes both families.
    public init(
        loop: EventLoop, address: String, port: UInt16, handler: any HTTPHandling,
        limits: HTTPServerLimits = HTTPServerLimits()
    ) throws(HTTPServerFailure) {
        let listening = try ListeningSocket(address: address, port: port)
        self.port = listening.port
        self.driver = try ServerDriver(loop: loop, listening: listening, handler: handler, limits: limits)
    }

    deinit { self.stop() }

    /// Stops at the loop's next turn, from any thread and as often as one likes: the port is free, requests that
    /// wait for a later answer get a 503, and connections close. The handler's tasks run on; what they answer
    /// is dropped.
    public func stop() {
        self.driver.loop.post { [driver = self.driver] in driver.stop() }
    }
}
