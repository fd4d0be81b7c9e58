/// Who may use the facade: the same people and keys as everything else in Weir.
public protocol FacadeAccess: Sendable {
    /// Judges a name and a password. `isForwarded`: a proxy passed them on.
    func logIn(
        name: String, password: String, from address: String, isForwarded: Bool
    ) async -> LogInOutcome
    func logOut(session: String)
    /// Whether a request may pass. A session that passes lives on.
    func admits(_ credentials: FacadeCredentials) -> Bool
}

public enum LogInOutcome: Hashable, Sendable {
    /// The new session's secret, for a cookie.
    case granted(session: String)
    /// Nobody has to log in from where the request comes.
    case notNeeded
    case wrong
    /// Too many wrong ones from this address.
    case banned
}

/// What a request brings to be let in.
public struct FacadeCredentials: Hashable, Sendable {
    public var session: String?
    public var bearer: String?
    public var address: String
    /// A proxy passed the request on: it is from elsewhere.
    public var isForwarded = false
    public var changesState: Bool

    public init(session: String? = nil, bearer: String? = nil, address: String, changesState: Bool) {
        self.session = session
        self.bearer = bearer
        self.address = address
        self.changesState = changesState
    }
}
