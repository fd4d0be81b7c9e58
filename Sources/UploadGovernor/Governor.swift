public import LimitPlanning
public import SwarmTypes

/// Keeps every tracker under its cap: observe → plan → record → apply → read back → confirm.
///
/// One cycle runs at a time. All state lives on the given executor, on which the journal may block.
public actor Governor {
    public typealias Executor = SerialExecutor & TaskExecutor

    private let executor: any Executor
    public nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }

    let environment: GovernorEnvironment
    let journal: any ChangeJournaling
    var configuration: GovernorConfiguration
    var matcher: any TrackerMatching
    var instances: [InstanceRecord]
    var ledger = TorrentLedger()
    var planning = PlanningState()
    /// By tracker id.
    var headroom: [String: LimiterHeadroom] = [:]
    var openIntents: [OpenIntent] = []
    var pauseReason: PauseReason?
    /// What a dry run has set so far; empty when live.
    var simulated: [TorrentKey: UploadLimit] = [:]
    var counters = GovernorCounters()
    var lastTrackers: [TrackerOutcome] = []
    var lastCycle: LastCycle?
    var cycleNumber: UInt32 = 0
    /// What the clients may use of each cap, as of the last cycle; empty when they have all of it.
    var lastShares: [UploadLimit] = []
    /// What the clients have sent under each configured tracker since the start, as far as it was read.
    var sentTotals: [Int64] = []
    /// The rollout that the configuration names, beside one set by hand.
    var configuredRollout: Int

    private var gate = CycleGate()
    private var isStopping = false
    private var lastFull: Instant?
    private var wakeGeneration = 0
    private var sleeper: CheckedContinuation<Void, Never>?
    private var pauseEndsByWish = true
    /// Somebody wants a cycle soon, since the last one began.
    private var isCycleWanted = false
    private var hints: Set<TorrentID> = []
    private static let hintSpacingSeconds = 1.0
    private static let lookSpacingSeconds = 0.05

    /// The instances whose poll this round waits for, and who waits.
    var awaitedPolls: Set<Int> = []
    var pollRound = 0
    /// Counts the replacements of `instances`: the answer to a poll from before is thrown away.
    var instanceEra = 0
    var pollWaiter: CheckedContinuation<Void, Never>?

    public init(
        executor: any Executor, environment: GovernorEnvironment, journal: sending any ChangeJournaling,
        clients: [any GovernedClient], matcher: any TrackerMatching, configuration: GovernorConfiguration
    ) {
        self.executor = executor
        self.environment = environment
        self.journal = journal
        self.matcher = matcher
        self.configuration = configuration
        self.configuredRollout = configuration.rolloutPercentage
        self.instances = clients.enumerated().map { place, client in
            InstanceRecord(client: client, index: InstanceIndex(UInt16(clamping: place)))
        }
    }

    /// Takes over what the journal knows from earlier runs. Call once, before the first cycle.
    public func load() throws(JournalProblem) {
        let remembered = try self.journal.remembered()
        self.ledger.load(
            remembered, trackers: self.configuration.trackers, bucket: self.environment.rolloutBucket)
        self.openIntents = try self.journal.openIntents()
        self.pauseReason = try self.journal.pause()
        if let percentage = try self.journal.rolloutOverride() {
            self.configuration.rolloutPercentage = percentage
        }
    }

    // MARK: - The loop

    /// Runs cycles until `stop`: at once, then at every poll interval, and soon after a hint.
    public func run() async {
        while !self.isStopping {
            let started = self.environment.now()
            self.isCycleWanted = false
            let isFull =
                self.lastFull.map { started.seconds(since: $0) >= self.configuration.updateSeconds } ?? true
            let report = await self.runCycle(isFull ? .full : .urgent)
            if isFull, case .skipped = report.outcome {} else if isFull { self.lastFull = started }
            // Hints may come by the thousand: between two cycles lies a second at least, and hints wait it out.
            let spacing = min(Self.hintSpacingSeconds, self.configuration.pollSeconds)
            await self.rest(until: started.advanced(bySeconds: spacing), endsByWish: false)
            await self.rest(
                until: started.advanced(bySeconds: self.configuration.pollSeconds), endsByWish: true)
        }
    }

    /// Waits until the time has come; while somebody shares caps with the clients, what they send is read meanwhile.
    private func rest(until end: Instant, endsByWish: Bool) async {
        var soonest = self.environment.now()
        while !self.isStopping, !(endsByWish && self.isCycleWanted) {
            let now = self.environment.now()
            guard now < end else { return }
            let look = await self.environment.sharing?.nextLook.map { max(soonest, $0) } ?? end
            if look > now {
                await self.pause(seconds: min(look, end).seconds(since: now), endsByWish: endsByWish)
            }
            guard look < end, !(endsByWish && self.isCycleWanted), !self.isStopping else { return }
            await self.look()
            soonest = self.environment.now().advanced(bySeconds: Self.lookSpacingSeconds)
        }
    }

    /// A torrent may have come or woken up: look soon. Hints that come together are served together.
    public func hint(_ id: TorrentID?) {
        if let id, self.hints.count < 1000 { self.hints.insert(id) }
        self.wantCycle()
    }

    private func wantCycle() {
        self.isCycleWanted = true
        if self.pauseEndsByWish { self.wake() }
    }

    /// Runs one cycle now, after the one under way. One that somebody asked for also asks clients that failed
    /// a moment ago, except those that refuse the credentials.
    @discardableResult
    public func runCycle(_ scope: PlanningScope, isAskedFor: Bool = false) async -> CycleReport {
        await self.exclusively { await $0.cycle(scope, isAskedFor: isAskedFor) }
    }

    /// Ends the loop and leaves the limits as the stop policy says.
    @discardableResult
    public func stop() async -> CycleReport {
        self.isStopping = true
        self.wake()
        return await self.exclusively { await $0.leaveLimits() }
    }

    /// Makes the next cycle a full one, and soon.
    func replan() {
        self.lastFull = nil
        self.wantCycle()
    }

    func takeHints() -> [TorrentID] {
        defer { self.hints = [] }
        return Array(self.hints)
    }

    // MARK: - One at a time

    func exclusively<Result: Sendable>(
        _ body: (isolated Governor) async -> Result
    ) async -> Result {
        if !self.gate.tryEnter() {
            await withCheckedContinuation { self.gate.enqueue($0) }
        }
        defer { self.gate.leave() }
        return await body(self)
    }

    private func pause(seconds: Double, endsByWish: Bool) async {
        guard !self.isStopping else { return }
        self.pauseEndsByWish = endsByWish
        self.wakeGeneration += 1
        let generation = self.wakeGeneration
        self.environment.after(seconds) { [weak self, executor] in
            Task(executorPreference: executor) { await self?.wake(generation: generation) }
        }
        await withCheckedContinuation { self.sleeper = $0 }
    }

    private func wake(generation: Int? = nil) {
        if let generation, generation != self.wakeGeneration { return }
        self.sleeper?.resume()
        self.sleeper = nil
    }

    // MARK: - Polling

    /// Polls every client whose time has come and waits until all have answered, but for a slow one only as
    /// long as `patience`: its torrents then count as held, and its answer is used by a later cycle.
    func pollInstances(_ depth: PollDepth, hints: [TorrentID], isAskedFor: Bool = false) async {
        let now = self.environment.now()
        let patience = self.instances.contains { !$0.wasRead && $0.nextPoll <= now } ? 30.0 : 10.0
        self.awaitedPolls = []
        for place in self.instances.indices where !self.instances[place].isPolling {
            let mayAsk = isAskedFor && !self.instances[place].isRefused
            guard mayAsk || self.instances[place].nextPoll <= now else { continue }
            self.instances[place].isPolling = true
            self.awaitedPolls.insert(place)
            let era = self.instanceEra
            Task(executorPreference: self.executor) { await self.poll(place, depth, hints, era: era) }
        }
        guard !self.awaitedPolls.isEmpty else { return }
        self.pollRound += 1
        let round = self.pollRound
        self.environment.after(patience) { [weak self, executor] in
            Task(executorPreference: executor) { await self?.patienceEnded(round, afterSeconds: patience) }
        }
        await withCheckedContinuation { self.pollWaiter = $0 }
    }

    private func poll(_ place: Int, _ depth: PollDepth, _ hints: [TorrentID], era: Int) async {
        let client = self.instances[place].client
        do throws(ClientProblem) {
            let notice = try await client.poll(depth, hints: hints)
            guard era == self.instanceEra else { return }
            self.pollSucceeded(place, notice)
        } catch {
            guard era == self.instanceEra else { return }
            self.pollFailed(place, error)
        }
        self.instances[place].isPolling = false
        self.awaitedPolls.remove(place)
        if self.awaitedPolls.isEmpty { self.endPollRound() }
    }

    private func pollSucceeded(_ place: Int, _ notice: PollNotice) {
        let name = self.instances[place].client.name
        if case .lost = self.instances[place].state { self.environment.report(.instanceBack(name: name)) }
        if !self.instances[place].isCurrent { self.instances[place].readSinceCycle = self.cycleNumber }
        self.instances[place].succeeded(notice, at: self.environment.now())
        if notice.restarted { self.environment.report(.instanceRestarted(name: name)) }
        if notice.malformed > 0 {
            self.environment.report(.malformedTorrents(instance: name, count: notice.malformed))
        }
    }

    func pollFailed(_ place: Int, _ problem: ClientProblem) {
        let isNews = self.instances[place].state != .lost(problem)
        self.instances[place].failed(problem, at: self.environment.now())
        self.counters.failedPolls += 1
        if isNews {
            self.environment.report(
                .instanceLost(name: self.instances[place].client.name, problem: problem))
        }
    }

    private func patienceEnded(_ round: Int, afterSeconds seconds: Double) {
        guard round == self.pollRound else { return }
        for place in self.awaitedPolls {
            self.pollFailed(place, .unreachable("no answer within \(Int(seconds)) s"))
        }
        self.awaitedPolls = []
        self.endPollRound()
    }

    private func endPollRound() {
        self.pollWaiter?.resume()
        self.pollWaiter = nil
    }
}

/// Totals since the start, for `/stats` and the metrics.
public struct GovernorCounters: Hashable, Sendable {
    public var cycles = 0
    public var cyclesByOutcome: [String: Int] = [:]
    public var cycleSeconds = 0.0
    public var limitsApplied: [ChangeReason: Int] = [:]
    public var failedPolls = 0
    public var failedCalls = 0
    public var journalFailures = 0
    public var drift: [DriftCause: Int] = [:]

    public init() {}
}
