public import AccessControl
import HTTPServing

/// Who may ask what, by where the server listens and who asks.
public struct AccessPolicy: Sendable {
    /// What somebody may do who shows neither a session nor a key.
    public enum Guests: Sendable {
        case everything, reading, nothing
    }

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
    /// People and keys; nil where there is only the configured key.
    public var access: (any AccessDeciding)?
    /// As long as there is no user. Nil: everything from this machine; from elsewhere reading.
    public var guests: Guests?

    public init(
        isBoundToLoopback: Bool = true, boundAddress: String = "127.0.0.1", listeningPort: UInt16 = 8089,
        apiKey: String? = nil, allowedHosts: [String] = [], access: (any AccessDeciding)? = nil,
        guests: Guests? = nil
    ) {
        self.isBoundToLoopback = isBoundToLoopback
        self.boundAddress = boundAddress
        self.listeningPort = listeningPort
        self.apiKey = apiKey
        self.allowedHosts = allowedHosts
        self.access = access
        self.guests = guests
    }

    /// As soon as somebody can log in, everybody has to. Who comes through a proxy is not on this machine, although the
    /// proxy may be.
    func guestRule(for request: HTTPRequest) -> Guests {
        if let access, !access.needsSetUp { return .nothing }
        let rule = self.guests ?? (self.isBoundToLoopback ? .everything : .reading)
        return request.isForwarded && rule == .everything ? .nothing : rule
    }
}

/// Knows people and keys.
public protocol AccessDeciding: Sendable {
    /// - Parameter isUse: False for a mere look, which does not let the session live longer.
    func identity(ofSession secret: String, isUse: Bool) -> AccessIdentity?
    func identity(ofKey secret: String) -> AccessIdentity?
    /// Rises with everything that takes somebody's access away.
    var withdrawals: Int { get }
    /// There is nobody yet who could log in.
    var needsSetUp: Bool { get }
    func logIn(name: String, password: String, from address: String) async throws(AccessFailure) -> String
    func logOut(session secret: String)
    func setUp(
        token: String, name: String, password: String, from address: String
    ) async throws(AccessFailure) -> String
    func setPassword(_ password: String, of name: String) async throws(AccessFailure)
    /// Answers a new session; all others of the user end.
    func changePassword(
        of name: String, from old: String, to new: String, address: String
    ) async throws(AccessFailure) -> String
    func sessions(own: String?) -> [AccessSession]
    /// Answers whether there was one.
    func endSession(_ id: String) -> Bool
    var keys: [AccessKey] { get }
    func createKey(
        _ name: String, role: AccessRole, secondsSince1970: Int64
    ) async throws(AccessFailure) -> String
    func revokeKey(_ name: String) async throws(AccessFailure)
}

extension AccessControl: AccessDeciding {
    public var needsSetUp: Bool { self.setUpToken != nil }
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
    /// Gives and takes keys and passwords.
    case admin
    /// For whoever knows the secret in the body: logging in, setting up, and logging out.
    case enter

    var changesState: Bool { self != .none && self != .read }
    /// Against DNS rebinding: a name that an attacker points at us gets no answer to read.
    var needsKnownHost: Bool { self != .hook }
}

extension RouteRight {
    /// Nil: nobody is asked who they are.
    var role: AccessRole? {
        switch self {
        case .none, .enter, .hook: nil
        case .read: .read
        case .control: .control
        case .admin: .admin
        }
    }
}
