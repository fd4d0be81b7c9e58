public import HTTPFetching
public import SwarmTypes
public import TrackerProtocol

/// What a tracker client is told at its start.
public struct TrackerClientSettings: Sendable {
    /// Such as `Weir/0.1.0`: private trackers admit clients by it.
    public var userAgent: String
    /// Which certificates of HTTPS trackers are believed.
    public var trust: FetchTrust
    public var limits: RequestQueue.Limits
    /// For a whole HTTP exchange, and for its connect.
    public var timeoutSeconds: Double
    public var connectTimeoutSeconds: Double
    public var udpTiming: UDPTiming
    /// Finds the addresses of a host, in the order in which they are to be tried, the ports 0. Called on a thread of
    /// its own, and may block.
    public var lookUp: NameLookUp

    public init(
        userAgent: String, trust: FetchTrust = FetchTrust(), limits: RequestQueue.Limits = .init(),
        timeoutSeconds: Double = 30, connectTimeoutSeconds: Double = 10, udpTiming: UDPTiming = .prompt,
        lookUp: @escaping NameLookUp = systemLookUp
    ) {
        self.userAgent = userAgent
        self.trust = trust
        self.limits = limits
        self.timeoutSeconds = timeoutSeconds
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.udpTiming = udpTiming
        self.lookUp = lookUp
    }
}

public typealias NameLookUp = @Sendable (_ host: String) -> Result<[PeerAddress], NameFailure>

/// Why a host has no address; in the system's words.
public struct NameFailure: Error, Hashable, Sendable {
    public var words: String

    public init(_ words: String) { self.words = words }
}
