public import LimitPlanning

/// What happens to the limits when Weir stops.
public enum StopPolicy: String, CaseIterable, Hashable, Sendable {
    /// Every torrent gets its original limit back.
    case restore
    /// Every torrent of a capped tracker gets an equal share, so that the cap holds and nobody is strangled.
    case relax
    /// The limits stay as they are.
    case keep
}

/// What happens when another hand changes a limit that Weir set.
public enum ForeignChangePolicy: String, CaseIterable, Hashable, Sendable {
    /// The other limit stands and counts against the cap, unless it is unlimited or above the cap.
    case respect
    /// The torrent gets its share again.
    case enforce
}

/// All that can change while the governor runs.
public struct GovernorConfiguration: Sendable {
    /// The catch-all is the last one.
    public var trackers: [GovernedTracker]
    public var planning: PlanningSettings
    public var rolloutPercentage: Int
    /// Nothing is written to any client.
    public var isDryRun: Bool
    public var onStop: StopPolicy
    public var onForeignChange: ForeignChangePolicy
    /// From the start of one poll to the start of the next.
    public var pollSeconds: Double
    /// Between two full plans.
    public var updateSeconds: Double
    /// What may be kept below a cap when clients overshoot their limits, in thousandths; 0 for nothing.
    public var headroomThousandths: Int
    /// How long the choice among a torrent's several trackers is believed.
    public var trackerChoiceSeconds: Double

    public init(
        trackers: [GovernedTracker], planning: PlanningSettings = PlanningSettings(),
        rolloutPercentage: Int = 100,
        isDryRun: Bool = false, onStop: StopPolicy = .relax, onForeignChange: ForeignChangePolicy = .respect,
        pollSeconds: Double = 5, updateSeconds: Double = 300, trackerChoiceSeconds: Double = 1800,
        headroomThousandths: Int = 0
    ) {
        self.trackers = trackers
        self.planning = planning
        self.rolloutPercentage = rolloutPercentage
        self.isDryRun = isDryRun
        self.onStop = onStop
        self.onForeignChange = onForeignChange
        self.pollSeconds = pollSeconds
        self.updateSeconds = updateSeconds
        self.trackerChoiceSeconds = trackerChoiceSeconds
        self.headroomThousandths = headroomThousandths
    }
}
