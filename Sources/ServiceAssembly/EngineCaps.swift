import EventIO
import LibraryPolicy
import LimitPlanning
import PatternMatching
import SwarmTypes
import TorrentEngine
import TorrentLibrary
import UploadGovernor
import WeirSettings

/// The configured caps in the engine: which torrent falls under which, what the engine may use of a cap that it shares with
/// qBittorrents, and what trackers lend each other.
///
/// Lives on the governor's executor, so that a division and the plan that follows see the same moment.
actor EngineCaps: CapSharing {
    nonisolated let executor: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    private let library: TorrentLibrary
    private let now: @Sendable () -> Instant
    private var settings = Settings()
    /// By the tracker's id; of capped trackers while instances are governed.
    private var shared: [String: SharedCap] = [:]
    private var watch = RefreshWatch()
    /// Whether the engine uses any cap that it shares.
    private var isSharing = false
    private var lending = PlanningState()
    private var lastDivision: Instant?
    private var isStopped = false

    /// Between two looks at who could lend what.
    private static let followSeconds = 5.0
    /// When no qBittorrent could be read for so long, the engine takes half of each cap: what they use is not known.
    private static let patienceSeconds = 60.0

    init(_ library: TorrentLibrary, executor: EventLoop, now: @escaping @Sendable () -> Instant) {
        self.library = library
        self.executor = executor
        self.now = now
    }

    /// Takes a configuration over, while torrents run.
    func use(_ settings: Settings, _ matcher: TrackerMatcher) async {
        self.settings = settings
        if self.lastDivision == nil { self.lastDivision = self.now() }
        let isShared = !settings.instances.isEmpty
        var shared: [String: SharedCap] = [:]
        for tracker in settings.trackers where isShared {
            guard let cap = tracker.cap.rate else { continue }
            shared[tracker.id] = self.shared[tracker.id] ?? SharedCap(cap: cap)
            shared[tracker.id]?.setCap(cap)
        }
        self.shared = shared
        let caps = settings.trackers.map { tracker in
            var cap = TrackerCap(name: tracker.id, upload: tracker.cap)
            cap.weight = tracker.priority
            return cap
        }
        let names = settings.trackers.map(\.id)
        let rest = names.last
        await self.library.useCaps(caps, inForce: self.limitsInForce()) { url in
            matcher.match(url).index.map { names[$0] } ?? rest
        }
    }

    /// Looks after the buckets now and again, until it is stopped.
    func begin() {
        guard !self.isStopped else { return }
        self.executor.schedule(afterSeconds: Self.followSeconds) { [weak self] in
            guard let self else { return }
            Task(executorPreference: self.executor) { await self.follow() }
        }
    }

    func stop() { self.isStopped = true }

    private func follow() async {
        if let last = self.lastDivision, self.now().seconds(since: last) > Self.patienceSeconds {
            for id in self.shared.keys { self.shared[id]?.loseInstances() }
        }
        let usages = await self.library.capUsages
        await self.apply(usages)
        self.begin()
    }

    // MARK: Sharing with the governor

    func shares(of trackers: [GovernedTracker], used: [CapUse]) async -> [UploadLimit] {
        self.lastDivision = self.now()
        let usages = await self.library.capUsages
        let byName = Dictionary(usages.map { ($0.cap.name, $0) }) { first, _ in first }
        for (tracker, use) in zip(trackers, used) {
            guard let usage = byName[tracker.id] else { continue }
            self.shared[tracker.id]?.divide(
                EngineUse(usage), instances: use.rate, instancesWantMore: use.wantsMore, at: self.now())
        }
        await self.apply(usages)
        return trackers.map { tracker in
            self.shared[tracker.id].map { .atMost($0.instances) } ?? tracker.cap
        }
    }

    func sharesHold() async {
        for id in self.shared.keys { self.shared[id]?.instancesObey() }
        await self.apply(await self.library.capUsages)
    }

    var nextLook: Instant? { self.isSharing ? self.watch.nextLook(at: self.now()) : nil }

    func clientsSent(_ totals: [Int64]) async {
        let usages = await self.library.capUsages
        // The governor may have another configuration for a moment.
        guard totals.count == self.settings.trackers.count else { return }
        let now = self.now()
        self.lastDivision = now
        self.watch.read(totals, at: now)
        for (tracker, total) in zip(self.settings.trackers, totals) {
            guard let usage = usages.first(where: { $0.cap.name == tracker.id }) else { continue }
            // What another tracker has lent is no excess, and what this one has lent is not there.
            let lent = (self.effective[tracker.id]?.rate?.bytesPerSecond).map { effective in
                effective - (self.share(of: tracker).rate?.bytesPerSecond ?? effective)
            }
            self.shared[tracker.id]?.observe(EngineUse(usage), total: total, lent: lent ?? 0, at: now)
        }
        await self.apply(usages)
    }

    // MARK: What is in force

    private func apply(_ usages: [CapUsage]) async {
        self.isSharing = usages.contains { usage in
            self.shared[usage.cap.name]?.isUsed(by: EngineUse(usage)) ?? false
        }
        self.lend(usages)
        await self.library.setCapLimits(self.limitsInForce())
    }

    private var effective: [String: UploadLimit] = [:]

    private func limitsInForce() -> [String: UploadLimit] {
        var limits: [String: UploadLimit] = [:]
        for tracker in self.settings.trackers {
            let share = self.share(of: tracker)
            limits[tracker.id] = self.lends ? self.effective[tracker.id] ?? share : share
        }
        return limits
    }

    /// The engine's part.
    private func share(of tracker: TrackerSettings) -> UploadLimit {
        self.shared[tracker.id].map { .atMost($0.engine(at: self.now())) } ?? tracker.cap
    }

    /// Whether the configuration lets trackers borrow at all.
    private var lends: Bool {
        switch self.settings.global.strategy {
        case .soft: true
        case .adaptive: self.settings.trackers.contains { $0.borrow > 0 }
        case .equal, .weighted: false
        }
    }

    /// What trackers lend each other of the engine's shares, by the strategy's own rule: for it each cap is used by one
    /// torrent.
    private func lend(_ usages: [CapUsage]) {
        guard self.lends else {
            self.effective = [:]
            return
        }
        var trackers = self.settings.governedTrackers
        var torrents: [PlanningTorrent] = []
        for (index, tracker) in self.settings.trackers.enumerated() {
            trackers[index].cap = self.share(of: tracker)
            guard let usage = usages.first(where: { $0.cap.name == tracker.id }), let id = Self.id(index)
            else {
                continue
            }
            torrents.append(
                PlanningTorrent(
                    key: TorrentKey(instance: InstanceIndex(0), id: id), tracker: index,
                    uploadRate: usage.uploadRate, limit: usage.cap.upload,
                    leeches: Int32(clamping: usage.peersWaiting),
                    isUploading: usage.peersWaiting > 0 || usage.uploadRate > .zero))
        }
        let plan = makePlan(
            PlanningInput(trackers: trackers, torrents: torrents), settings: self.settings.planningSettings,
            state: &self.lending, scope: .full, at: self.now())
        self.effective = [:]
        for outcome in plan.trackers { self.effective[outcome.id] = outcome.effectiveCap }
    }

    /// Of the torrent that stands for the tracker with this place.
    private static func id(_ place: Int) -> TorrentID? {
        TorrentID(
            bytes: (0..<TorrentID.byteCount).map { $0 < 8 ? UInt8(truncatingIfNeeded: place >> (8 * $0)) : 0 }
        )
    }
}

extension EngineUse {
    fileprivate init(_ usage: CapUsage) {
        self.init(
            limit: usage.cap.upload, rate: usage.uploadRate, sent: usage.uploaded,
            peersWaiting: usage.peersWaiting)
    }
}
