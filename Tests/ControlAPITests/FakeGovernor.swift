import ControlAPI
import EventIO
import Foundation
import HTTPServing
import JSONValues
import LimitPlanning
import SwarmTypes
import TestKit
import TorrentCatalog

/// The n-th of many torrents.
func torrent(_ number: Int) -> TorrentID {
    var random = SplitMix64(seed: UInt64(truncatingIfNeeded: number))
    let bytes = (0..<TorrentID.byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an identifier") }
    return id
}

/// A service that answers from values and remembers what it was told to do.
///
/// `@unchecked Sendable`: what changes after `init` is read and written with the lock held.
final class FakeGovernor: GovernorControl, @unchecked Sendable {
    let failure: ControlFailure?
    let hookCapacity: Int
    var report = HealthReport()
    var previewReport: PreviewReport
    var managed: ManagedReport
    var rollback = RollbackReport(changesReversed: 3, remaining: 0, durationSeconds: 0.123, isDryRun: false)
    var strategy = AllocationStrategy.soft
    var shares: [TrackerShare] = []
    private let lock = NSLock()
    private var recorded: [String] = []
    private var received: [HookEvent] = []

    init(failing failure: ControlFailure? = nil, hookCapacity: Int = .max) {
        self.failure = failure
        self.hookCapacity = hookCapacity
        self.report.status = .healthy
        self.previewReport = PreviewReport(
            strategy: .equal, torrentsConsidered: 4,
            changes: [
                .init(
                    torrent: torrent(1), instance: "a", tracker: "alpha", from: .bytesPerSecond(4096),
                    to: .bytesPerSecond(10_240), reason: .share),
                .init(
                    torrent: torrent(1), instance: "b", tracker: "alpha", from: .unlimited,
                    to: .bytesPerSecond(20_480), reason: .newcomer),
                .init(
                    torrent: torrent(2), instance: "a", tracker: "free", from: .bytesPerSecond(5),
                    to: .unlimited, reason: .uncapped),
            ],
            trackers: [
                .init(id: "alpha", baseCap: .bytesPerSecond(4 << 20), effectiveCap: .bytesPerSecond(5 << 20)),
                .init(id: "free", baseCap: .unlimited, effectiveCap: .unlimited),
            ])
        self.managed = ManagedReport(
            generatedAt: 1000.7,
            trackers: [
                (
                    "alpha",
                    [
                        .init(
                            id: torrent(1), instance: "a", limit: .bytesPerSecond(10), addedAt: 900,
                            lastSeen: 990)
                    ]
                ),
                (
                    "free",
                    [.init(id: torrent(2), instance: "a", limit: .unlimited, addedAt: 900, lastSeen: 2000)]
                ),
                ("empty", []),
            ])
    }

    var commands: [String] { self.lock.withLock { self.recorded } }
    var hooks: [HookEvent] { self.lock.withLock { self.received } }

    private func record(_ command: String) throws(ControlFailure) {
        if let failure { throw failure }
        self.lock.withLock { self.recorded.append(command) }
    }

    private func check() throws(ControlFailure) { if let failure { throw failure } }

    func health() async -> HealthReport { self.report }

    func statistics() async throws(ControlFailure) -> StatisticsReport {
        try self.check()
        var report = StatisticsReport()
        report.managedTorrents = 25
        report.capacity = 100
        report.matchCache.hits = 3
        report.matchCache.misses = 1
        report.memoryBytes = 20 << 20
        return report
    }

    func trackers() async throws(ControlFailure) -> [TrackerReport] {
        try self.check()
        return [
            TrackerReport(
                id: "alpha", name: "Alpha \"1\"", priority: 10, cap: .bytesPerSecond(4 << 20),
                effectiveCap: .bytesPerSecond(5 << 20), torrents: 8, activeTorrents: 3,
                uploadRate: ByteRate(bytesPerSecond: 2_621_440)),
            TrackerReport(
                id: "free", name: "Free", priority: 1, cap: .unlimited, effectiveCap: .unlimited, torrents: 1,
                activeTorrents: 1, uploadRate: .zero),
        ]
    }

    /// One torrent for each reason, in "home", which torrent 1 is in; and torrent 1 in another instance.
    let governed = Lock<[GovernedRow]>(
        GovernedReason.allCases.enumerated().map { number, reason in
            var row = GovernedRow(
                id: torrent(number + 1), instance: "home", state: .seeding, tracker: "alpha", reason: reason,
                rate: ByteRate(bytesPerSecond: 900), limit: .bytesPerSecond(1000), original: .unlimited)
            row.name = number == 2 ? "<img src=x onerror=alert(1)>\u{202E}\n" : "Governed \(number)"
            return row
        } + [
            GovernedRow(
                id: torrent(1), instance: "attic", state: .stopped, tracker: nil, reason: .unplaced,
                rate: .zero, limit: .unlimited)
        ])

    func governedTorrents(waitingForNames seconds: Double) async -> [GovernedRow] {
        self.governed.withLock { $0 }
    }

    func situation() async throws(ControlFailure) -> GovernorSituation {
        GovernorSituation(
            health: self.report, trackers: try await self.trackers(), shares: self.shares,
            instances: try await self.instances())
    }

    func managedTorrents() async throws(ControlFailure) -> ManagedReport {
        try self.check()
        return self.managed
    }

    func instances() async throws(ControlFailure) -> [InstanceReport] {
        try self.check()
        return [
            InstanceReport(
                name: "a", url: "http://localhost:8080", isReachable: true, version: "v4.5.2", torrents: 8),
            InstanceReport(name: "b", url: "https://b.example/qbt", isReachable: false, problem: "refused"),
        ]
    }

    func preview() async throws(ControlFailure) -> PreviewReport {
        try self.check()
        return self.previewReport
    }

    func history(limit: Int, torrent: TorrentID?) async throws(ControlFailure) -> [HistoryEntry] {
        try self.record("history \(limit) \(torrent?.hex ?? "all")")
        return [
            HistoryEntry(
                id: 7, batch: 2, at: 12.5, instance: "a", torrent: ControlAPITests.torrent(1),
                tracker: "alpha",
                from: .unlimited, to: .bytesPerSecond(10), reason: "newcomer", state: .confirmed)
        ]
    }

    func configuration() async throws(ControlFailure) -> JSONValue {
        try self.check()
        return .object([
            .init(
                "global",
                .object([.init("update_interval", .integer(300)), .init("host", .string("0.0.0.0"))])),
            .init(
                "qbittorrent",
                .array([
                    .object([.init("username", .string("admin")), .init("password", .string("hunter2"))])
                ])),
            .init("cross_seed", .object([.init("enabled", .bool(false)), .init("api_key", .null)])),
        ])
    }

    func match(url: String) async throws(ControlFailure) -> MatchReport {
        try self.record("match \(url)")
        return MatchReport(
            matchedTracker: "alpha",
            patterns: [
                .init(tracker: "alpha", pattern: ".*alpha.*", matches: true),
                .init(tracker: "default", pattern: ".*", matches: true),
            ])
    }

    func metrics() async -> MetricsSnapshot { hostileMetrics() }

    func forceCycle() async throws(ControlFailure) -> CycleReport {
        try self.record("cycle")
        return CycleReport(outcome: .applied, durationSeconds: 0.256, changes: 3, apiCalls: 4)
    }

    func rollBack(reason: String) async throws(ControlFailure) -> RollbackReport {
        try self.record("rollback \(reason)")
        return self.rollback
    }

    func setRollout(percentage: Int) async throws(ControlFailure) { try self.record("rollout \(percentage)") }

    func resetSmoothing(tracker: String?) async throws(ControlFailure) -> SmoothingReset {
        try self.record("smoothing \(tracker ?? "all")")
        return SmoothingReset(clearedCount: 2, strategy: self.strategy)
    }

    func resetLimits(_ scope: LimitsResetScope, marksRestored: Bool) async throws(ControlFailure)
        -> LimitsReset
    {
        try self.record("limits \(scope) \(marksRestored)")
        return LimitsReset(count: 5, isDryRun: true)
    }

    func reloadConfiguration() async throws(ControlFailure) -> ReloadReport {
        try self.record("reload")
        return ReloadReport(
            rolloutPercentage: 50, strategy: .adaptive, warnings: ["unknown key"],
            restartNeeded: ["global.port"])
    }

    func setPaused(_ isPaused: Bool) async throws(ControlFailure) {
        try self.record(isPaused ? "pause" : "resume")
    }

    func hook(_ event: HookEvent) -> HookAcceptance {
        self.lock.withLock {
            guard self.received.count < self.hookCapacity else {
                return .full(queueSize: self.received.count)
            }
            self.received.append(event)
            return .accepted(queueSize: self.received.count)
        }
    }
}

/// Numbers at their limits, and names that need escaping.
func hostileMetrics() -> MetricsSnapshot {
    var snapshot = MetricsSnapshot()
    snapshot.trackers = ["plain", "with \"quotes\" and \\ and\nlines", "{x=\"y\"} 1"].map { id in
        MetricsSnapshot.Tracker(
            id: id, cap: .unlimited, effectiveCap: .bytesPerSecond(.max), uploadRate: .zero,
            sumOfLimits: .bytesPerSecond(7), torrents: 2, activeTorrents: 1)
    }
    snapshot.instances = [MetricsSnapshot.Instance(name: "ünï\tcode")]
    snapshot.cycles = [.applied: 3, .skipped: 1]
    snapshot.limitsApplied = [.newcomer: .max]
    snapshot.lastCycleDuration = 0.1
    snapshot.uptimeSeconds = 1e-9
    return snapshot
}
