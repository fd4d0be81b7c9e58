/// The calls that this client makes, by their place under `/api/v2/`.
public enum Endpoint: String, CaseIterable, Hashable, Sendable {
    case login = "auth/login"
    case version = "app/version"
    case webAPIVersion = "app/webapiVersion"
    case preferences = "app/preferences"
    case setPreferences = "app/setPreferences"
    case mainData = "sync/maindata"
    case torrents = "torrents/info"
    case trackers = "torrents/trackers"
    case setUploadLimit = "torrents/setUploadLimit"
    case uploadLimit = "torrents/uploadLimit"
    case transfer = "transfer/info"
}

/// What was called and came of it, since the client was made.
public struct CallCount: Hashable, Sendable {
    public var calls = 0
    /// Calls without an answer, or with a status other than 2xx.
    public var failures = 0
    /// Of the answers' bodies, after decompression.
    public var bytes = 0

    public init() {}
}
