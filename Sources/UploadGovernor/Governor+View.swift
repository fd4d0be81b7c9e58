import LimitPlanning
import SwarmTypes

/// What all clients showed at one moment. A client that could not be read this time shows its last good list.
struct ClientsView: Sendable {
    struct Part: Sendable {
        var instance: InstanceIndex
        var isCurrent: Bool
        var restarted: Bool
        var seen: SeenTorrents
    }

    var parts: [Part]
}

/// Which torrents a planning input holds.
enum InputScope: Sendable {
    /// Those that can upload and are in the rollout, and those that leave it.
    case governing
    /// All that Weir has a claim on, stopped ones too.
    case claimed
    /// All torrents, stopped ones too.
    case everything
}

extension Governor {
    /// At most so many torrents a cycle are asked for the state of their trackers.
    private static let maximumTrackerChoices = 50
    /// A torrent is gone when no cycle in so many has seen it: a client that starts shows its torrents little
    /// by little, and what is forgotten cannot be given back.
    private static let cyclesUntilForgotten: UInt32 = 120

    /// The name of the place where torrents stand that leave the rollout; it is in no report.
    private static let outsideRollout = "(outside the rollout)"

    /// Copies what the clients show, places every torrent and marks it as seen.
    func takeView() async -> ClientsView {
        var parts: [ClientsView.Part] = []
        for place in self.instances.indices where self.instances[place].wasRead {
            let instance = self.instances[place]
            let seen = await instance.client.torrents()
            let placed = self.instances[place].placement.count(at: seen.trackerSetsRevision)
            if placed < seen.trackerSetCount {
                let new = await instance.client.trackerSets(from: placed)
                self.instances[place].placement.extend(by: new, self.matcher)
            }
            parts.append(
                ClientsView.Part(
                    instance: instance.index, isCurrent: instance.isCurrent, restarted: instance.restarted,
                    seen: seen))
            self.instances[place].restarted = false
            self.instances[place].torrents = seen.torrents.count
            await self.placeTorrents(seen, at: place)
            self.instances[place].shares = self.shares(of: seen, instance.index)
            self.countSent(seen, at: place)
        }
        return ClientsView(parts: parts)
    }

    /// Adds up what is uploaded for each tracker.
    private func shares(of seen: SeenTorrents, _ instance: InstanceIndex) -> [InstanceShare] {
        var shares = [InstanceShare](repeating: InstanceShare(), count: self.configuration.trackers.count)
        for torrent in seen.torrents {
            let tracker = self.ledger[TorrentKey(instance: instance, id: torrent.id)]?.tracker.map(Int.init)
            guard let tracker, shares.indices.contains(tracker) else { continue }
            shares[tracker].rate = ByteRate(
                bytesPerSecond: shares[tracker].rate.bytesPerSecond &+ torrent.uploadRate.bytesPerSecond)
            shares[tracker].torrents += 1
            if torrent.uploadRate != .zero { shares[tracker].active += 1 }
        }
        return shares
    }

    /// Gives every torrent its tracker. Where the list of URLs does not say it, the client is asked; a failed
    /// question leaves the torrent where it was.
    private func placeTorrents(_ seen: SeenTorrents, at place: Int) async {
        let instance = self.instances[place]
        let now = Int32(clamping: self.environment.now().nanoseconds / 1_000_000_000)
        let lifetime = Int32(clamping: Int(self.configuration.trackerChoiceSeconds))
        var undecided: [TorrentID] = []
        for torrent in seen.torrents {
            let key = TorrentKey(instance: instance.index, id: torrent.id)
            let entry = self.ledger.see(key, cycle: self.cycleNumber, bucket: self.environment.rolloutBucket)
            switch instance.placement[torrent.trackerSet] {
            case .settled(let tracker):
                if entry.tracker != Int16(clamping: tracker) {
                    self.ledger.update(key) { $0.tracker = Int16(clamping: tracker) }
                }
            case .ambiguous(let first):
                if entry.tracker == nil { self.ledger.update(key) { $0.tracker = Int16(clamping: first) } }
                let isStale = entry.placedAt == .min || now - entry.placedAt >= lifetime
                if isStale, instance.isCurrent, undecided.count < Self.maximumTrackerChoices {
                    undecided.append(torrent.id)
                }
            case nil:
                break
            }
        }
        for id in undecided {
            do throws(ClientProblem) {
                let url = try await instance.client.currentTracker(of: id)
                let tracker = Int16(clamping: self.matcher.tracker(for: url ?? ""))
                self.ledger.update(TorrentKey(instance: instance.index, id: id)) { entry in
                    entry.tracker = tracker
                    entry.placedAt = now
                }
            } catch {
                self.environment.report(
                    .trackerChoiceFailed(instance: instance.client.name, torrent: id, problem: error))
                if case .unreachable = error { return }
            }
        }
    }

    /// The input of a plan. Torrents of a client that cannot be read count as held, with the limits they were
    /// last known to have; of a client never read since the start, with those the journal remembers.
    func planningInput(_ view: ClientsView, scope: InputScope) -> PlanningInput {
        var trackers = self.configuration.trackers
        let outside = trackers.count
        trackers.append(GovernedTracker(id: Self.outsideRollout, cap: .unlimited))
        var torrents: [PlanningTorrent] = []
        torrents.reserveCapacity(view.parts.reduce(0) { $0 + $1.seen.torrents.count })
        let now = self.environment.secondsSince1970()
        // Of a client that went away in the middle of a plan there may be as many as it has torrents.
        let open = Dictionary(
            self.openIntents.map { ($0.key, max($0.from, $0.to)) }, uniquingKeysWith: { $1 })

        for part in view.parts {
            for seen in part.seen.torrents where seen.canUpload || scope != .governing {
                let key = TorrentKey(instance: part.instance, id: seen.id)
                guard let entry = self.ledger[key], let place = entry.tracker else { continue }
                if scope == .claimed, entry.original == nil { continue }
                var tracker = Int(place)
                if scope == .governing, Int(entry.rolloutBucket) >= self.configuration.rolloutPercentage {
                    guard entry.original != nil else { continue }
                    tracker = outside
                }
                let keepsLimit =
                    trackers[tracker].cap == .unlimited && tracker != outside
                    && scope == .governing && self.configuration.onStop == .keep
                torrents.append(
                    PlanningTorrent(
                        key: key, tracker: tracker, uploadRate: seen.uploadRate,
                        limit: self.limitInForce(seen, key, entry, isCurrent: part.isCurrent, open),
                        original: keepsLimit ? nil : entry.original,
                        leeches: seen.leeches, seeds: seen.seeds,
                        lastActivityAgeSeconds: seen.lastActivity > 0 ? max(0, now - seen.lastActivity) : nil,
                        standing: part.isCurrent && !entry.isForeign && !self.isContested(key, scope)
                            ? .governed : .held))
            }
        }
        if scope == .governing { self.appendNeverRead(to: &torrents) }
        return PlanningInput(trackers: trackers, torrents: torrents)
    }

    /// The limit to count. Of a client that cannot be read, what Weir last saw in force, or the larger of the
    /// two values between which an open intent leaves it.
    private func limitInForce(
        _ seen: SeenTorrent, _ key: TorrentKey, _ entry: LedgerEntry, isCurrent: Bool,
        _ open: [TorrentKey: UploadLimit]
    ) -> UploadLimit {
        if let simulated = self.simulated[key] { return simulated }
        if isCurrent { return seen.limit }
        return open[key] ?? entry.ours ?? seen.limit
    }

    private func appendNeverRead(to torrents: inout [PlanningTorrent]) {
        let neverRead = Set(self.instances.filter { !$0.wasRead }.map(\.index))
        guard !neverRead.isEmpty else { return }
        self.ledger.visit { key, entry in
            guard neverRead.contains(key.instance), let ours = entry.ours, let tracker = entry.tracker else {
                return
            }
            torrents.append(
                PlanningTorrent(
                    key: key, tracker: Int(tracker), uploadRate: .zero, limit: ours, original: entry.original,
                    standing: .held))
        }
    }

    /// Learns from what each capped tracker uploads now whether its clients keep their limits.
    func observeHeadroom(_ input: PlanningInput) {
        guard !self.configuration.isDryRun else { return }
        var rates = [Int64](repeating: 0, count: input.trackers.count)
        for torrent in input.torrents { rates[torrent.tracker] &+= torrent.uploadRate.bytesPerSecond }
        var busy = [Int](repeating: 0, count: rates.count)
        var busyRates = [Int64](repeating: 0, count: rates.count)
        var slack = [Int64](repeating: 0, count: rates.count)
        var steady = [Int64](repeating: 0, count: rates.count)
        var largest = [Int64](repeating: 0, count: rates.count)
        for torrent in input.torrents {
            largest[torrent.tracker] = max(largest[torrent.tracker], torrent.uploadRate.bytesPerSecond)
        }
        for torrent in input.torrents {
            let rate = torrent.uploadRate.bytesPerSecond
            // A torrent with less than a tenth of the upload swings too little to count.
            if rate > rates[torrent.tracker] / 10 {
                busy[torrent.tracker] += 1
                busyRates[torrent.tracker] &+= rate
            }
            if rate < largest[torrent.tracker] / 3 { steady[torrent.tracker] &+= rate }
            if let limit = torrent.limit.rate?.bytesPerSecond, limit - limit / 8 > rate {
                slack[torrent.tracker] &+= limit - rate
            }
        }
        let now = self.environment.now()
        for (index, tracker) in self.configuration.trackers.enumerated() {
            guard let cap = input.trackers[index].cap.rate?.bytesPerSecond else { continue }
            // Many small ones steady the whole, whatever a few big ones do beside them.
            if busyRates[index] < rates[index] / 5 * 4 { busy[index] = .max }
            let before = self.headroom[tracker.id]?.thousandths ?? 0
            self.headroom[tracker.id, default: LimiterHeadroom()].observe(
                rates[index], busy: busy[index], slack: slack[index], steady: steady[index], cap: cap,
                maximum: Int64(self.configuration.headroomThousandths), at: now)
            let after = self.headroom[tracker.id]?.thousandths ?? 0
            if after != before { self.environment.report(.headroom(tracker: tracker.id, thousandths: after)) }
        }
    }

    func applyHeadroom(to input: inout PlanningInput) {
        for index in input.trackers.indices {
            guard let cap = input.trackers[index].cap.rate?.bytesPerSecond,
                let headroom = self.headroom[input.trackers[index].id]
            else { continue }
            input.trackers[index].cap = .bytesPerSecond(headroom.reduced(cap))
        }
    }

    /// Puts the torrents that leave the rollout back to their real tracker, with the true reason, and the caps
    /// back to what is configured.
    func takeBackVirtualTracker(_ plan: inout Plan) {
        let outside = self.configuration.trackers.count
        if plan.trackers.count > outside { plan.trackers.removeLast(plan.trackers.count - outside) }
        for index in plan.trackers.indices {
            plan.trackers[index].baseCap = self.configuration.trackers[index].cap
        }
        for index in plan.changes.indices where plan.changes[index].tracker >= outside {
            let tracker = self.ledger[plan.changes[index].key]?.tracker
            plan.changes[index].tracker = tracker.map(Int.init) ?? max(0, outside - 1)
            plan.changes[index].reason = .leftRollout
        }
    }

    /// Compares every limit with what Weir had set, and follows the ownership rule where they differ.
    func noticeDrift(_ view: ClientsView) throws(JournalProblem) -> [DriftCause: Int] {
        guard !self.configuration.isDryRun else { return [:] }
        var readings: [(key: TorrentKey, reading: LimitReading, expected: UploadLimit?, found: UploadLimit)] =
            []
        self.settleContests()
        for part in view.parts where part.isCurrent {
            for seen in part.seen.torrents {
                let key = TorrentKey(instance: part.instance, id: seen.id)
                guard let entry = self.ledger[key], entry.ours != nil || entry.isForeign else { continue }
                if self.isLeftAlone(key, seen.limit) { continue }
                let place = entry.tracker.map(Int.init) ?? 0
                let cap =
                    self.configuration.trackers.indices.contains(place)
                    ? self.configuration.trackers[place].cap : .unlimited
                let reading = TorrentLedger.judge(
                    seen.limit, against: entry, cap: cap, restarted: part.restarted,
                    policy: self.configuration.onForeignChange)
                if reading != .asExpected { readings.append((key, reading, entry.ours, seen.limit)) }
            }
        }
        let respected = readings.filter { $0.reading == .drift(.respected) }.map(\.key)
        let handedBack = readings.filter { $0.reading == .handedBack }.map(\.key)
        if !respected.isEmpty { try self.journal.markForeign(respected, true) }
        if !handedBack.isEmpty { try self.journal.markForeign(handedBack, false) }
        var drift: [DriftCause: Int] = [:]
        let restarted = Set(view.parts.filter(\.restarted).map(\.instance))
        self.noteOthers(
            readings.filter { !restarted.contains($0.key.instance) }.map { ($0.key, $0.reading, $0.found) })
        for reading in readings {
            self.ledger.follow(reading.reading, of: reading.key)
            guard case .drift(let cause) = reading.reading, let expected = reading.expected else { continue }
            drift[cause, default: 0] += 1
            self.noteDrift(reading.key, cause, expected: expected, found: reading.found)
        }
        return drift
    }

    func noteApplied(_ instance: InstanceIndex, at now: Int64) {
        guard self.instances.indices.contains(Int(instance.rawValue)) else { return }
        self.instances[Int(instance.rawValue)].lastApplied = now
    }

    func noteDrift(_ key: TorrentKey, _ cause: DriftCause, expected: UploadLimit, found: UploadLimit) {
        self.counters.drift[cause, default: 0] += 1
        guard self.instances.indices.contains(Int(key.instance.rawValue)) else { return }
        self.instances[Int(key.instance.rawValue)].drifts += 1
        self.environment.report(
            .drift(
                instance: self.instances[Int(key.instance.rawValue)].client.name, torrent: key.id,
                cause: cause,
                expected: expected, found: found))
    }

    /// Lets go of torrents that have not been seen for long.
    func forgetAbsent() throws(JournalProblem) {
        guard self.cycleNumber % Self.cyclesUntilForgotten == 0 else { return }
        let oldest = self.cycleNumber - Self.cyclesUntilForgotten
        for instance in self.instances where instance.isCurrent && instance.readSinceCycle <= oldest {
            let gone = self.ledger.unseen(since: oldest, of: instance.index)
            guard !gone.isEmpty else { continue }
            try self.journal.forget(gone)
            self.ledger.remove(gone)
        }
    }
}
