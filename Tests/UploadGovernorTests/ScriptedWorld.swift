import Dispatch
import LimitPlanning
import SwarmTypes
import TestKit

@testable import UploadGovernor

/// An executor for the governor under test: one serial queue.
final class QueueExecutor: SerialExecutor, TaskExecutor {
    private let queue = DispatchQueue(label: "governor under test")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.queue.async {
            job.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }
}

/// A client that behaves as told, and remembers what was asked of it.
actor ScriptedClient: GovernedClient {
    nonisolated let name: String
    private(set) var trackerSets: [[String]] = []
    private(set) var rows: [TorrentID: SeenTorrent] = [:]
    private(set) var calls: [(limit: UploadLimit, ids: [TorrentID])] = []
    private var requests = 0
    private var shown: [SeenTorrent] = []
    private var willRestart = false

    /// Thrown by the next polls while set.
    var pollProblem: ClientProblem?
    /// Thrown by `uploadLimits` while set.
    var readProblem: ClientProblem?
    /// Thrown by the calls of `setUploadLimit` from this one on (0 is the first), while set.
    var callProblem: (from: Int, problem: ClientProblem)?
    /// The failing call is carried out all the same: only the answer is lost.
    var carriesOutFailingCalls = false
    var choiceProblem: ClientProblem?
    var choice: String?
    /// Gone by the time its limit is read back.
    var vanishBeforeReading: TorrentID?
    /// By each torrent.
    var sentInEachPoll: Int64 = 0
    /// Takes calls and obeys none.
    var isDeaf = false

    init(name: String = "default") { self.name = name }

    func script(_ change: @Sendable (isolated ScriptedClient) -> Void) { change(self) }

    func add(
        _ id: TorrentID, trackers: [String], rate: Int64 = 0, limit: UploadLimit = .unlimited,
        canUpload: Bool = true
    ) {
        let set: Int
        if let known = self.trackerSets.firstIndex(of: trackers) {
            set = known
        } else {
            set = self.trackerSets.count
            self.trackerSets.append(trackers)
        }
        self.rows[id] = SeenTorrent(
            id: id, trackerSet: Int32(set), uploadRate: ByteRate(bytesPerSecond: rate), limit: limit,
            canUpload: canUpload)
    }

    func remove(_ id: TorrentID) { self.rows[id] = nil }

    func setByHand(_ limit: UploadLimit, on id: TorrentID) { self.rows[id]?.limit = limit }

    func setRate(_ rate: Int64, of id: TorrentID) {
        self.rows[id]?.uploadRate = ByteRate(bytesPerSecond: rate)
    }

    /// Comes back with these limits instead of the present ones.
    func restart(losing lost: [TorrentID: UploadLimit]) {
        for (id, limit) in lost { self.rows[id]?.limit = limit }
        self.willRestart = true
    }

    func limit(of id: TorrentID) -> UploadLimit? { self.rows[id]?.limit }

    func limits() -> [TorrentID: UploadLimit] { self.rows.mapValues(\.limit) }

    func forgetCalls() { self.calls = [] }

    // MARK: GovernedClient

    func poll(_ depth: PollDepth, hints: [TorrentID]) throws(ClientProblem) -> PollNotice {
        self.requests += 1
        if let problem = self.pollProblem { throw problem }
        self.shown = self.rows.values.sorted { $0.id < $1.id }
        defer { self.willRestart = false }
        return PollNotice(restarted: self.willRestart)
    }

    func torrents() -> SeenTorrents {
        SeenTorrents(
            trackerSetCount: self.trackerSets.count,
            torrents: self.shown.map { torrent in
                var torrent = torrent
                torrent.sentSincePoll = self.sentInEachPoll
                return torrent
            })
    }

    func trackerSets(from index: Int) -> [[String]] { Array(self.trackerSets.dropFirst(index)) }

    func currentTracker(of id: TorrentID) throws(ClientProblem) -> String? {
        self.requests += 1
        if let problem = self.choiceProblem { throw problem }
        return self.choice
    }

    func setUploadLimit(_ limit: UploadLimit, on ids: [TorrentID]) throws(ClientProblem) {
        self.requests += 1
        let number = self.calls.count
        self.calls.append((limit, ids))
        let problem = self.callProblem.flatMap { number >= $0.from ? $0.problem : nil }
        if problem == nil || self.carriesOutFailingCalls, !self.isDeaf {
            for id in ids { self.rows[id]?.limit = limit }
        }
        if let problem { throw problem }
    }

    func uploadLimits(of ids: [TorrentID]) throws(ClientProblem) -> [TorrentID: UploadLimit] {
        self.requests += 1
        if let problem = self.readProblem { throw problem }
        if let gone = self.vanishBeforeReading { self.rows[gone] = nil }
        return self.rows.filter { ids.contains($0.key) }.mapValues(\.limit)
    }

    func requestCount() -> Int { self.requests }
}

/// What the journal has on disk: it outlives the governors of a test.
/// Used by one governor at a time, and by the test between them.
final class JournalDisk: @unchecked Sendable {
    var remembered: [TorrentKey: RememberedTorrent] = [:]
    var touched: Set<TorrentKey> = []
    var open: [OpenIntent] = []
    var batches: [[LimitChange]] = []
    var endings: [(key: TorrentKey, ending: IntentEnding)] = []
    var pause: PauseReason?
    var rollout: Int?
    var nextIntent: Int64 = 1
    var failsBegin = false
    var failsClose = false
    var failsForeign = false
}

struct ScriptedJournal: ChangeJournaling {
    let disk: JournalDisk

    func remembered() -> [RememberedTorrent] { Array(self.disk.remembered.values) }

    func openIntents() -> [OpenIntent] { self.disk.open }

    func begin(_ changes: [LimitChange], trackerIDs: [String]) throws(JournalProblem) -> Int64 {
        if self.disk.failsBegin { throw JournalProblem(message: "disk full") }
        let first = self.disk.nextIntent
        self.disk.batches.append(changes)
        for change in changes {
            self.disk.touched.insert(change.key)
            self.disk.open.append(
                OpenIntent(
                    intent: self.disk.nextIntent, key: change.key, from: change.from, to: change.to,
                    reason: change.reason))
            self.disk.nextIntent += 1
            var entry =
                self.disk.remembered[change.key]
                ?? RememberedTorrent(
                    key: change.key, trackerID: trackerIDs[change.tracker], original: nil, ours: nil,
                    isForeign: false)
            entry.original = entry.original ?? change.from
            self.disk.remembered[change.key] = entry
        }
        return first
    }

    func close(_ endings: [(intent: Int64, ending: IntentEnding)]) throws(JournalProblem) {
        if self.disk.failsClose { throw JournalProblem(message: "disk full") }
        for (number, ending) in endings {
            guard let place = self.disk.open.firstIndex(where: { $0.intent == number }) else { continue }
            let intent = self.disk.open.remove(at: place)
            self.disk.endings.append((intent.key, ending))
            guard ending == .confirmed else { continue }
            if intent.reason.givesBack {
                self.disk.remembered[intent.key] = nil
            } else {
                self.disk.remembered[intent.key]?.ours = intent.to
            }
        }
    }

    func markForeign(_ keys: [TorrentKey], _ isForeign: Bool) throws(JournalProblem) {
        if self.disk.failsForeign { throw JournalProblem(message: "disk full") }
        for key in keys {
            self.disk.remembered[key]?.isForeign = isForeign
            self.disk.remembered[key]?.original = nil
            self.disk.remembered[key]?.ours = nil
        }
    }

    func release(_ keys: [TorrentKey]) { self.forget(keys) }

    func forget(_ keys: [TorrentKey]) { for key in keys { self.disk.remembered[key] = nil } }

    func everTouched() -> [TorrentKey] { Array(self.disk.touched) }

    func pause() -> PauseReason? { self.disk.pause }

    func setPause(_ reason: PauseReason?) { self.disk.pause = reason }

    func rolloutOverride() -> Int? { self.disk.rollout }

    func setRolloutOverride(_ percentage: Int?) { self.disk.rollout = percentage }
}

/// "https://<id>.example/…" belongs to the tracker of that id, anything else to the last one.
struct HostMatcher: TrackerMatching {
    var trackers: [GovernedTracker]

    func tracker(for url: String) -> Int {
        self.trackers.firstIndex { url.hasPrefix("https://\($0.id).example/") } ?? self.trackers.count - 1
    }
}

/// Time that moves only when told.
/// Moved between cycles only, read within them.
final class TestClock: @unchecked Sendable {
    var seconds = 1_000.0
}

/// Filled on the governor's executor, read between cycles.
final class EventBox: @unchecked Sendable {
    var events: [GovernorEvent] = []
    var simulated: [TorrentKey: UploadLimit] = [:]
}

/// A governor with its world.
struct World {
    let clients: [ScriptedClient]
    let disk: JournalDisk
    let clock = TestClock()
    let box = EventBox()
    let governor: Governor

    init(
        _ configuration: GovernorConfiguration, clients: [ScriptedClient] = [ScriptedClient()],
        disk: JournalDisk = JournalDisk(), sharing: (any CapSharing)? = nil
    ) async throws {
        self.clients = clients
        self.disk = disk
        let clock = self.clock
        let box = self.box
        var environment = GovernorEnvironment(
            now: { Instant(nanoseconds: Int64(clock.seconds * 1e9)) },
            secondsSince1970: { 1_800_000_000 },
            after: { _, _ in },
            rolloutBucket: { UInt8($0.bytes[0]) % 100 },
            report: { box.events.append($0) },
            saveSimulated: { box.simulated = $0 })
        environment.sharing = sharing
        self.governor = Governor(
            executor: QueueExecutor(), environment: environment, journal: ScriptedJournal(disk: disk),
            clients: clients, matcher: HostMatcher(trackers: configuration.trackers),
            configuration: configuration)
        try await self.governor.load()
    }

    var client: ScriptedClient { self.clients[0] }

    @discardableResult
    func cycle(_ scope: PlanningScope = .full) async -> CycleReport {
        self.clock.seconds += 5
        return await self.governor.runCycle(scope)
    }
}

func torrent(_ number: UInt8) -> TorrentID {
    TorrentID(bytes: [number] + [UInt8](repeating: 7, count: 19)) ?? zeroTorrent
}

private let zeroTorrent = TorrentID(hex: String(repeating: "0", count: 40)).unsafelyUnwrapped

func limit(_ bytesPerSecond: Int64) -> UploadLimit { .bytesPerSecond(bytesPerSecond) }

let alphaURL = "https://alpha.example/announce"
let betaURL = "https://beta.example/announce"

/// alpha 1 MB/s, beta 2 MB/s, anything else without cap.
func someConfiguration(_ change: (inout GovernorConfiguration) -> Void = { _ in }) -> GovernorConfiguration {
    var configuration = GovernorConfiguration(trackers: [
        GovernedTracker(id: "alpha", cap: limit(1_000_000)),
        GovernedTracker(id: "beta", cap: limit(2_000_000)),
        GovernedTracker(id: "rest", cap: .unlimited),
    ])
    change(&configuration)
    return configuration
}
