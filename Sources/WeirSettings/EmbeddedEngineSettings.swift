import ConfigFile

/// The section `engine`: Weir's own torrents.
public struct EmbeddedEngineSettings: Hashable, Sendable {
    /// Nil: when no qBittorrent is governed.
    public var isEnabled: Bool?
    /// Nil: as set at the surfaces, at first the system's choice.
    public var port: Int?
    /// Nil: the user's folder of downloads.
    public var directory: String?
    /// Nil: the service's or the user's folder for states.
    public var state: String?

    public init() {}

    static let keys: [ConfigKey<EmbeddedEngineSettings>] = [
        .value(
            "enabled", \.isEnabled, .optional(.boolean()), .restart,
            help: "true or false; null: when there is no section qbittorrent."),
        .value(
            "port", \.port, .optional(.integer(1...65535)), .restart,
            help: "Where peers reach it; null leaves it to what is set in the dashboard."),
        .value(
            "directory", \.directory, .optional(filePath), .restart,
            help: "Where downloads go at first; null is your folder for downloads."),
        .value(
            "state", \.state, .optional(filePath), .restart,
            help: "The folder of its database; null is $STATE_DIRECTORY or ~/.local/state/weir."),
    ]
}

extension Settings {
    /// Whether Weir has torrents of its own (decision 11).
    public var runsEngine: Bool { self.engine.isEnabled ?? self.instances.isEmpty }
}
