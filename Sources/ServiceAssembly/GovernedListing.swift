import ControlAPI
import EventIO
import LimitPlanning
import QBittorrentAPI
import SwarmTypes
import TorrentCatalog
import UploadGovernor
import WeirSettings

/// The governed torrents with their names, for people. Lives on the governor's loop.
///
/// The governor needs no names, and keeps none. They are asked for when somebody looks, a thousand at a time, and let go of
/// when nobody has looked for a while.
actor GovernedListing {
    private static let batch = 1000
    private static let forgetSeconds = 600.0
    /// Names change seldom; qBittorrent needs about 0.2 ms for each torrent, of which a fiftieth is its share at most.
    private static let leastRefreshSeconds = 60.0
    private static let refreshSecondsPerTorrent = 0.01

    private struct Words {
        var name: String
        var category: String
        var tags: [String]
        var state: TorrentCatalog.TorrentActivity?
        var size: Int64
    }

    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    private var words: [TorrentKey: Words] = [:]
    /// When all words of an instance were last asked for.
    private var asked: [Int: Instant] = [:]
    private var isAsking = false
    /// Counts the replacements of the instances.
    private var era = 0
    private var lastLook: Instant?
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var waits = 0

    init(loop: EventLoop) { self.loop = loop }

    /// - Parameter seconds: So long, where names are not known yet.
    func rows(_ service: RunningService, waitingForNames seconds: Double) async -> [GovernedRow] {
        let rows = await self.rows(service)
        guard seconds > 0, self.isAsking, rows.contains(where: { $0.name.isEmpty && $0.isCurrent }) else {
            return rows
        }
        await self.wait(seconds: seconds)
        return await self.rows(service)
    }

    /// Until all names are there, or this time is over.
    private func wait(seconds: Double) async {
        self.waits += 1
        let number = self.waits
        self.loop.schedule(afterSeconds: seconds) { [weak self] in
            self?.assumeIsolated { $0.waiting.removeValue(forKey: number)?.resume() }
        }
        await withCheckedContinuation { self.waiting[number] = $0 }
    }

    private func rows(_ service: RunningService) async -> [GovernedRow] {
        let adapters = service.adapters()
        guard !adapters.isEmpty else { return [] }
        self.lastLook = monotonicNow()
        let torrents = await service.governor.torrents()
        let trackers = service.settings.trackers.map(\.id)
        self.askForWords(torrents, adapters)
        return torrents.compactMap { torrent in
            let place = Int(torrent.key.instance.rawValue)
            guard adapters.indices.contains(place) else { return nil }
            var row = GovernedRow(
                id: torrent.key.id, instance: adapters[place].name,
                state: torrent.canUpload ? .seeding : .stopped,
                tracker: torrent.tracker.flatMap { trackers.indices.contains($0) ? trackers[$0] : nil },
                reason: GovernedReason(torrent.standing), rate: torrent.uploadRate, limit: torrent.limit,
                original: torrent.original)
            row.leeches = torrent.leeches
            row.seeds = torrent.seeds
            row.lastActivity = torrent.lastActivity > 0 ? torrent.lastActivity : nil
            row.isCurrent = torrent.isCurrent
            guard let words = self.words[torrent.key] else { return row }
            row.name = words.name
            row.category = words.category
            row.tags = words.tags
            row.size = words.size
            // Whether it is stopped, the last poll knows better.
            if torrent.canUpload, let state = words.state, state != .stopped { row.state = state }
            return row
        }
    }

    /// Asks in the background; the next look finds them.
    private func askForWords(_ torrents: [GovernedTorrent], _ adapters: [QBittorrentInstance]) {
        guard !self.isAsking else { return }
        let now = monotonicNow()
        var wanted: [(place: Int, ids: [TorrentID])] = []
        for (place, ids) in Dictionary(
            grouping: torrents.filter(\.isCurrent), by: { Int($0.key.instance.rawValue) })
        where adapters.indices.contains(place) {
            let interval = max(Self.leastRefreshSeconds, Double(ids.count) * Self.refreshSecondsPerTorrent)
            let isDue = self.asked[place].map { now.seconds(since: $0) >= interval } ?? true
            if isDue { self.asked[place] = now }
            let missing = isDue ? ids : ids.filter { self.words[$0.key] == nil }
            if !missing.isEmpty { wanted.append((place, missing.map(\.key.id))) }
        }
        guard !wanted.isEmpty else { return }
        self.isAsking = true
        Task(executorPreference: self.loop) { await self.ask(wanted, adapters) }
    }

    private func ask(_ wanted: [(place: Int, ids: [TorrentID])], _ adapters: [QBittorrentInstance]) async {
        let era = self.era
        for (place, ids) in wanted {
            for start in stride(from: 0, to: ids.count, by: Self.batch) {
                let part = Array(ids[start..<min(start + Self.batch, ids.count)])
                // One that does not answer is told of by the governor; its torrents stay without names.
                guard let details = try? await adapters[place].details(of: part), era == self.era else {
                    break
                }
                for one in details {
                    let key = TorrentKey(instance: InstanceIndex(UInt16(clamping: place)), id: one.id)
                    self.words[key] = Words(
                        name: one.name, category: one.category, tags: one.tags,
                        state: TorrentCatalog.TorrentActivity(qBittorrent: one.state), size: one.sizeBytes)
                }
            }
        }
        self.isAsking = false
        for continuation in self.waiting.values { continuation.resume() }
        self.waiting = [:]
        self.loop.schedule(afterSeconds: Self.forgetSeconds) { [weak self] in
            self?.assumeIsolated { $0.forget() }
        }
    }

    private func forget() {
        guard let lastLook, monotonicNow().seconds(since: lastLook) >= Self.forgetSeconds else { return }
        self.forgetAll()
    }

    /// As when other instances take the places of the present ones.
    func instancesChanged() {
        self.era += 1
        self.forgetAll()
    }

    private func forgetAll() {
        self.words = [:]
        self.asked = [:]
    }
}

extension GovernedReason {
    init(_ standing: GovernedTorrent.Standing) {
        self =
            switch standing {
            case .given(let reason?): GovernedReason(rawValue: reason.rawValue) ?? .given
            case .given(nil): .given
            case .userLimit: .userLimit
            case .noCap: .noCap
            case .outsideRollout: .outsideRollout
            case .idle: .stopped
            case .waiting: .waiting
            case .unplaced: .unplaced
            }
    }
}

extension TorrentCatalog.TorrentActivity {
    /// qBittorrent's word, of any version from 4.1 on; nil for one that is not known.
    init?(qBittorrent word: String) {
        switch word {
        case "uploading", "stalledUP", "forcedUP": self = .seeding
        case "downloading", "stalledDL", "forcedDL", "allocating": self = .downloading
        case "metaDL", "forcedMetaDL": self = .metadata
        case "queuedUP", "queuedDL": self = .queued
        case "pausedUP", "pausedDL", "stoppedUP", "stoppedDL": self = .stopped
        case "checkingUP", "checkingDL": self = .checking
        case "checkingResumeData": self = .checkingAtStart
        case "moving": self = .moving
        case "missingFiles": self = .missingFiles
        case "error": self = .failed
        default: return nil
        }
    }
}
