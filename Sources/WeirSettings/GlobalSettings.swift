import ConfigFile
public import LimitPlanning

/// What becomes of the limits when Weir stops.
public enum StopBehaviour: String, CaseIterable, Hashable, Sendable {
    /// Every torrent gets the limit it had before Weir first touched it.
    case restore
    /// Every torrent of a capped tracker gets an equal share of the cap.
    case relax
    /// The limits stay as they are.
    case keep
}

/// What to do about a limit that somebody else changed.
public enum ForeignChangeRule: String, CaseIterable, Hashable, Sendable {
    /// The torrent is left alone and counts against its tracker's cap.
    case respect
    /// The limit is set again.
    case enforce
}

/// The section `global`.
public struct GlobalSettings: Hashable, Sendable {
    public var updateIntervalSeconds = 300
    public var pollIntervalSeconds = 5
    public var activeTorrentThresholdKiB = 10
    public var maximumCallsPerCycle = 500
    public var changeBudget = 250
    public var differentialThreshold = 0.2
    public var rolloutPercentage = 100
    public var cacheSeconds = 1800
    public var host = "127.0.0.1"
    public var port = 8089
    public var apiKey: String?
    public var allowedHosts: [String] = []
    public var strategy = AllocationStrategy.equal
    public var oversubscription = Oversubscription.strict
    public var maximumManagedTorrents = 1000
    public var borrowThresholdRatio = 0.9
    public var maximumBorrowFraction = 0.5
    public var smoothingAlpha = 0.4
    public var minimumEffectiveDelta = 0.1
    public var onStop = StopBehaviour.relax
    public var onForeignChange = ForeignChangeRule.respect
    public var headroom = 0.07
    public var isDryRun = false
    public var dryRunStorePath = "./data/dry_run_limits.json"
    public var unlimitsInactive = false

    public init() {}
}

extension GlobalSettings {
    static let keys: [ConfigKey<GlobalSettings>] =
        Self.cycleKeys + Self.serverKeys + Self.strategyKeys + Self.safetyKeys

    private static let cycleKeys: [ConfigKey<GlobalSettings>] = [
        .value(
            "update_interval", \.updateIntervalSeconds, .seconds(5...31_536_000), .essential,
            help: "Seconds between two full plans of all limits."),
        .value(
            "poll_interval", \.pollIntervalSeconds, .seconds(1...60),
            help:
                "Seconds between two looks at qBittorrent. New and woken torrents are limited at the next look."
        ),
        .value(
            "active_torrent_threshold_kb", \.activeTorrentThresholdKiB, .integer(1...1_073_741_824),
            help: "From this upload rate on, in KiB/s, a torrent is active."),
        .value(
            "max_api_calls_per_cycle", \.maximumCallsPerCycle, .integer(100...2_147_483_647),
            help:
                "No cycle sends more requests that set limits than this; limits are rounded to fewer values instead."
        ),
        .value(
            "change_budget", \.changeBudget, .integer(1...1_000_000),
            help: """
                With adaptive and more than 500 active torrents: so many torrents get another limit in a cycle
                at most. Each change costs qBittorrent a write of that torrent's resume data.
                """),
        .value(
            "differential_threshold", \.differentialThreshold, .decimal(0.05...1),
            help:
                "A limit of 1 MiB/s and more is left alone while it would change by less than this fraction."),
    ]

    private static let serverKeys: [ConfigKey<GlobalSettings>] = [
        .value(
            "host", \.host, listenHost, [.essential, .restart],
            help: """
                Where Weir listens: an address or a name. Only this machine unless you say otherwise (Qguardarr
                listened on 0.0.0.0, everywhere). In a container write 0.0.0.0, and an api_key below.
                """),
        .value(
            "port", \.port, .integer(1...65535), [.essential, .restart], help: "The port Weir listens on."),
        .value(
            "api_key", \.apiKey, .optional(headerText), .secret,
            help: """
                What a program sends as X-API-Key to change anything. Without one, only this machine may. Better in
                the environment (WEIR_GLOBAL_API_KEY) or a file (WEIR_GLOBAL_API_KEY_FILE) than here.
                """),
        .list(
            "allowed_hosts", \.allowedHosts, hostName,
            help: "Names besides its addresses by which browsers may reach Weir, such as weir.example.org."),
    ]

    private static let strategyKeys: [ConfigKey<GlobalSettings>] = [
        .value(
            "allocation_strategy", \.strategy, .choice(AllocationStrategy.self), .essential,
            help: """
                How a tracker's cap is shared out: equal (the same to each active torrent), weighted (more to those
                with more peers and upload), soft (weighted, and busy trackers borrow what idle ones leave) or
                adaptive (by measured demand, with few changes).
                """),
        .value(
            "oversubscribe", \.oversubscription, oversubscriptionFactor,
            help: """
                adaptive only: how far the limits of a tracker may add up beyond its cap. 1.0 never, 1.1 a tenth,
                statistical: only the measured sum is held. A tracker may have its own.
                """),
        .value(
            "max_managed_torrents", \.maximumManagedTorrents, .integer(1...2_147_483_647),
            help:
                "weighted only: so many torrents get a share of their own."
        ),
        .value(
            "borrow_threshold_ratio", \.borrowThresholdRatio, .decimal(0.5...1),
            help: "soft only: a tracker borrows once it uses this fraction of its cap."),
        .value(
            "max_borrow_fraction", \.maximumBorrowFraction, .decimal(0...1),
            help: "soft only: a tracker borrows this fraction of its own cap at most."),
        .value(
            "smoothing_alpha", \.smoothingAlpha, .decimal(0...1),
            help: "soft only: how fast a cap follows; 1 is at once, and 0 keeps the first cap for ever."),
        .value(
            "min_effective_delta", \.minimumEffectiveDelta, .decimal(0...1),
            help: "soft only: a cap stays while it is nearer than this fraction to what it should be."),
    ]

    private static let safetyKeys: [ConfigKey<GlobalSettings>] = [
        .value(
            "rollout_percentage", \.rolloutPercentage, .integer(1...100), .essential,
            help:
                "The part of all torrents that is governed, chosen by their hash. Start with 10, then raise it."
        ),
        .value(
            "dry_run", \.isDryRun, .boolean(), .essential,
            help: "true: plan and report as usual, and change nothing in qBittorrent."),
        .value(
            "dry_run_store_path", \.dryRunStorePath, filePath,
            help: "Where a dry run keeps the limits it would have set."),
        .value(
            "headroom", \.headroom, .decimal(0...0.2),
            help: """
                A torrent in qBittorrent swings a few per cent around its limit. Where few torrents share a cap, or
                an overshoot shows, Weir plans for less than the cap, by this fraction at most; 0 never does.
                """),
        .value(
            "on_stop", \.onStop, .choice(StopBehaviour.self),
            help: """
                When Weir stops: restore gives every torrent its original limit, relax leaves an equal share of the
                cap, keep leaves all as it is.
                """),
        .value(
            "on_foreign_change", \.onForeignChange, .choice(ForeignChangeRule.self),
            help:
                "A limit that you or another tool changed: respect leaves it alone, enforce sets ours again."),
        .value(
            "auto_unlimit_on_inactive", \.unlimitsInactive, .boolean(),
            help:
                "true: a torrent that stops uploading gets its original limit back, where the cap allows it."),
        .value(
            "cache_ttl_seconds", \.cacheSeconds, .seconds(60...31_536_000),
            help: "A torrent that was not seen for so many seconds is forgotten."),
    ]
}
