public import SwarmTypes

/// How a server's certificate is judged.
public struct FetchTrust: Hashable, Sendable {
    /// A PEM file with the authorities to believe instead of the system's.
    public var authorityFile: String?
    /// False switches verification off, for this one server only.
    public var isVerified: Bool

    public init(authorityFile: String? = nil, isVerified: Bool = true) {
        self.authorityFile = authorityFile
        self.isVerified = isVerified
    }
}

/// One request to a foreign HTTP server. Only `http` and `https` are followed, redirects never.
public struct FetchRequest: Sendable {
    public enum Method: String, Sendable { case get = "GET", post = "POST" }
    public enum IPVersion: Sendable { case any, ipv4, ipv6 }

    public var method: Method
    /// Absolute, already percent-encoded.
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    public var connectTimeoutSeconds: Double
    /// For the whole exchange.
    public var timeoutSeconds: Double
    /// The longest body taken, counted after decompression; a longer one fails with `bodyTooLong`.
    public var maximumBodyBytes: Int
    public var trust: FetchTrust
    /// Whether it may be sent again by itself when a connection that was kept open breaks before anything of
    /// an answer has come. The server may have acted on the first one.
    public var isRepeatable: Bool
    /// Of the addresses of the host, those that are tried.
    public var ipVersion: IPVersion
    /// Whether an address may be talked to: asked on the fetcher's loop for each address of the host before it is
    /// connected to, and again for each request that goes out. Nil allows all. A proxy plays no part.
    public var mayReach: (@Sendable (PeerAddress) -> Bool)?

    public init(
        method: Method = .get, url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        connectTimeoutSeconds: Double = 10, timeoutSeconds: Double = 30, maximumBodyBytes: Int = 1 << 20,
        trust: FetchTrust = FetchTrust(), isRepeatable: Bool = true,
        ipVersion: IPVersion = .any, mayReach: (@Sendable (PeerAddress) -> Bool)? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.timeoutSeconds = timeoutSeconds
        self.maximumBodyBytes = maximumBodyBytes
        self.trust = trust
        self.isRepeatable = isRepeatable
        self.ipVersion = ipVersion
        self.mayReach = mayReach
    }
}

public struct FetchResponse: Sendable {
    public var status: Int
    /// Names in lower case, in the order of arrival.
    public var headers: [(name: String, value: String)]
    /// Empty when a sink took the body.
    public var body: [UInt8]
    /// Whom we talked to.
    public var remoteAddress: PeerAddress?

    public init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        remoteAddress: PeerAddress? = nil
    ) {
        self.remoteAddress = remoteAddress
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that (lower-case) name.
    public func header(_ name: String) -> String? {
        self.headers.first { $0.name == name }?.value
    }
}

/// Why there is no complete response. Any status, even 500, is a response.
public enum FetchFailure: Error, Hashable, Sendable {
    case invalidURL(String)
    case hostNotFound(String)
    case connectionRefused
    case unreachable(String)
    case timedOut(afterSeconds: Double)
    case untrusted(String)
    /// The request's `mayReach` allows no address of the host; this is one of them.
    case addressRefused(PeerAddress)
    /// The connection ended before the body was complete.
    case truncated
    case bodyTooLong(maximum: Int)
    /// The sink refused the body.
    case refusedBySink
    case cancelled
    case other(code: Int32, message: String)
}

/// Takes a body piece by piece, as it arrives and already decompressed. It is called on the fetcher's event
/// loop, and for a response of status 200 only; any other body is collected into `FetchResponse.body`.
public protocol BodySink: AnyObject, Sendable {
    /// Answers false to end the exchange with `refusedBySink`.
    func receive(_ bytes: Span<UInt8>) -> Bool
}

/// Sends HTTP requests. The consumer's side of `HTTPFetcher`, so that tests can script the answers.
public protocol Fetching: Sendable {
    func fetch(_ request: FetchRequest, into sink: (any BodySink)?) async throws(FetchFailure)
        -> FetchResponse
}
