/// The configuration of the whole product, complete: every key has its value.
public struct Settings: Hashable, Sendable {
    public var global = GlobalSettings()
    public var server = ServerSettings()
    /// Weir's own torrents. Key `engine`.
    public var engine = EmbeddedEngineSettings()
    /// The governed clients, in the order of the file; empty when the file says nothing of any. Key `qbittorrent`.
    public var instances: [InstanceSettings] = []
    public var crossSeed = CrossSeedSettings()
    public var notifications = NotificationSettings()
    /// In the order of the file; the last one is the catch-all.
    public var trackers: [TrackerSettings] = []
    public var rollback = RollbackSettings()
    public var logging = LoggingSettings()

    public init() {}
}
