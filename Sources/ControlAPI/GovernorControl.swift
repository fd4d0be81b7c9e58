public import JSONValues
public import SwarmTypes

/// What the control API asks of the service behind it. Every value that comes back is a snapshot.
public protocol GovernorControl: GovernorReporting, GovernorCommanding, HookReceiving {}

public protocol GovernorReporting: Sendable {
    func health() async -> HealthReport
    func statistics() async throws(ControlFailure) -> StatisticsReport
    /// In the order of the configuration.
    func trackers() async throws(ControlFailure) -> [TrackerReport]
    func managedTorrents() async throws(ControlFailure) -> ManagedReport
    func instances() async throws(ControlFailure) -> [InstanceReport]
    /// What the next cycle would do, without doing it.
    func preview() async throws(ControlFailure) -> PreviewReport
    /// The newest first; of one torrent when one is named.
    func history(limit: Int, torrent: TorrentID?) async throws(ControlFailure) -> [HistoryEntry]
    /// The running configuration by section, the global one under the key "global", secrets masked.
    func configuration() async throws(ControlFailure) -> JSONValue
    func match(url: String) async throws(ControlFailure) -> MatchReport
    func metrics() async -> MetricsSnapshot
    /// All that the dashboard shows of the governor, of one moment.
    func situation() async throws(ControlFailure) -> GovernorSituation
    /// All torrents of all instances, as of their last good poll; nothing is asked of any instance before it answers.
    /// - Parameter seconds: So long, where names are not known yet.
    func governedTorrents(waitingForNames seconds: Double) async -> [GovernedRow]
}

extension GovernorReporting {
    public func governedTorrents(waitingForNames seconds: Double) async -> [GovernedRow] { [] }

    public func governedTorrents() async -> [GovernedRow] { await self.governedTorrents(waitingForNames: 0) }

    /// Why a governed torrent has the limit that it has.
    /// - Parameter now: Seconds since 1970.
    public func explanation(of row: GovernedRow, at now: Double) async throws(ControlFailure)
        -> GovernedExplanation
    {
        let changes = try await self.history(limit: 20, torrent: row.id).filter {
            $0.instance == row.instance
        }
        return GovernedExplanation(row, try await self.situation(), changes: changes, at: now)
    }

    /// From the single reports, without shares.
    public func situation() async throws(ControlFailure) -> GovernorSituation {
        GovernorSituation(
            health: await self.health(), trackers: try await self.trackers(), shares: [],
            instances: try await self.instances())
    }
}

public protocol GovernorCommanding: Sendable {
    /// Runs a cycle now, or waits for the one that is running. Throws when it could not be completed.
    func forceCycle() async throws(ControlFailure) -> CycleReport
    /// Gives every torrent its original limit back.
    func rollBack(reason: String) async throws(ControlFailure) -> RollbackReport
    /// Takes effect at once and outlives a restart.
    func setRollout(percentage: Int) async throws(ControlFailure)
    /// Nil resets every tracker.
    func resetSmoothing(tracker: String?) async throws(ControlFailure) -> SmoothingReset
    func resetLimits(_ scope: LimitsResetScope, marksRestored: Bool) async throws(ControlFailure)
        -> LimitsReset
    func reloadConfiguration() async throws(ControlFailure) -> ReloadReport
    /// Outlives a restart. While paused, Weir observes and changes nothing.
    func setPaused(_ isPaused: Bool) async throws(ControlFailure)
}

public protocol HookReceiving: Sendable {
    /// Called on the event loop for every accepted webhook: never blocks, never waits.
    func hook(_ event: HookEvent) -> HookAcceptance
}

/// Why a request could not be answered as asked.
public struct ControlFailure: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Still starting. 503.
        case notReady
        /// What was sent cannot be used. 400.
        case invalid
        /// Names something that does not exist. 404.
        case notFound
        /// Not possible in the present state. 409.
        case conflict
        /// A client that is needed does not answer. 502.
        case unreachable
        /// 500.
        case failed
    }

    public var kind: Kind
    /// Snake case and stable: programs decide by it.
    public var code: String
    /// What is wrong and what to do about it.
    public var message: String
    public var detail: [String: String]

    public init(_ kind: Kind, code: String, message: String, detail: [String: String] = [:]) {
        self.kind = kind
        self.code = code
        self.message = message
        self.detail = detail
    }

    public static let notReady = ControlFailure(.notReady, code: "not_ready", message: "Service not ready")
}
