import ConfigFile

/// The section `cross_seed`: where completed torrents are announced.
public struct CrossSeedSettings: Hashable, Sendable {
    public var isEnabled = false
    public var url: String?
    public var apiKey: String?
    public var timeoutSeconds = 15

    public init() {}

    static let keys: [ConfigKey<CrossSeedSettings>] = [
        .value("enabled", \.isEnabled, .boolean(), help: "true: forward completions to cross-seed."),
        .value(
            "url", \.url, .optional(webAddress), .secret,
            help: "The address, such as http://localhost:2468/api/webhook."),
        .value("api_key", \.apiKey, .optional(headerText), .secret, help: "Sent as X-API-Key."),
        .value(
            "timeout", \.timeoutSeconds, .seconds(5...60),
            help: "Seconds after which a request counts as failed."),
    ]
}

/// The section `rollback`: the journal of what was changed.
public struct RollbackSettings: Hashable, Sendable {
    public var databasePath = "./data/rollback.db"
    public var tracksAllChanges = true

    public init() {}

    static let keys: [ConfigKey<RollbackSettings>] = [
        .value(
            "database_path", \.databasePath, filePath, [.restart, .essential],
            help: "The database that remembers every original limit."),
        .value(
            "track_all_changes", \.tracksAllChanges, .boolean(),
            help: "true keeps every change; false only what a rollback needs."),
    ]
}

public enum LogLevel: String, CaseIterable, Hashable, Sendable {
    case debug, info, warning, error, critical
}

public enum LogFormat: String, CaseIterable, Hashable, Sendable {
    case text, json
}

/// The section `logging`.
public struct LoggingSettings: Hashable, Sendable {
    public var level = LogLevel.info
    public var format = LogFormat.text
    /// Nil for the console only.
    public var file: String? = "./logs/weir.log"
    public var maximumMegabytes = 50
    public var backups = 5

    public init() {}

    static let keys: [ConfigKey<LoggingSettings>] = [
        .value("level", \.level, level, .essential, help: "debug, info, warning, error or critical."),
        .value("format", \.format, .choice(LogFormat.self), help: "text for people, json for programs."),
        .value(
            "file", \.file, .optional(filePath), .essential, help: "The log file; null for the console only."),
        .value(
            "max_size_mb", \.maximumMegabytes, .integer(1...1_048_576),
            help: "At this size, in MiB, a new file is begun."),
        .value("backup_count", \.backups, .integer(0...10_000), help: "So many old files are kept."),
    ]

    /// A level nobody knows counts as `info`, as in Qguardarr, but with a warning.
    private static let level = ScalarKind<LogLevel>(
        allowed: "one of debug, info, warning, error, critical",
        read: { text in
            let name = text.lowercased()
            if let level = LogLevel(rawValue: name) { return .value(level) }
            switch name {
            case "warn": return .value(.warning)
            case "fatal": return .value(.critical)
            case "notset": return .value(.debug)
            default:
                return .doubtful(
                    .info, "the level is none of debug, info, warning, error, critical: info is taken")
            }
        },
        write: { $0.rawValue })
}
