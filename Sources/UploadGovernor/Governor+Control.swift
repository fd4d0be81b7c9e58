public import LimitPlanning
public import SwarmTypes

/// One client, for people and programs to look at.
public struct InstanceStatus: Sendable {
    public var name: String
    public var isCurrent: Bool
    public var problem: String?
    public var secondsSinceRead: Double?
    public var requests: Int
    public var torrents: Int
    /// The client refuses the credentials: nothing is tried until they change.
    public var isRefused: Bool
    public var restarts: Int
    /// Limits that were not as Weir had set them.
    public var drifts: Int
    /// Torrents that are left alone because another hand sets their limits again and again.
    public var contested: Int
    /// So many that the whole client is left alone.
    public var isContested: Bool
    /// Torrents whose limits another hand has set, when they are most of them; else 0.
    public var takenOver: Int
    /// When a limit was last confirmed, in seconds since 1970.
    public var lastApplied: Int64?
    /// Changes that were sent and not confirmed yet.
    public var openIntents: Int
    /// By configured tracker, in their order; empty before the first read.
    public var shares: [InstanceShare]
}

/// What one client uploads for one tracker.
public struct InstanceShare: Hashable, Sendable {
    public var rate = ByteRate.zero
    public var torrents = 0
    /// Those that upload.
    public var active = 0

    public init() {}
}

/// How the last cycle went.
public struct LastCycle: Sendable {
    public var outcome: CycleOutcome
    /// Seconds since 1970.
    public var endedAt: Int64
    public var durationSeconds: Double
    public var requests: Int
    /// Torrents that were considered for a share of their own.
    public var considered: Int
}

/// The governor at one moment.
public struct GovernorStatus: Sendable {
    public var configuration: GovernorConfiguration
    public var pause: PauseReason?
    public var instances: [InstanceStatus]
    public var trackers: [TrackerOutcome]
    public var lastCycle: LastCycle?
    public var planning: PlanningState
    public var counters: GovernorCounters
    /// Torrents with a limit that Weir set.
    public var managed: Int
    public var known: Int
    public var openIntents: Int
    /// Torrents whose own limit the user set and Weir respects.
    public var foreign: Int
}

/// A torrent with a limit that Weir set.
public struct ManagedTorrent: Hashable, Sendable {
    public var key: TorrentKey
    public var tracker: Int
    public var limit: UploadLimit
    public var original: UploadLimit?
    /// Seconds since 1970.
    public var managedSince: Int64
    /// Seconds since 1970; 0 when not seen since the start.
    public var lastSeen: Int64
}

extension Governor {
    public func status() async -> GovernorStatus {
        let now = self.environment.now()
        var instances: [InstanceStatus] = []
        for instance in self.instances {
            var problem: String?
            if case .lost(let failure) = instance.state { problem = failure.message }
            instances.append(
                InstanceStatus(
                    name: instance.client.name, isCurrent: instance.isCurrent, problem: problem,
                    secondsSinceRead: instance.lastRead.map { now.seconds(since: $0) },
                    requests: await instance.client.requestCount(), torrents: instance.torrents,
                    isRefused: instance.isRefused, restarts: instance.restarts, drifts: instance.drifts,
                    contested: instance.contest.held, isContested: instance.contest.holdsAll,
                    takenOver: instance.isTakenOver ? instance.takenOver.count : 0,
                    lastApplied: instance.lastApplied,
                    openIntents: self.openIntents.count { $0.key.instance == instance.index },
                    shares: instance.isCurrent ? instance.shares : []))
        }
        var managed = 0
        var foreign = 0
        self.ledger.visit { _, entry in
            if entry.ours != nil { managed += 1 }
            if entry.isForeign { foreign += 1 }
        }
        return GovernorStatus(
            configuration: self.configuration, pause: self.pauseReason, instances: instances,
            trackers: self.lastTrackers, lastCycle: self.lastCycle, planning: self.planning,
            counters: self.counters, managed: managed, known: self.ledger.count,
            openIntents: self.openIntents.count, foreign: foreign)
    }

    /// By tracker, then by key.
    public func managedTorrents() -> [ManagedTorrent] {
        let now = self.environment.now()
        let lastRead = self.instances.map { instance in
            instance.lastRead.map { self.environment.secondsSince1970() - Int64(now.seconds(since: $0)) } ?? 0
        }
        var torrents: [ManagedTorrent] = []
        self.ledger.visit { key, entry in
            guard let ours = entry.ours, let tracker = entry.tracker else { return }
            torrents.append(
                ManagedTorrent(
                    key: key, tracker: Int(tracker), limit: ours, original: entry.original,
                    managedSince: Int64(entry.managedSince),
                    lastSeen: lastRead.indices.contains(Int(key.instance.rawValue))
                        ? lastRead[Int(key.instance.rawValue)] : 0))
        }
        return torrents.sorted { ($0.tracker, $0.key) < ($1.tracker, $1.key) }
    }

    /// Takes a new configuration over between two cycles. Places, smoothing and claims survive where a tracker
    /// keeps its id. A rollout set by hand lives until the configuration names another value.
    public func reconfigure(_ new: GovernorConfiguration, matcher: any TrackerMatching) async {
        await self.exclusively { governor in
            var new = new
            if governor.configuredRollout == new.rolloutPercentage {
                new.rolloutPercentage = governor.configuration.rolloutPercentage
            } else {
                governor.configuredRollout = new.rolloutPercentage
                governor.dropRolloutOverride()
            }
            governor.ledger.remap(from: governor.configuration.trackers, to: new.trackers)
            if !new.isDryRun { governor.simulated = [:] }
            governor.configuration = new
            governor.matcher = matcher
            governor.sentTotals = []
            for place in governor.instances.indices { governor.instances[place].placement.reset() }
        }
        self.replan()
    }

    /// Puts other clients in the place of the present ones. Those that leave are left as when Weir stops; what
    /// is known of the others comes back from the journal, after `renaming` told it of the new list.
    /// - Returns: What went wrong with the journal; the clients are replaced all the same.
    public func replaceClients(
        _ clients: [any GovernedClient], renaming: @Sendable () -> Void
    ) async -> JournalProblem? {
        let problem: JournalProblem? = await self.exclusively { governor in
            let staying = Set(clients.map(\.name))
            let leaving = Set(
                governor.instances.filter { !staying.contains($0.client.name) }.map(\.index))
            if !leaving.isEmpty { await governor.leaveLimits(only: leaving) }
            governor.instanceEra += 1
            governor.awaitedPolls = []
            governor.instances = clients.enumerated().map { place, client in
                InstanceRecord(client: client, index: InstanceIndex(UInt16(clamping: place)))
            }
            governor.ledger = TorrentLedger()
            governor.openIntents = []
            governor.planning = PlanningState()
            governor.simulated = [:]
            renaming()
            do throws(JournalProblem) {
                try governor.load()
                return nil
            } catch {
                return error
            }
        }
        self.replan()
        return problem
    }

    /// Changes the share of torrents that are governed, now and durably.
    public func setRollout(_ percentage: Int) async throws(JournalProblem) {
        let problem: JournalProblem? = await self.exclusively { governor in
            do throws(JournalProblem) {
                try governor.journal.setRolloutOverride(percentage)
                governor.configuration.rolloutPercentage = percentage
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
        self.replan()
    }

    /// Forgets the smoothed cap of a tracker, or of all. Answers how many were forgotten.
    public func resetSmoothing(tracker: String?) async -> Int {
        await self.exclusively { governor in
            guard let tracker else {
                defer { governor.planning.smoothedCaps = [:] }
                return governor.planning.smoothedCaps.count
            }
            return governor.planning.smoothedCaps.removeValue(forKey: tracker) == nil ? 0 : 1
        }
    }

    /// How many torrents look how lively, of those that can upload: scores of at least 0.8, 0.5, 0.2, below.
    public func activity() async -> [Int] {
        await self.exclusively { governor in
            let input = governor.planningInput(await governor.takeView(), scope: .governing)
            var counts = [0, 0, 0, 0]
            for torrent in input.torrents {
                let score = activityScore(of: torrent)
                counts[score >= 0.8 ? 0 : score >= 0.5 ? 1 : score >= 0.2 ? 2 : 3] += 1
            }
            return counts
        }
    }

    /// Which configured tracker an announce URL belongs to.
    public func tracker(for url: String) -> Int { self.matcher.tracker(for: url) }

    private func dropRolloutOverride() {
        do throws(JournalProblem) {
            try self.journal.setRolloutOverride(nil)
        } catch {
            _ = self.refused(error)
        }
    }
}
