import ControlAPI
import EventIO
import NoticePolicy
import StallDiagnosis
import SwarmTypes
import TorrentCatalog
import TorrentLibrary
import UploadGovernor
import WeirSettings

/// What is told at once, as it happens.
extension Notifier {
    func note(_ event: GovernorEvent) {
        switch event {
        case .drift(let instance, let torrent, .respected, _, _),
            .drift(let instance, let torrent, .enforced, _, _):
            self.noteForeignHand(torrent, of: instance)
        case .journalFailed(let problem): self.note(.recordFailed, problem.message)
        default: break
        }
    }

    func note(_ report: LibraryReport) {
        switch report {
        case .finished(_, let name): self.note(.torrentComplete, name)
        case .recordFailed(let words): self.note(.recordFailed, words)
        default: break
        }
    }
}

/// Looks every few seconds at what lasts: instances that are away, caps that are exceeded, torrents in trouble.
actor SituationWatch {
    private struct Trouble: Hashable {
        var torrent: TorrentID
        var code: VerdictCode
    }

    /// Clients swing around their limits.
    private static let tolerance = 1.1
    private static let seconds = 5.0

    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    private let control: ControlAdapter
    private let mirror: CatalogMirror?
    private let notifier: Notifier
    private var away = ConditionWatch<String>()
    private var exceeded = ConditionWatch<String>()
    private var troubles = ConditionWatch<Trouble>()

    init(loop: EventLoop, control: ControlAdapter, mirror: CatalogMirror?, notifier: Notifier) {
        self.loop = loop
        self.control = control
        self.mirror = mirror
        self.notifier = notifier
    }

    /// Until the loop ends.
    nonisolated func start() {
        let patience = Double(self.notifier.settings.patienceSeconds)
        self.loop.schedule(afterSeconds: min(Self.seconds, patience)) {
            Task(executorPreference: self.loop) {
                await self.look()
                self.start()
            }
        }
    }

    private func look() async {
        let settings = self.notifier.settings
        guard settings.url != nil else { return }
        let patience = Double(settings.patienceSeconds)
        let now = monotonicNow()
        let catalog = self.mirror?.state
        if let situation = try? await self.control.situation() {
            self.lookAtInstances(situation.instances, patience, now)
            self.lookAtCaps(situation, catalog?.caps ?? [], patience, now)
        }
        if let catalog { self.lookAtTorrents(catalog, patience, now) }
    }

    private func lookAtInstances(_ instances: [InstanceReport], _ patience: Double, _ now: Instant) {
        let gone = instances.filter { !$0.isReachable && $0.problem != nil }
        let news = self.away.observe(Set(gone.map(\.name)), patienceSeconds: patience, at: now)
        for name in news.begun.sorted() {
            let problem = gone.first { $0.name == name }?.problem ?? ""
            self.notifier.note(.instanceDown, "\(name): \(problem)")
        }
        for name in news.over.sorted() where instances.contains(where: { $0.name == name }) {
            self.notifier.note(.instanceUp, name)
        }
    }

    private func lookAtCaps(
        _ situation: GovernorSituation, _ engine: [CapLine], _ patience: Double, _ now: Instant
    ) {
        var lines: [String: String] = [:]
        for tracker in situation.trackers {
            guard let cap = max(tracker.cap, tracker.effectiveCap).rate?.bytesPerSecond else { continue }
            let shares = situation.shares.filter { $0.tracker == tracker.id }.map(\.rate.bytesPerSecond)
            let own = engine.first { $0.name == tracker.id || $0.name == tracker.name }?.rate.bytesPerSecond
            let used = shares.reduce(own ?? 0, &+)
            guard Double(used) > Double(cap) * Self.tolerance else { continue }
            lines[tracker.id] =
                "\(tracker.name): \(kilobytes(used)) kB/s, and the cap is \(kilobytes(cap)) kB/s"
        }
        let news = self.exceeded.observe(Set(lines.keys), patienceSeconds: patience, at: now)
        for id in news.begun.sorted() { self.notifier.note(.capExceeded, lines[id] ?? id) }
    }

    private func lookAtTorrents(_ catalog: CatalogMirror.State, _ patience: Double, _ now: Instant) {
        var present: Set<Trouble> = []
        let wall = Int64(wallSeconds())
        for row in catalog.rows.values {
            guard let trouble = row.summary.trouble, trouble.severity == .problem else { continue }
            // A full disk stops everything: it is not waited for.
            guard trouble.code == .diskFull || Double(wall - trouble.since) >= patience else { continue }
            present.insert(Trouble(torrent: row.summary.id, code: trouble.code))
        }
        // Since when it is so, the row says.
        for trouble in self.troubles.observe(present, patienceSeconds: 0, at: now).begun {
            guard let name = catalog.rows[trouble.torrent]?.summary.name else { continue }
            if trouble.code == .diskFull {
                self.notifier.note(.diskFull, name)
            } else {
                self.notifier.note(
                    .torrentTrouble, "\(name): \(trouble.code.meaning) (\(trouble.code.rawValue))")
            }
        }
    }
}

/// Rounded up: what is above a cap is shown above it.
private func kilobytes(_ bytes: Int64) -> Int64 { (bytes &+ 999) / 1000 }
