import ConfigFile
public import LimitPlanning
public import SwarmTypes

/// An item of `trackers`.
public struct TrackerSettings: Hashable, Sendable {
    public var id = ""
    /// For people; the id where the file has none.
    public var name = ""
    public var pattern = ""
    public var cap = UploadLimit.unlimited
    public var priority = 1
    /// Nil where the global one holds.
    public var oversubscription: Oversubscription?
    public var borrow = 0.0

    public init() {}
}

extension TrackerSettings {
    /// Without a cap: what counts where the file names no trackers.
    static let catchAll: TrackerSettings = {
        var tracker = TrackerSettings()
        tracker.id = "default"
        tracker.name = "default"
        tracker.pattern = ".*"
        return tracker
    }()

    static let keys: [ConfigKey<TrackerSettings>] = [
        .value("id", \.id, identifier, [.required, .essential], help: "A short name, unique."),
        .value("name", \.name, headerText, .essential, help: "A name for people; the id if left out."),
        .value(
            "pattern", \.pattern, .text("a regular expression"), [.required, .essential],
            help: "A regular expression, searched for in the tracker's URL; letter case makes no difference."),
        .value(
            "max_upload_speed", \.cap, uploadLimit, [.required, .essential],
            help: """
                The cap on all torrents of the tracker together, over all instances: bytes per second, or such
                as 10 MiB/s; -1 for none.
                """
        ),
        .value(
            "priority", \.priority, .integer(1...10), .essential,
            help: "1 to 10: who gets more of what idle trackers leave."),
        .value(
            "oversubscribe", \.oversubscription, .optional(oversubscriptionFactor),
            help: "adaptive only: in place of the global one; null takes that."),
        .value(
            "borrow", \.borrow, .decimal(0...4),
            help: """
                adaptive only: what the tracker may take beyond its cap while others leave theirs, as a part
                of its cap.
                """),
    ]
}
