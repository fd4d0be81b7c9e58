/// What strangers may use of a server.
public struct HTTPServerLimits: Sendable {
    public var connections: Int
    /// Holds the request line and all headers; a request with more is answered with 431 or 414.
    public var memoryPerConnection: Int
    /// A connection without any traffic is closed after so long.
    public var idleSeconds: Int
    /// A request must be complete so long after its connection could have begun it, however it trickles in.
    public var requestSeconds: Double
    /// A response must be taken in so long.
    public var responseSeconds: Double
    /// A request with more headers is answered with 431.
    public var headers: Int
    /// Responses that grow, at the same time; one more is answered with 503.
    public var streams: Int
    /// What may wait for a reader of such a response before it is cut off.
    public var waitingBytesPerStream: Int

    public init(
        connections: Int = 2048, memoryPerConnection: Int = 16 * 1024, idleSeconds: Int = 30,
        requestSeconds: Double = 30, responseSeconds: Double = 120, headers: Int = 64,
        streams: Int = 1024, waitingBytesPerStream: Int = 1 << 20
    ) {
        self.connections = connections
        self.memoryPerConnection = memoryPerConnection
        self.idleSeconds = idleSeconds
        self.requestSeconds = requestSeconds
        self.responseSeconds = responseSeconds
        self.headers = headers
        self.streams = streams
        self.waitingBytesPerStream = waitingBytesPerStream
    }
}

/// A longer body is kept only of who may bring it.
let unquestionedBodyBytes = 64 * 1024

/// A request body that was not asked for is read and dropped up to this much, so that the client gets to read
/// the refusal; a longer one ends the connection.
let maximumDiscardedBytes = 256 * 1024
