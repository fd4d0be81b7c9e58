/// A request as a handler sees it: complete, within the limits, already decoded.
public struct HTTPRequest: Sendable {
    public var method: String
    /// Percent-decoded once, without the query; begins with "/".
    public var path: String
    /// In order, percent-decoded, repeated names kept.
    public var query: [(name: String, value: String)]
    /// Names in lower case.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// The client's address without port, such as "127.0.0.1" or "::1"; that of a proxy unless a trusted one says more.
    public var peerAddress: String
    /// What was taken off the path, such as "/weir"; empty where nothing was.
    public var basePath = ""
    /// Somebody passed it on, so it may come from anywhere, whatever its address is.
    public var isForwarded = false
    /// A trusted proxy says that the client speaks https with it.
    public var isSecure = false
    /// The Host header is the one that the client sent to a trusted proxy.
    public var hasOuterHost = false

    public init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = [], peerAddress: String = "127.0.0.1"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peerAddress = peerAddress
    }

    /// The first header of that (lower-case) name.
    public func header(_ name: String) -> String? {
        self.headers.first { $0.name == name }?.value
    }
}

public struct HTTPResponse: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// What follows the body, made while it is sent; nil when that is all.
    public var slices: (any HTTPBodySlicing)?

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A handler's answer.
public enum HTTPAnswer: Sendable {
    /// Ready on the spot, without leaving the event loop.
    case now(HTTPResponse)
    /// Ready later; the connection waits suspended and costs no thread.
    case later(@Sendable () async -> HTTPResponse)
    /// Grows while it is sent. The head goes out with its body as the beginning, and the stream is given away on the event
    /// loop; never for a HEAD.
    case streaming(HTTPResponse, @Sendable (ResponseStream) -> Void)
}

/// Answers requests. Called on the server's event loop: what takes long belongs into `.later`.
public protocol HTTPHandling: Sendable {
    /// The longest body to take for this request, decided from its method and path alone; a longer one is
    /// answered with 413 and never stored.
    func maximumBodyBytes(method: String, path: String) -> Int

    /// Asked before a long body is read, of a request without it: the refusal that it gets whatever it brings, as that of
    /// somebody who may not come in. Nil: it is read.
    func earlyRefusal(of head: HTTPRequest) -> HTTPResponse?

    func answer(_ request: HTTPRequest) -> HTTPAnswer
}

extension HTTPHandling {
    public func earlyRefusal(of head: HTTPRequest) -> HTTPResponse? { nil }
}
