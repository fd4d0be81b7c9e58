import ControlAPI
import EventIO
import Foundation
import JSONValues
import LimitPlanning
import SwarmTypes
import TorrentCatalog

/// Names of instances come from a configuration that somebody else may have written.
let hostileInstance = "attic <img src=x onerror=\"document.title='pwned'\">\u{202E}"

/// Three qBittorrents, of which one is away, and five trackers.
final class MadeUpGovernor: GovernorControl {
    struct Tracker: Sendable {
        var id: String
        var name: String
        var cap: UploadLimit
        var effective: Double
        /// What each of the two instances uploads, of the cap.
        var shares: [Double]
        var torrents: Int
    }

    static let trackers = [
        Tracker(
            id: "alpha", name: "Alpha", cap: .bytesPerSecond(8 << 20), effective: 1.2, shares: [0.5, 0.3],
            torrents: 412),
        Tracker(
            id: "beta", name: "Beta", cap: .bytesPerSecond(5 << 20), effective: 0.8, shares: [0.35, 0.1],
            torrents: 230),
        Tracker(
            id: "gamma", name: "Gamma", cap: .bytesPerSecond(3 << 20), effective: 1, shares: [0.5, 0.22],
            torrents: 168),
        Tracker(
            id: "delta", name: "Delta", cap: .bytesPerSecond(1 << 20), effective: 0.4, shares: [0.02, 0.0],
            torrents: 41),
        Tracker(
            id: "rest", name: "Everything else", cap: .unlimited, effective: 1, shares: [0.3, 0.1],
            torrents: 57),
    ]

    private struct State {
        var step = 0.0
        var isPaused = false
    }

    private let hasInstances: Bool
    private let governed: [GovernedRow]
    private let state = Lock(State())

    init(hasInstances: Bool, torrents: Int = 0) {
        self.hasInstances = hasInstances
        self.governed = (0..<torrents).map(madeUpGoverned)
    }

    /// One in thirty uploads, a little more or less each time.
    func governedTorrents(waitingForNames seconds: Double) async -> [GovernedRow] {
        let step = Int64(self.state.withLock { $0.step })
        return self.governed.enumerated().map { number, row in
            guard row.rate != .zero else { return row }
            var row = row
            let swing = (Int64(number) + step) % 7
            row.rate = ByteRate(bytesPerSecond: row.rate.bytesPerSecond + swing * 1000)
            return row
        }
    }

    func move() { self.state.withLock { $0.step += 1 } }

    /// A slow swing, different for each.
    private func swing(_ phase: Double) -> Double {
        let step = self.state.withLock { $0.step }
        return 1 + 0.14 * sin(step / 41 + phase * 2.1) + 0.06 * sin(step / 7 + phase * 5)
    }

    func situation() async throws(ControlFailure) -> GovernorSituation {
        GovernorSituation(
            health: await self.health(), trackers: try await self.trackers(), shares: self.shares(),
            instances: try await self.instances())
    }

    private func shares() -> [TrackerShare] {
        guard self.hasInstances else { return [] }
        return Self.trackers.enumerated().flatMap { place, tracker in
            zip(["seedbox", "home"], tracker.shares).enumerated().map { number, item in
                let cap = Double(tracker.cap.rate?.bytesPerSecond ?? 4 << 20)
                let rate = cap * item.1 * self.swing(Double(place) + 0.5 * Double(number))
                return TrackerShare(
                    tracker: tracker.id, source: item.0, rate: ByteRate(bytesPerSecond: Int64(rate)),
                    torrents: tracker.torrents / (number + 2), active: item.1 > 0 ? tracker.torrents / 19 : 0)
            }
        }
    }

    func health() async -> HealthReport {
        var report = HealthReport()
        report.status = self.hasInstances ? .degraded : .healthy
        report.problems =
            self.hasInstances
            ? ["\(hostileInstance): http://192.168.1.7:8080 does not answer (connection refused)"] : []
        report.managedTorrents = 908
        report.isPaused = self.state.withLock { $0.isPaused }
        return report
    }

    func trackers() async throws(ControlFailure) -> [TrackerReport] {
        guard self.hasInstances else { return [] }
        return Self.trackers.map { tracker in
            let effective = tracker.cap.rate.map {
                UploadLimit.bytesPerSecond(Int64(Double($0.bytesPerSecond) * tracker.effective))
            }
            return TrackerReport(
                id: tracker.id, name: tracker.name, priority: 1, cap: tracker.cap,
                effectiveCap: effective ?? .unlimited,
                torrents: tracker.torrents, activeTorrents: tracker.torrents / 9, uploadRate: .zero)
        }
    }

    func instances() async throws(ControlFailure) -> [InstanceReport] {
        guard self.hasInstances else { return [] }
        let moment = now()
        var seedbox = InstanceReport(
            name: "seedbox", url: "http://10.0.0.2:8080", isReachable: true, version: "v5.1.4",
            webAPIVersion: "2.11.4",
            torrents: 612, lastSeen: moment - 2)
        seedbox.lastApplied = (moment / 60).rounded(.down) * 60 - 40
        seedbox.drifts = 3
        var home = InstanceReport(
            name: "home", url: "http://127.0.0.1:8080", isReachable: true, version: "v4.5.2",
            webAPIVersion: "2.8.19",
            torrents: 296, lastSeen: moment - 3)
        home.lastApplied = (moment / 60).rounded(.down) * 60 - 310
        home.openIntents = 2
        var attic = InstanceReport(
            name: hostileInstance, url: "http://192.168.1.7:8080", isReachable: false, torrents: 188,
            lastSeen: moment - 4000,
            problem:
                "http://192.168.1.7:8080 does not answer (connection refused). Its limits stay as they are.")
        attic.restarts = 1
        return [seedbox, home, attic]
    }

    func preview() async throws(ControlFailure) -> PreviewReport {
        let changes = (0..<40).map { number in
            PreviewReport.Change(
                torrent: MadeUpLibrary.id(number), instance: number % 2 == 0 ? "seedbox" : "home",
                tracker: ["alpha", "beta", "gamma"][number % 3],
                from: number % 5 == 0 ? .unlimited : .bytesPerSecond(102_400),
                to: .bytesPerSecond(Int64(40_000 + number * 3111)),
                reason: number % 5 == 0 ? .newcomer : .share)
        }
        return PreviewReport(strategy: .adaptive, torrentsConsidered: 908, changes: changes, trackers: [])
    }

    func setPaused(_ isPaused: Bool) async throws(ControlFailure) {
        self.state.withLock { $0.isPaused = isPaused }
    }

    func rollBack(reason: String) async throws(ControlFailure) -> RollbackReport {
        self.state.withLock { $0.isPaused = true }
        return RollbackReport(changesReversed: 720, remaining: 188, durationSeconds: 0.4, isDryRun: false)
    }

    func statistics() async throws(ControlFailure) -> StatisticsReport { StatisticsReport() }
    func managedTorrents() async throws(ControlFailure) -> ManagedReport {
        ManagedReport(generatedAt: 0, trackers: [])
    }
    func history(limit: Int, torrent: TorrentID?) async throws(ControlFailure) -> [HistoryEntry] { [] }
    func configuration() async throws(ControlFailure) -> JSONValue { .object([]) }
    func match(url: String) async throws(ControlFailure) -> MatchReport { throw .notReady }
    func metrics() async -> MetricsSnapshot { MetricsSnapshot() }
    func forceCycle() async throws(ControlFailure) -> CycleReport { throw .notReady }
    func setRollout(percentage: Int) async throws(ControlFailure) {}
    func resetSmoothing(tracker: String?) async throws(ControlFailure) -> SmoothingReset { throw .notReady }
    func resetLimits(_ scope: LimitsResetScope, marksRestored: Bool) async throws(ControlFailure)
        -> LimitsReset
    {
        throw .notReady
    }
    func reloadConfiguration() async throws(ControlFailure) -> ReloadReport { throw .notReady }
    func hook(_ event: HookEvent) -> HookAcceptance { .accepted(queueSize: 0) }
}

/// The first has a name and an instance's torrents have categories and tags that are hostile.
private func madeUpGoverned(_ number: Int) -> GovernedRow {
    let trackers = MadeUpGovernor.trackers
    let reasons: [GovernedReason] = [.share, .idle, .idle, .share, .userLimit, .stopped, .wokeUp]
    let reason = number % trackers.count == trackers.count - 1 ? .noCap : reasons[number % reasons.count]
    let isBusy = number % 30 == 0 && reason != .stopped
    var row = GovernedRow(
        id: MadeUpLibrary.id(2_000_000 + number), instance: number % 3 == 0 ? "home" : "seedbox",
        state: reason == .stopped ? .stopped : .seeding, tracker: trackers[number % trackers.count].id,
        reason: reason,
        rate: ByteRate(bytesPerSecond: isBusy ? 40_000 + Int64(number % 997) * 100 : 0),
        limit: reason == .noCap ? .unlimited : .bytesPerSecond(1024 * (4 + Int64(number % 400))),
        original: .unlimited)
    row.name =
        number == 0
        ? "<img src=x onerror=\"document.title='pwned'\"> governed" : "Governed torrent number \(number)"
    row.category = number % 50 == 0 ? "<svg onload=document.title='pwned'>" : "films"
    row.tags = number % 40 == 0 ? ["\u{202E}gat", "keep"] : []
    row.size = Int64(number % 4000 + 1) << 20
    row.leeches = Int32(number % 5)
    return row
}
