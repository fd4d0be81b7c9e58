/// What somebody may do. Each role but `hook` may what the one before it may.
public enum AccessRole: String, Hashable, Sendable, CaseIterable {
    /// Knock at the webhook, and nothing else.
    case hook
    /// See everything.
    case read
    /// Change what torrents, limits and caps do.
    case control
    /// Also give and take keys and passwords.
    case admin

    public func includes(_ needed: AccessRole) -> Bool {
        switch needed {
        case .hook: self == .hook || self == .control || self == .admin
        case .read: self != .hook
        case .control: self == .control || self == .admin
        case .admin: self == .admin
        }
    }
}

/// Who is asking.
public struct AccessIdentity: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case session
        case key
        /// The key of the configuration file.
        case configuredKey
    }

    public var kind: Kind
    /// The user's or the key's.
    public var name: String
    public var role: AccessRole

    public init(kind: Kind, name: String, role: AccessRole) {
        self.kind = kind
        self.name = name
        self.role = role
    }
}

/// Somebody who is logged in, without the secret.
public struct AccessSession: Hashable, Sendable {
    /// Names it, and lets nobody in.
    public var id: String
    public var user: String
    /// From where it was begun.
    public var address: String
    public var ageSeconds: Double
    /// Since it was used last.
    public var idleSeconds: Double
    /// It is the one that asks.
    public var isOwn: Bool

    public init(
        id: String, user: String, address: String, ageSeconds: Double, idleSeconds: Double, isOwn: Bool
    ) {
        self.id = id
        self.user = user
        self.address = address
        self.ageSeconds = ageSeconds
        self.idleSeconds = idleSeconds
        self.isOwn = isOwn
    }
}

/// Why access cannot be given or changed.
public enum AccessFailure: Error, Hashable, Sendable {
    case wrongToken
    case alreadySetUp
    case wrongPassword
    /// Too many failures from one address: again after so many seconds.
    case tooManyAttempts(seconds: Int)
    /// Too many at once.
    case busy
    case passwordTooShort(minimum: Int)
    case passwordTooLong(maximum: Int)
    case badName
    case nameTaken
    case noSuchKey
    case userExists
    case noSuchUser
    /// Nobody could log in any more.
    case lastUser
    case store(String)
}

extension AccessFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongToken: "the set-up token is wrong; Weir wrote the right one to its log"
        case .alreadySetUp: "there is a user already"
        case .wrongPassword: "the name or the password is wrong"
        case .tooManyAttempts(let seconds): "too many failed attempts; try again in \(seconds) s"
        case .busy: "too many people log in at once; try again in a moment"
        case .passwordTooShort(let minimum): "the password needs at least \(minimum) characters"
        case .passwordTooLong(let maximum): "the password may have at most \(maximum) bytes"
        case .badName: "a name has 1 to 64 letters, digits, points, hyphens or underscores"
        case .nameTaken: "there is a key of that name"
        case .noSuchKey: "there is no such key"
        case .userExists: "there is a user of that name; `weir user password` gives a new password"
        case .noSuchUser: "there is no such user"
        case .lastUser:
            "that is the last user: nobody could log in any more, and a new set-up token would be written to the log. --force does it"
        case .store(let words): words
        }
    }
}
