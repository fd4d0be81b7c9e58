import ChangeJournal
import ConfigFile
import ControlAPI
import Digests
import EventIO
import HTTPFetching
import HTTPServing
import LimitPlanning
import LogOutput
import NoticePolicy
import PatternMatching
public import SwarmTypes
import TorrentCatalog
import UploadGovernor
import WeirSettings

/// The parts of a running Weir, joined. Everything in it may be used from any thread.
final class RunningService: Sendable {
    private struct State {
        var settings: Settings
        var matcher: TrackerMatcher
        var adapters: [QBittorrentInstance]
        var whenReloaded: (@Sendable (Settings) -> Void)?
    }

    let logger: Logger
    /// HTTP in, and signals: it never blocks, so that a webhook is answered at once.
    let io: EventLoop
    /// The governor's: it talks to the clients, plans are made and the journal blocks here.
    let worker: EventLoop
    let keeper: JournalKeeper
    let governor: Governor
    let inbox: HookInbox
    let matchCounts: MatchCounts
    let notifier: Notifier
    /// The governed torrents with their names.
    let listing: GovernedListing
    /// Nil without torrents of our own.
    let embedded: EmbeddedEngine?
    /// Nil without torrents of our own.
    private let engineCaps: EngineCaps?
    private let journal: JournalAdapter
    private let fetcher: HTTPFetcher
    private let crossSeed: CrossSeedForwarder
    private let completions: CompletionTeller
    private let source: SettingsSource
    private let startedAt = monotonicNow()
    private let state: Lock<State>
    private let isGoverning = Lock(false)
    private let reloads = ReloadGate()

    /// Joins everything; nothing runs yet.
    init(
        _ loaded: LoadedSettings, source: SettingsSource, journal: sending ChangeJournal, logger: Logger
    ) throws(ServiceFailure) {
        let settings = loaded.settings
        self.logger = logger
        self.source = source
        do {
            self.io = try EventLoop(name: "io")
            self.worker = try EventLoop(name: "governor")
        } catch {
            throw .system(error.description)
        }
        let fetcher = HTTPFetcher(
            loop: self.worker, userAgent: "Weir/\(weirVersion)", maximumConnectionsPerHost: 4)
        self.fetcher = fetcher
        let notifier = Notifier(
            settings.notifications, loop: self.worker, fetcher: fetcher, logger: logger)
        self.notifier = notifier
        let refused = refusedInstances(settings, journal)
        let keeper = JournalKeeper(journal, loop: self.worker)
        self.keeper = keeper
        self.journal = JournalAdapter(
            keeper, instanceNames: settings.instances.map(\.name), wallTime: { WallTime(wallSeconds()) })
        let worker = self.worker
        let adapters = settings.instances.map { instance in
            QBittorrentInstance(instance, loop: worker, fetcher: fetcher, keeper: keeper, refused: refused)
        }
        self.listing = GovernedListing(loop: worker)
        let counts = MatchCounts()
        self.matchCounts = counts
        let matcher: TrackerMatcher
        let tracker: MatcherAdapter
        do throws(PatternFailure) {
            matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
            tracker = MatcherAdapter(matcher, settings, counts: counts, logger: logger)
        } catch {
            throw .configuration(error.description)
        }
        self.state = Lock(State(settings: settings, matcher: matcher, adapters: adapters))
        let embedded =
            settings.runsEngine
            ? try EmbeddedEngine(settings, source: source, logger: logger, notifier: notifier) : nil
        self.embedded = embedded
        let engineCaps = embedded.map { EngineCaps($0.library, executor: worker, now: { monotonicNow() }) }
        self.engineCaps = engineCaps
        var environment = Self.environment(worker, source, logger, notifier)
        environment.sharing = engineCaps
        let governor = Governor(
            executor: worker,
            environment: environment,
            journal: self.journal, clients: adapters, matcher: tracker,
            configuration: GovernorConfiguration(settings))
        self.governor = governor
        self.crossSeed = CrossSeedForwarder(
            settings.crossSeed, loop: worker, fetcher: fetcher, logger: logger)
        source.dryRunPath = settings.global.dryRunStorePath
        let forwarder = self.crossSeed
        let completions = CompletionTeller(notifier)
        self.completions = completions
        self.inbox = HookInbox(loop: self.io) { batch in
            Task(executorPreference: worker) {
                for (torrent, kind) in batch.events {
                    await governor.hint(torrent)
                    if kind == .completed { await forwarder.completed(torrent) }
                }
                await completions.tell(of: batch.events.filter { $0.value == .completed }.map(\.key))
                if batch.hasAnonymous { await governor.hint(nil) }
            }
        }
    }

    /// What surfaces ask of Weir's own torrents; nil without any.
    var torrents: (any TorrentDirecting)? { self.embedded?.torrents }

    private static func environment(
        _ worker: EventLoop, _ source: SettingsSource, _ logger: Logger, _ notifier: Notifier
    ) -> GovernorEnvironment {
        GovernorEnvironment(
            now: { monotonicNow() }, secondsSince1970: { Int64(wallSeconds()) },
            after: { seconds, body in worker.schedule(afterSeconds: seconds, body) },
            rolloutBucket: { rolloutBucket(of: $0) },
            report: { event in
                log(event, to: logger)
                notifier.note(event)
                releaseMemory(after: event)
            },
            saveSimulated: { [source] limits in
                saveDryRun(limits, path: source.dryRunPath, logger: logger)
            })
    }

    /// Each is a thread that must go on turning.
    var loops: [EventLoop] { [self.io, self.worker] + (self.embedded.map { [$0.loop] } ?? []) }

    /// For the service manager.
    var statusLine: String {
        let settings = self.settings
        var parts = ["\(settings.trackers.count) trackers"]
        if !settings.instances.isEmpty { parts.append("\(settings.instances.count) qBittorrents governed") }
        if self.embedded != nil { parts.append("torrents of its own") }
        return parts.joined(separator: ", ")
    }

    var settings: Settings { self.state.withLock { $0.settings } }

    var matching: (TrackerMatcher, Settings) { self.state.withLock { ($0.matcher, $0.settings) } }

    var uptimeSeconds: Double { monotonicNow().seconds(since: self.startedAt) }

    func adapter(at place: Int) -> QBittorrentInstance? {
        self.state.withLock { $0.adapters.indices.contains(place) ? $0.adapters[place] : nil }
    }

    func adapters() -> [QBittorrentInstance] { self.state.withLock { $0.adapters } }

    /// Starts governing, on the worker's loop.
    func start() async throws(ServiceFailure) {
        await self.crossSeed.attach { [weak self] in self?.adapters() ?? [] }
        self.completions.attach(self)
        do throws(JournalProblem) { try await self.governor.load() } catch { throw .journal(error.message) }
        do throws(JournalFailure) {
            try await self.keeper.prune(at: WallTime(wallSeconds()))
        } catch {
            throw .journal(error.description)
        }
        let (matcher, settings) = self.matching
        try self.embedded?.launch()
        // Before the first torrent: none moves without its cap.
        await self.engineCaps?.use(settings, matcher)
        try await self.embedded?.start()
        await self.engineCaps?.begin()
        if !self.settings.instances.isEmpty { self.beginGoverning() }
    }

    /// Once there is something to govern.
    private func beginGoverning() {
        guard
            !self.isGoverning.withLock({ isGoverning in
                defer { isGoverning = true }
                return isGoverning
            })
        else { return }
        let governor = self.governor
        Task(executorPreference: self.worker) { await governor.run() }
    }

    // MARK: - Reloading

    /// Calls back with every configuration that comes into force later.
    func whenReloaded(_ body: @escaping @Sendable (Settings) -> Void) {
        self.state.withLock { $0.whenReloaded = body }
    }

    /// Reads the configuration again and applies all of it but the listening socket and the database path. A bad
    /// file changes nothing.
    func reload() async -> Result<ReloadReport, ControlFailure> {
        // To apply takes as long as an instance that leaves is silent; a file that is saved meanwhile comes after it.
        await self.reloads.enter()
        let outcome = await self.reloadNow()
        await self.reloads.leave()
        return outcome
    }

    private func reloadNow() async -> Result<ReloadReport, ControlFailure> {
        let loaded: LoadedSettings
        do throws(ServiceFailure) {
            loaded = try self.source.load()
        } catch {
            self.logger.error(
                "the configuration was not reloaded; the running one stays",
                ["problems": .text(error.message)])
            self.notifier.note(
                .configurationRefused, String(error.message.prefix { $0 != "\n" }))
            return .failure(
                ControlFailure(
                    .failed, code: "bad_configuration",
                    message: "The file has errors, the running configuration stays: \(error.message)"))
        }
        let old = self.settings
        let new = loaded.settings
        let changes = Settings.changes(from: old, to: new)
        do throws(ServiceFailure) { try await self.apply(new, instead: old) } catch {
            return .failure(ControlFailure(.failed, code: "reload_failed", message: error.message))
        }
        let restart = changes.filter(\.needsRestart).map(\.path)
        for change in changes {
            self.logger.info(
                change.needsRestart ? "configuration changed; restart needed" : "configuration changed",
                ["key": .text(change.path), "from": .text(change.from ?? "-"), "to": .text(change.to ?? "-")])
        }
        for warning in loaded.warnings { self.logger.warning("configuration: \(warning)") }
        return .success(
            ReloadReport(
                rolloutPercentage: await self.governor.status().configuration.rolloutPercentage,
                strategy: new.global.strategy, warnings: loaded.warnings.map(\.description),
                restartNeeded: restart))
    }

    private func apply(_ new: Settings, instead old: Settings) async throws(ServiceFailure) {
        let matcher: TrackerMatcher
        do throws(PatternFailure) {
            matcher = try TrackerMatcher(patterns: new.trackers.map { ($0.id, $0.pattern) })
        } catch {
            throw .configuration(error.description)
        }
        self.logger.reconfigure(new.logging)
        self.logger.redacting(secrets(of: new))
        self.source.dryRunPath = new.global.dryRunStorePath
        await self.crossSeed.use(new.crossSeed)
        self.notifier.use(new.notifications)
        if new.instances != old.instances { try await self.replaceInstances(new, old) }
        let tell = self.state.withLock { state in
            state.settings = new
            state.matcher = matcher
            return state.whenReloaded
        }
        tell?(new)
        await self.engineCaps?.use(new, matcher)
        await self.governor.reconfigure(
            GovernorConfiguration(new),
            matcher: MatcherAdapter(matcher, new, counts: self.matchCounts, logger: self.logger))
        if !new.instances.isEmpty { self.beginGoverning() }
    }

    private func replaceInstances(_ new: Settings, _ old: Settings) async throws(ServiceFailure) {
        let present = self.adapters()
        var adapters: [QBittorrentInstance] = []
        for instance in new.instances {
            if let same = present.first(where: { $0.settings == instance }) {
                adapters.append(same)
            } else {
                // Other credentials or another address: whatever was refused before may work now.
                adapters.append(
                    QBittorrentInstance(
                        instance, loop: self.worker, fetcher: self.fetcher, keeper: self.keeper, refused: []))
            }
        }
        let names = new.instances.map(\.name)
        let journal = self.journal
        let problem = await self.governor.replaceClients(adapters) { journal.setInstanceNames(names) }
        if let problem { throw .journal(problem.message) }
        self.state.withLock { $0.adapters = adapters }
        await self.listing.instancesChanged()
    }

    /// The last thing: the limits are left as the policy says, in bounded time.
    /// - Parameter governed: called when the limits are given back; the torrents of this service may take longer.
    func leave(governed: @escaping @Sendable () -> Void) async {
        await self.engineCaps?.stop()
        async let engineIsStopped = self.embedded?.stop()
        let report = await self.governor.stop()
        self.logger.info(
            "stopped governing",
            ["outcome": .text(report.outcome.name), "changes": "\(report.plan?.changes.count ?? 0)"])
        do throws(JournalFailure) { try await self.keeper.foldLog() } catch {
            self.logger.warning("the journal was left in two files", ["problem": .text(error.description)])
        }
        governed()
        if let tally = await engineIsStopped, tally.told + tally.untold > 0 {
            self.logger.info(
                "told trackers that torrents stop", ["told": "\(tally.told)", "not_told": "\(tally.untold)"])
        }
    }

    func close() { self.fetcher.close() }
}

extension QBittorrentInstance {
    /// With what the journal remembers of its credentials.
    init(
        _ settings: InstanceSettings, loop: EventLoop, fetcher: any Fetching, keeper: JournalKeeper,
        refused: Set<String>
    ) {
        let name = settings.name
        let fingerprint = credentialFingerprint(settings)
        self.init(
            settings, loop: loop, fetcher: fetcher, wasRefused: refused.contains(name),
            credentialsRefused: { isRefused in
                // Best effort: a journal that takes nothing is reported by the next cycle.
                try? await keeper.setRefusedCredentials(of: name, isRefused ? fingerprint : nil)
            })
    }
}

/// The instances whose credentials, as they are now, were refused in an earlier run.
func refusedInstances(_ settings: Settings, _ journal: ChangeJournal) -> Set<String> {
    Set(
        settings.instances.filter { instance in
            let known = try? journal.setting(.refusedCredentials(instance: instance.name))
            return known != nil && known == credentialFingerprint(instance)
        }.map(\.name))
}

/// Tells credentials apart without showing them.
func credentialFingerprint(_ instance: InstanceSettings) -> String? {
    let text =
        switch instance.credentials {
        case .login(let user, let password): "login\n\(user)\n\(password)"
        case .apiKey(let key): "key\n\(key)"
        }
    guard let bytes = try? digest(.sha256, of: Array("\(instance.address.url)\n\(text)".utf8)) else {
        return nil
    }
    return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

public func rolloutBucket(of id: TorrentID) -> UInt8 {
    // MD5 can only be missing where the library forbids it; every torrent then belongs to the first hundredth.
    UInt8(clamping: (try? Digests.rolloutBucket(ofHexDigits: id.hexDigits)) ?? 0)
}

/// A cycle over tens of thousands of torrents leaves megabytes of free heap behind, once in a while.
private func releaseMemory(after event: GovernorEvent) {
    guard case .cycleEnded(let report) = event, (report.plan?.changes.count ?? 0) > 1000 else { return }
    MemoryTuning.releaseFreeMemory()
}
