import ChangeJournal
import EventIO
import Glibc
public import LimitPlanning
import LogOutput
import PatternMatching
import SwarmTypes
import UploadGovernor
import WeirSettings

/// How a rollback without a running Weir ended.
public struct OfflineRollback: Sendable {
    public var restored: Int
    public var remaining: Int
    /// The instances that could not be read, with the reason.
    public var problems: [String]
}

/// A governor that is started for one thing, without a running Weir.
extension OneShot {
    /// Gives every torrent its original limit back.
    public func rollBack() async -> Result<OfflineRollback, ServiceFailure> {
        guard access(self.settings.rollback.databasePath, F_OK) == 0 else {
            return .success(OfflineRollback(restored: 0, remaining: 0, problems: []))
        }
        do throws(ServiceFailure) {
            let (governor, _) = try await self.governor(isDryRun: false)
            let report = await governor.rollBack()
            if case .refused(let message) = report.outcome { return .failure(.journal(message)) }
            let problems = await governor.status().instances.compactMap { instance in
                instance.problem.map { "\(instance.name): \($0)" }
            }
            return .success(
                OfflineRollback(restored: report.restored, remaining: report.remaining, problems: problems))
        } catch {
            return .failure(error)
        }
    }

    /// What a cycle would do now. Reads the clients and changes nothing.
    public func plan() async -> Result<Plan, ServiceFailure> {
        do throws(ServiceFailure) {
            let (governor, _) = try await self.governor(isDryRun: true)
            let report = await governor.runCycle(.full)
            guard let plan = report.plan else {
                if case .skipped(let reason) = report.outcome { return .failure(.unreachable(reason)) }
                return .failure(.refused("nothing is planned while Weir is paused; `weir resume` goes on"))
            }
            return .success(plan)
        } catch {
            return .failure(error)
        }
    }

    /// Ends a pause in the journal of a Weir that does not run, or begins one.
    public func setPaused(_ isPaused: Bool) async -> Result<Void, ServiceFailure> {
        do throws(ServiceFailure) {
            let (governor, clients) = try await self.governor(isDryRun: false)
            do throws(JournalProblem) {
                try await governor.setPaused(isPaused)
                if !isPaused { for client in clients { await client.permitLogin() } }
                return .success(())
            } catch {
                return .failure(.journal(error.message))
            }
        } catch {
            return .failure(error)
        }
    }

    private func governor(
        isDryRun: Bool
    ) async throws(ServiceFailure) -> (Governor, [QBittorrentInstance]) {
        let logger = quietLogger()
        let settings = self.settings
        let (journal, clients) = try self.journalAndClients(isNeeded: !isDryRun)
        let matcher: TrackerMatcher
        do throws(PatternFailure) {
            matcher = try TrackerMatcher(patterns: settings.trackers.map { ($0.id, $0.pattern) })
        } catch {
            throw .configuration(error.description)
        }
        var configuration = GovernorConfiguration(settings)
        configuration.isDryRun = isDryRun
        let loop = self.loop
        let governor = Governor(
            executor: loop,
            environment: GovernorEnvironment(
                now: { monotonicNow() }, secondsSince1970: { Int64(wallSeconds()) },
                after: { seconds, body in loop.schedule(afterSeconds: seconds, body) },
                rolloutBucket: { rolloutBucket(of: $0) }),
            journal: journal, clients: clients,
            matcher: MatcherAdapter(matcher, settings, counts: MatchCounts(), logger: logger),
            configuration: configuration)
        do throws(JournalProblem) { try await governor.load() } catch { throw .journal(error.message) }
        return (governor, clients)
    }

    private func journalAndClients(
        isNeeded: Bool
    ) throws(ServiceFailure) -> (any ChangeJournaling & Sendable, [QBittorrentInstance]) {
        let settings = self.settings
        guard isNeeded || access(settings.rollback.databasePath, F_OK) == 0 else {
            let clients = settings.instances.map { instance in
                QBittorrentInstance(
                    instance, loop: self.loop, fetcher: self.fetcher, wasRefused: false,
                    credentialsRefused: { _ in })
            }
            return (ForgetfulJournal(), clients)
        }
        let journal = try openJournal(settings, logger: quietLogger())
        let refused = refusedInstances(settings, journal)
        let keeper = JournalKeeper(journal, loop: self.loop)
        let clients = settings.instances.map { instance in
            QBittorrentInstance(
                instance, loop: self.loop, fetcher: self.fetcher, keeper: keeper, refused: refused)
        }
        let adapter = JournalAdapter(
            keeper, instanceNames: settings.instances.map(\.name), wallTime: { WallTime(wallSeconds()) })
        return (adapter, clients)
    }
}

/// The journal of who only plans: it knows nothing and takes nothing.
private struct ForgetfulJournal: ChangeJournaling {
    private static let refusal = JournalProblem(message: "this command changes nothing")

    func remembered() -> [RememberedTorrent] { [] }
    func openIntents() -> [OpenIntent] { [] }
    func begin(_ changes: [LimitChange], trackerIDs: [String]) throws(JournalProblem) -> Int64 {
        throw Self.refusal
    }
    func close(_ endings: [(intent: Int64, ending: IntentEnding)]) throws(JournalProblem) {
        throw Self.refusal
    }
    func markForeign(_ keys: [TorrentKey], _ isForeign: Bool) throws(JournalProblem) { throw Self.refusal }
    func release(_ keys: [TorrentKey]) throws(JournalProblem) { throw Self.refusal }
    func forget(_ keys: [TorrentKey]) throws(JournalProblem) { throw Self.refusal }
    func everTouched() -> [TorrentKey] { [] }
    func pause() -> PauseReason? { nil }
    func setPause(_ reason: PauseReason?) throws(JournalProblem) { throw Self.refusal }
    func rolloutOverride() -> Int? { nil }
    func setRolloutOverride(_ percentage: Int?) throws(JournalProblem) { throw Self.refusal }
}
