public import SwarmTypes

/// What one client, or the engine, uploads for one tracker.
public struct TrackerShare: Hashable, Sendable {
    /// The tracker's id in the configuration.
    public var tracker: String
    /// The instance's name.
    public var source: String
    public var rate: ByteRate
    public var torrents: Int
    /// Those that upload.
    public var active: Int

    public init(tracker: String, source: String, rate: ByteRate, torrents: Int, active: Int) {
        self.tracker = tracker
        self.source = source
        self.rate = rate
        self.torrents = torrents
        self.active = active
    }
}

/// All that the dashboard shows of the governor, of one moment.
public struct GovernorSituation: Sendable {
    public var health: HealthReport
    /// In the order of the configuration.
    public var trackers: [TrackerReport]
    public var shares: [TrackerShare]
    public var instances: [InstanceReport]

    public init(
        health: HealthReport, trackers: [TrackerReport], shares: [TrackerShare], instances: [InstanceReport]
    ) {
        self.health = health
        self.trackers = trackers
        self.shares = shares
        self.instances = instances
    }
}
