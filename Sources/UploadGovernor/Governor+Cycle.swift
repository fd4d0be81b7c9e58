public import LimitPlanning
import SwarmTypes

extension Governor {
    /// One whole cycle. The caller holds the gate.
    func cycle(_ scope: PlanningScope, isAskedFor: Bool) async -> CycleReport {
        let started = self.environment.now()
        let requestsBefore = await self.requestCount()
        self.cycleNumber += 1
        var report = CycleReport(outcome: .unchanged, scope: scope)
        report.outcome = await self.outcome(of: scope, isAskedFor: isAskedFor, into: &report)
        report.requests = await self.requestCount() - requestsBefore
        report.durationSeconds = self.environment.now().seconds(since: started)
        self.counters.cycles += 1
        self.counters.cyclesByOutcome[report.outcome.name, default: 0] += 1
        self.counters.cycleSeconds += report.durationSeconds
        self.lastCycle = LastCycle(
            outcome: report.outcome, endedAt: self.environment.secondsSince1970(),
            durationSeconds: report.durationSeconds, requests: report.requests,
            considered: report.plan?.considered ?? self.lastCycle?.considered ?? 0)
        self.environment.report(.cycleEnded(report))
        return report
    }

    private func outcome(
        of scope: PlanningScope, isAskedFor: Bool, into report: inout CycleReport
    ) async -> CycleOutcome {
        await self.pollInstances(.cheap, hints: self.takeHints(), isAskedFor: isAskedFor)
        report.unread = self.unread()
        guard self.instances.contains(where: \.isCurrent) else {
            return .skipped(report.unread.map { "\($0.name): \($0.problem)" }.joined(separator: "; "))
        }
        let view = await self.takeView()
        do throws(JournalProblem) {
            try self.settleOpenIntents(view)
            report.drift = try self.noticeDrift(view)
            try self.forgetAbsent()
        } catch {
            return self.refused(error)
        }
        if let reason = self.pauseReason {
            guard reason == .rolledBack, !self.configuration.isDryRun else { return .paused(reason) }
            _ = await self.restoreClaims(view)
            return .paused(reason)
        }

        // What another hand or a crash has changed gets its share again now, not with the next full plan.
        let isLost = [DriftCause.enforced, .lost].contains { report.drift[$0] != nil }
        var input = self.planningInput(view, scope: .governing)
        await self.share(&input)
        let scope = isLost ? .full : scope
        report.scope = scope

        self.observeHeadroom(input)
        self.applyHeadroom(to: &input)
        var settings = self.configuration.planning
        settings.limitsIncludeOverhead = self.instances.contains { $0.limitsIncludeOverhead }
        var plan = makePlan(
            input, settings: settings, state: &self.planning, scope: scope, at: self.environment.now())
        self.takeBackVirtualTracker(&plan)
        self.lastTrackers = plan.trackers
        report.plan = plan
        let outcome = await self.carryOut(plan, drift: &report.drift)
        await self.noteShares(outcome)
        return outcome
    }

    /// What the next cycle would do, from what the last one saw; nothing is asked of any client.
    public func preview() async -> Plan? {
        await self.exclusively { governor in
            guard governor.instances.contains(where: \.wasRead) else { return nil }
            let view = await governor.takeView()
            var input = governor.planningInput(view, scope: .governing)
            governor.applyShares(to: &input)
            governor.applyHeadroom(to: &input)
            var state = governor.planning
            var plan = makePlan(
                input, settings: governor.configuration.planning, state: &state, scope: .full,
                at: governor.environment.now())
            governor.takeBackVirtualTracker(&plan)
            return plan
        }
    }

    /// Records a plan, sends it, reads it back and confirms it.
    func carryOut(_ plan: Plan, drift: inout [DriftCause: Int]) async -> CycleOutcome {
        guard !plan.changes.isEmpty else { return .unchanged }
        if self.configuration.isDryRun { return self.simulate(plan) }
        let first: Int64
        do throws(JournalProblem) {
            first = try self.journal.begin(plan.changes, trackerIDs: self.configuration.trackers.map(\.id))
        } catch {
            return self.refused(error)
        }
        var fates = await self.apply(plan)
        let readBack = await self.readBack(plan, &fates)
        return self.conclude(plan, first: first, fates, readBack, drift: &drift)
    }

    func refused(_ problem: JournalProblem) -> CycleOutcome {
        self.counters.journalFailures += 1
        self.environment.report(.journalFailed(problem))
        return .refused(problem.message)
    }

    private func simulate(_ plan: Plan) -> CycleOutcome {
        for change in plan.changes { self.simulated[change.key] = change.to }
        self.environment.saveSimulated(self.simulated)
        return .simulated(plan.changes.count)
    }

    func unread() -> [(name: String, problem: String)] {
        self.instances.compactMap { instance in
            switch instance.state {
            case .current: nil
            case .unknown: (instance.client.name, "no answer yet")
            case .lost(let problem): (instance.client.name, problem.message)
            }
        }
    }

    func requestCount() async -> Int {
        var count = 0
        for instance in self.instances { count += await instance.client.requestCount() }
        return count
    }
}
