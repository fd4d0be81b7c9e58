import LimitPlanning
import SwarmTypes

/// How a rollback or reset ended.
public struct RollbackReport: Sendable {
    /// Torrents whose limit was changed and read back.
    public var restored: Int
    /// Torrents that are still to be given back, because their client could not be reached or did not obey. The
    /// governor goes on trying while it is paused.
    public var remaining: Int
    public var outcome: CycleOutcome
    public var isDryRun: Bool
}

extension Governor {
    /// Gives every torrent the limit back that it had before Weir first touched it, and keeps hands off from
    /// then on. The pause is recorded first: a crash half-way is completed by the next start.
    public func rollBack() async -> RollbackReport {
        await self.exclusively { governor in
            if governor.configuration.isDryRun { return governor.dryRunReport() }
            do throws(JournalProblem) {
                try governor.setPause(.rolledBack)
            } catch {
                return RollbackReport(
                    restored: 0, remaining: governor.ledger.claimedCount, outcome: governor.refused(error),
                    isDryRun: false)
            }
            await governor.pollInstances(.full, hints: [], isAskedFor: true)
            let view = await governor.takeView()
            do throws(JournalProblem) {
                try governor.settleOpenIntents(view)
                _ = try governor.noticeDrift(view)
            } catch {
                return RollbackReport(
                    restored: 0, remaining: governor.ledger.claimedCount, outcome: governor.refused(error),
                    isDryRun: false)
            }
            return await governor.restoreClaims(view)
        }
    }

    /// Removes the limits of all torrents that Weir has a claim on, or of all it ever touched, and keeps hands
    /// off from then on. `endsClaims` also forgets the original limits.
    public func resetLimits(everTouched: Bool, endsClaims: Bool) async -> RollbackReport {
        await self.exclusively { governor in
            if governor.configuration.isDryRun { return governor.dryRunReport() }
            var keys: Set<TorrentKey>
            do throws(JournalProblem) {
                keys = everTouched ? Set(try governor.journal.everTouched()) : []
                try governor.setPause(.reset)
            } catch {
                return RollbackReport(
                    restored: 0, remaining: 0, outcome: governor.refused(error), isDryRun: false)
            }
            governor.ledger.visit { key, entry in if entry.original != nil { keys.insert(key) } }
            await governor.pollInstances(.full, hints: [], isAskedFor: true)
            let view = await governor.takeView()
            var input = governor.planningInput(view, scope: .everything)
            input.torrents = input.torrents.filter { keys.contains($0.key) }
            for index in input.torrents.indices { input.torrents[index].original = .unlimited }
            let plan = restorePlan(input, reason: .share)
            var drift: [DriftCause: Int] = [:]
            let outcome = await governor.carryOut(plan, drift: &drift)
            let restored = plan.changes.count { governor.ledger[$0.key]?.ours == .unlimited }
            if endsClaims { governor.endClaims(Array(keys)) }
            return RollbackReport(
                restored: restored, remaining: plan.changes.count - restored, outcome: outcome,
                isDryRun: false)
        }
    }

    /// Keeps hands off, or takes up governing again, also of clients that had refused the credentials.
    public func setPaused(_ isPaused: Bool) async throws(JournalProblem) {
        let problem: JournalProblem? = await self.exclusively { governor in
            do throws(JournalProblem) {
                try governor.setPause(isPaused ? governor.pauseReason ?? .requested : nil)
                if !isPaused {
                    governor.askRefusedAgain()
                    governor.endContests()
                }
                return nil
            } catch {
                return error
            }
        }
        if let problem { throw problem }
        if !isPaused { self.replan() }
    }

    /// Restores all claims of the clients that can be read, by the same way as any plan.
    func restoreClaims(_ view: ClientsView) async -> RollbackReport {
        let input = self.planningInput(view, scope: .claimed)
        let plan = restorePlan(input, reason: .rollback)
        var drift: [DriftCause: Int] = [:]
        let outcome = await self.carryOut(plan, drift: &drift)
        let changed = Set(plan.changes.map(\.key))
        self.endClaims(
            input.torrents.filter { $0.standing == .governed && !changed.contains($0.key) }.map(\.key))
        let restored = plan.changes.count { self.ledger[$0.key]?.original == nil }
        return RollbackReport(
            restored: restored, remaining: self.ledger.claimedCount, outcome: outcome, isDryRun: false)
    }

    /// Leaves the limits as the stop policy says, of all clients or of some. The last thing a governor does.
    @discardableResult
    func leaveLimits(only instances: Set<InstanceIndex>? = nil) async -> CycleReport {
        let started = self.environment.now()
        var report = CycleReport(outcome: .unchanged, scope: .full)
        guard self.configuration.onStop != .keep, self.pauseReason == nil, !self.configuration.isDryRun,
            self.instances.contains(where: \.isCurrent)
        else { return report }
        await self.pollInstances(.cheap, hints: [])
        let view = await self.takeView()
        var plan: Plan
        if self.configuration.onStop == .restore {
            plan = restorePlan(self.planningInput(view, scope: .claimed), reason: .rollback)
        } else {
            var relaxed = relaxPlan(self.planningInput(view, scope: .governing))
            self.takeBackVirtualTracker(&relaxed)
            plan = relaxed
        }
        if let instances { plan.keep { instances.contains($0.key.instance) } }
        report.outcome = await self.carryOut(plan, drift: &report.drift)
        report.plan = plan
        report.durationSeconds = self.environment.now().seconds(since: started)
        return report
    }

    private func askRefusedAgain() {
        for place in self.instances.indices {
            guard case .lost(.refused) = self.instances[place].state else { continue }
            self.instances[place].nextPoll = self.environment.now()
        }
    }

    func setPause(_ reason: PauseReason?) throws(JournalProblem) {
        try self.journal.setPause(reason)
        self.pauseReason = reason
    }

    /// Ends claims that need no change: the torrents already are as they were.
    private func endClaims(_ keys: [TorrentKey]) {
        guard !keys.isEmpty else { return }
        do throws(JournalProblem) {
            try self.journal.release(keys)
            for key in keys {
                self.ledger.update(key) { entry in
                    entry.original = nil
                    entry.ours = nil
                    entry.previous = nil
                }
            }
        } catch {
            _ = self.refused(error)
        }
    }

    private func dryRunReport() -> RollbackReport {
        RollbackReport(restored: 0, remaining: self.ledger.claimedCount, outcome: .unchanged, isDryRun: true)
    }
}

extension Plan {
    /// Leaves out every change that `isKept` does not want, and the calls that were for them alone.
    mutating func keep(_ isKept: (LimitChange) -> Bool) {
        var newPlaces: [Int: Int] = [:]
        for (place, change) in self.changes.enumerated() where isKept(change) {
            newPlaces[place] = newPlaces.count
        }
        self.changes = self.changes.filter(isKept)
        self.calls = self.calls.compactMap { call in
            let changes = call.changes.compactMap { newPlaces[$0] }
            guard !changes.isEmpty else { return nil }
            return LimitCall(limit: call.limit, isDecrease: call.isDecrease, changes: changes)
        }
    }
}
