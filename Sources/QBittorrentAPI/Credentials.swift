/// How to log in. No description of it shows a secret.
public enum Credentials: Hashable, Sendable {
    /// The server asks for none (loopback or a trusted subnet may be exempt).
    case none
    case password(user: String, password: String)
    /// `Authorization: Bearer`, from qBittorrent 5.2.
    case apiKey(String)
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        switch self {
        case .none: "no credentials"
        case .password(let user, _): "user \(user), password hidden"
        case .apiKey: "API key, hidden"
        }
    }

    public var debugDescription: String { self.description }

    public var customMirror: Mirror { Mirror(self, children: [] as [Mirror.Child]) }
}
