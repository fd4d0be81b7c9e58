public import LimitPlanning
public import SwarmTypes

/// How a cycle ended. Every way it can fail has a name.
public enum CycleOutcome: Hashable, Sendable {
    /// No client could be read; nothing was changed.
    case skipped(String)
    case unchanged
    /// The journal did not take the plan; nothing was sent.
    case refused(String)
    /// Sent at least in part, but not all of it could be confirmed; the next cycle reads and repairs.
    case undetermined(confirmed: Int, open: Int)
    case applied(Int)
    /// All of it was answered, but some limits read back differently.
    case drifted(confirmed: Int, drifted: Int)
    /// A dry run: so many changes were simulated.
    case simulated(Int)
    case paused(PauseReason)

    /// The stable name that logs, metrics and the API show.
    public var name: String {
        switch self {
        case .skipped: "skipped"
        case .unchanged: "unchanged"
        case .refused: "refused"
        case .undetermined: "undetermined"
        case .applied: "applied"
        case .drifted: "drifted"
        case .simulated: "simulated"
        case .paused: "paused"
        }
    }

    public static let names = [
        "skipped", "unchanged", "refused", "undetermined", "applied", "drifted", "simulated", "paused",
    ]
}

/// What made a limit differ from what Weir had set.
public enum DriftCause: String, CaseIterable, Hashable, Sendable {
    /// Gone back to unlimited or to an earlier value: the client forgot it (a crash, a restart).
    case lost
    /// Set by another hand, and respected.
    case respected
    /// Set by another hand, and put right.
    case enforced
    /// Read back differently right after it was set.
    case readBack = "read_back"
}

public struct CycleReport: Sendable {
    public var outcome: CycleOutcome
    public var scope: PlanningScope
    public var durationSeconds: Double
    public var requests: Int
    /// The plan, when there was one.
    public var plan: Plan?
    public var drift: [DriftCause: Int]
    /// The clients that could not be read in this cycle, with the reason.
    public var unread: [(name: String, problem: String)]

    public init(outcome: CycleOutcome, scope: PlanningScope) {
        self.outcome = outcome
        self.scope = scope
        self.durationSeconds = 0
        self.requests = 0
        self.drift = [:]
        self.unread = []
    }
}

/// What the governor tells the log and the counters.
public enum GovernorEvent: Sendable {
    case cycleEnded(CycleReport)
    case instanceLost(name: String, problem: ClientProblem)
    case instanceBack(name: String)
    case instanceRestarted(name: String)
    case drift(
        instance: String, torrent: TorrentID, cause: DriftCause, expected: UploadLimit, found: UploadLimit)
    /// Another hand sets limits of this client again and again: so many torrents more are left to it, or all of them.
    case contested(instance: String, torrents: Int, isAll: Bool)
    /// It was quiet for a while: Weir goes on.
    case contestOver(instance: String, torrents: Int)
    /// Another hand has set the limits of most torrents that Weir governed there.
    case takenOver(instance: String, torrents: Int)
    case settled(intents: Int, confirmed: Int)
    case trackerChoiceFailed(instance: String, torrent: TorrentID, problem: ClientProblem)
    case malformedTorrents(instance: String, count: Int)
    case applyFailed(instance: String, torrents: Int, limit: UploadLimit, problem: ClientProblem)
    case journalFailed(JournalProblem)
    /// So much of a tracker's cap is kept free now, because its clients overshoot their limits.
    case headroom(tracker: String, thousandths: Int64)
}
