import LimitPlanning
import SwarmTypes

/// What became of one change of a plan.
enum ChangeFate: Hashable, Sendable {
    case pending
    /// The client took it.
    case sent
    /// The request failed; whether the client took it is not known.
    case unknown
    /// Never sent.
    case skipped
    case confirmed
    case drifted
    case gone

    /// How the journal closes it; nil leaves the intent open.
    var ending: IntentEnding? {
        switch self {
        case .pending, .skipped: .failed
        case .sent, .unknown: nil
        case .confirmed: .confirmed
        case .drifted: .drifted
        case .gone: .gone
        }
    }
}

extension Governor {
    /// Sends a plan's calls in order: every decrease, then every increase. Where a decrease failed, its trackers
    /// get no increase; a client that failed is not asked again in this plan.
    func apply(_ plan: Plan) async -> [ChangeFate] {
        var fates = [ChangeFate](repeating: .pending, count: plan.changes.count)
        var blockedTrackers: Set<Int> = []
        var failedInstances: Set<InstanceIndex> = []
        for call in plan.calls {
            var groups: [InstanceIndex: [Int]] = [:]
            for index in call.changes {
                let change = plan.changes[index]
                if !call.isDecrease, blockedTrackers.contains(change.tracker) {
                    fates[index] = .skipped
                } else {
                    groups[change.key.instance, default: []].append(index)
                }
            }
            for (instance, indices) in groups.sorted(by: { $0.key < $1.key }) {
                let isSent = await self.send(
                    call.limit, indices.map { plan.changes[$0].key.id }, to: instance,
                    unless: failedInstances.contains(instance))
                for index in indices { fates[index] = isSent }
                guard isSent != .sent else { continue }
                failedInstances.insert(instance)
                if call.isDecrease { blockedTrackers.formUnion(indices.map { plan.changes[$0].tracker }) }
            }
        }
        return fates
    }

    private func send(
        _ limit: UploadLimit, _ ids: [TorrentID], to instance: InstanceIndex, unless hasFailed: Bool
    ) async -> ChangeFate {
        guard !hasFailed, self.instances.indices.contains(Int(instance.rawValue)) else { return .skipped }
        let client = self.instances[Int(instance.rawValue)].client
        do throws(ClientProblem) {
            try await client.setUploadLimit(limit, on: ids)
            return .sent
        } catch {
            self.counters.failedCalls += 1
            self.environment.report(
                .applyFailed(instance: client.name, torrents: ids.count, limit: limit, problem: error))
            return .unknown
        }
    }

    /// Reads every limit that may have changed. What cannot be read stays sent or unknown.
    func readBack(_ plan: Plan, _ fates: inout [ChangeFate]) async -> [TorrentKey: UploadLimit] {
        var found: [TorrentKey: UploadLimit] = [:]
        for place in self.instances.indices {
            let instance = self.instances[place].index
            let indices = plan.changes.indices.filter { index in
                plan.changes[index].key.instance == instance
                    && (fates[index] == .sent || fates[index] == .unknown)
            }
            guard !indices.isEmpty else { continue }
            do throws(ClientProblem) {
                let limits = try await self.instances[place].client.uploadLimits(
                    of: indices.map { plan.changes[$0].key.id })
                for index in indices {
                    let change = plan.changes[index]
                    guard let limit = limits[change.key.id] else {
                        fates[index] = .gone
                        continue
                    }
                    if limit == change.to { fates[index] = .confirmed; continue }
                    found[change.key] = limit
                    fates[index] = fates[index] == .unknown && limit == change.from ? .skipped : .drifted
                }
            } catch {
                self.counters.failedCalls += 1
                self.pollFailed(place, error)
            }
        }
        return found
    }

    /// Closes the batch and brings the ledger up to date.
    func conclude(
        _ plan: Plan, first: Int64, _ fates: [ChangeFate], _ readBack: [TorrentKey: UploadLimit],
        drift: inout [DriftCause: Int]
    ) -> CycleOutcome {
        var closed: [(intent: Int64, ending: IntentEnding)] = []
        var confirmed = 0
        var drifted = 0
        var skipped = 0
        let now = self.environment.secondsSince1970()
        for (position, (change, fate)) in zip(plan.changes, fates).enumerated() {
            let intent = first + Int64(position)
            if let ending = fate.ending { closed.append((intent, ending)) }
            switch fate {
            case .confirmed:
                confirmed += 1
                self.counters.limitsApplied[change.reason, default: 0] += 1
                self.ledger.confirm(change, at: now)
                self.noteApplied(change.key.instance, at: now)
            case .drifted:
                drifted += 1
                self.ledger.leaveOpen(change)
                drift[.readBack, default: 0] += 1
                self.noteOther(change.key, from: change.from, found: readBack[change.key])
                self.noteDrift(
                    change.key, .readBack, expected: change.to, found: readBack[change.key] ?? change.from)
            case .sent, .unknown:
                self.ledger.leaveOpen(change)
                self.openIntents.append(
                    OpenIntent(
                        intent: intent, key: change.key, from: change.from, to: change.to,
                        reason: change.reason))
            case .pending, .skipped: skipped += 1
            case .gone: self.ledger.remove([change.key])
            }
        }
        do throws(JournalProblem) {
            try self.journal.close(closed)
        } catch {
            // They stay open on disk, and are settled from the clients' real state by the next cycle, or the
            // next start.
            for (intent, _) in closed {
                let change = plan.changes[Int(intent - first)]
                self.openIntents.append(
                    OpenIntent(
                        intent: intent, key: change.key, from: change.from, to: change.to,
                        reason: change.reason))
            }
            self.counters.journalFailures += 1
            self.environment.report(.journalFailed(error))
            return .undetermined(confirmed: 0, open: plan.changes.count)
        }
        let open = plan.changes.count - closed.count
        if open > 0 || skipped > 0 { return .undetermined(confirmed: confirmed, open: open + skipped) }
        if drifted > 0 { return .drifted(confirmed: confirmed, drifted: drifted) }
        return .applied(confirmed)
    }

    /// Settles intents that were left open, from what the clients really have.
    func settleOpenIntents(_ view: ClientsView) throws(JournalProblem) {
        guard !self.openIntents.isEmpty else { return }
        let readable = Set(view.parts.filter(\.isCurrent).map(\.instance))
        let ready = self.openIntents.filter { readable.contains($0.key.instance) }
        guard !ready.isEmpty else { return }
        var wanted = Set(ready.map(\.key))
        var limits: [TorrentKey: UploadLimit] = [:]
        for part in view.parts where part.isCurrent {
            for seen in part.seen.torrents {
                let key = TorrentKey(instance: part.instance, id: seen.id)
                if wanted.remove(key) != nil { limits[key] = seen.limit }
            }
        }
        var confirmed = 0
        let endings = ready.map { ($0.intent, Self.ending(of: $0, found: limits[$0.key])) }
        try self.journal.close(endings)
        for (intent, (_, ending)) in zip(ready, endings) where ending == .confirmed {
            confirmed += 1
            self.ledger.confirm(
                LimitChange(
                    key: intent.key, tracker: 0, from: intent.from, to: intent.to, reason: intent.reason),
                at: self.environment.secondsSince1970())
        }
        self.openIntents.removeAll { readable.contains($0.key.instance) }
        self.environment.report(.settled(intents: ready.count, confirmed: confirmed))
    }

    static func ending(of intent: OpenIntent, found: UploadLimit?) -> IntentEnding {
        switch found {
        case nil: .gone
        case intent.to: .confirmed
        case intent.from: .failed
        default: .drifted
        }
    }
}
