/// Who may ask what, by where the server listens.
public struct AccessPolicy: Sendable {
    /// Whether only this machine can reach the server. Elsewhere a key is needed for everything that changes
    /// state, except the webhook.
    public var isBoundToLoopback: Bool
    /// As configured, such as "127.0.0.1", "::1" or "192.168.1.5".
    public var boundAddress: String
    public var listeningPort: UInt16
    /// Nil or empty: nothing can change state from elsewhere.
    public var apiKey: String?
    /// Further names by which people reach the server, as through a proxy: "weir.example" (at our port or
    /// without one) or "weir.example:8443".
    public var allowedHosts: [String]

    public init(
        isBoundToLoopback: Bool = true, boundAddress: String = "127.0.0.1", listeningPort: UInt16 = 8089,
        apiKey: String? = nil, allowedHosts: [String] = []
    ) {
        self.isBoundToLoopback = isBoundToLoopback
        self.boundAddress = boundAddress
        self.listeningPort = listeningPort
        self.apiKey = apiKey
        self.allowedHosts = allowedHosts
    }
}

/// What a route does, and so what is asked of its caller.
public enum RouteRight: String, CaseIterable, Sendable {
    /// Says nothing that matters and changes nothing.
    case none
    case read
    /// A hint that may come from a script in another container, under whatever name that has for us: neither
    /// key nor known `Host`, but never from a web page.
    case hook
    /// Changes state.
    case control

    var changesState: Bool { self == .hook || self == .control }
    /// Against DNS rebinding: a name that an attacker points at us gets no answer to read.
    var needsKnownHost: Bool { self != .hook }
}
