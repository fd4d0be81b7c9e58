import ConfigFile

/// How Weir shows a client who it is.
public enum InstanceCredentials: Hashable, Sendable {
    case login(username: String, password: String)
    /// qBittorrent 5.2 and later.
    case apiKey(String)
}

/// How an instance's certificate is checked; for https only.
public struct TLSSettings: Hashable, Sendable {
    /// Certificates to trust beside the system's, in PEM.
    public var caFile: String?
    public var verifies = true

    public init() {}
}

/// One governed qBittorrent: the section `qbittorrent`, or an item of it.
public struct InstanceSettings: Hashable, Sendable {
    public static let defaultName = "default"

    public var name = Self.defaultName
    /// Wins over `host` and `port`, which are Qguardarr's way to say the same.
    public var url: InstanceAddress?
    public var host = "localhost"
    public var port = 8080
    public var username: String?
    public var password: String?
    public var apiKey: String?
    public var timeoutSeconds = 30
    public var tls = TLSSettings()

    public init() {}

    public var address: InstanceAddress {
        self.url ?? InstanceAddress(host: bareHost(self.host), port: self.port)
    }

    /// An API key wins; loaded settings have either.
    public var credentials: InstanceCredentials {
        if let key = self.apiKey { return .apiKey(key) }
        return .login(username: self.username ?? "", password: self.password ?? "")
    }
}

extension InstanceSettings {
    static let keys: [ConfigKey<InstanceSettings>] = [
        .value(
            "name", \.name, identifier,
            help: "What Weir calls it; each of several needs its own."),
        .value(
            "url", \.url, .optional(InstanceAddress.kind), .essential,
            help:
                "Its address, with a base path if it has one. (host and port in its place, as before, work too.)"
        ),
        .value("host", \.host, hostName, help: "Its host, for plain http.").shown { $0.url == nil },
        .value("port", \.port, .integer(1...65535), help: "Its port.").shown { $0.url == nil },
        .value("username", \.username, .optional(.text()), .essential, help: "Who Weir logs in as."),
        .value(
            "password", \.password, password, [.secret, .essential],
            help: """
                Best kept out of this file: ${QBIT_PASSWORD} is taken from the environment, or from the file that
                QBIT_PASSWORD_FILE names.
                """),
        .value(
            "api_key", \.apiKey, .optional(headerText), .secret,
            help: "In place of user name and password (qBittorrent 5.2 and later)."),
        .value(
            "timeout", \.timeoutSeconds, .seconds(5...120),
            help: "Seconds after which a request counts as failed."),
        .group("tls", \.tls, TLSSettings.keys, help: "For https: how its certificate is checked."),
    ]

    /// An empty password counts as one: an instance that lets local programs in without a login asks for none.
    private static let password = ScalarKind<String?>(
        allowed: "any text",
        read: { $0.isEmpty ? .doubtful("", "the password is empty") : .value($0) },
        write: { $0.map(quotedYAML) ?? "null" }, null: { nil })
}

extension TLSSettings {
    static let keys: [ConfigKey<TLSSettings>] = [
        .value(
            "ca_file", \.caFile, .optional(filePath),
            help: "A file of certificates (PEM) to trust beside the system's, for a self-signed one."),
        .value(
            "verify", \.verifies, .boolean(),
            help: "false takes any certificate: then anybody on the way can read the password."),
    ]
}
