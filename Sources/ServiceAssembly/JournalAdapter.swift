import ChangeJournal
import EventIO
import LimitPlanning
import SwarmTypes
import UploadGovernor

/// Owns the journal on the governor's loop, where it may block.
actor JournalKeeper {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    let journal: ChangeJournal

    init(_ journal: sending ChangeJournal, loop: EventLoop) {
        self.journal = journal
        self.loop = loop
    }

    func history(limit: Int, torrent: TorrentID?) throws(JournalFailure) -> [JournalEntry] {
        try self.journal.history(limit: limit, torrent: torrent)
    }

    func refusedCredentials(of instance: String) throws(JournalFailure) -> String? {
        try self.journal.setting(.refusedCredentials(instance: instance))
    }

    func setRefusedCredentials(of instance: String, _ fingerprint: String?) throws(JournalFailure) {
        try self.journal.set(.refusedCredentials(instance: instance), to: fingerprint)
    }

    func foldLog() throws(JournalFailure) { try self.journal.foldLog() }

    @discardableResult
    func prune(at now: WallTime) throws(JournalFailure) -> Int { try self.journal.prune(at: now) }
}

/// The governor's journal port over the SQLite journal: instances become names, times are stamped.
///
/// The governor calls it on its own executor, which is the keeper's: no call ever waits for another thread.
final class JournalAdapter: ChangeJournaling, Sendable {
    private let keeper: JournalKeeper
    private let names: Lock<[String]>
    private let wallTime: @Sendable () -> WallTime

    init(_ keeper: JournalKeeper, instanceNames: [String], wallTime: @escaping @Sendable () -> WallTime) {
        self.keeper = keeper
        self.names = Lock(instanceNames)
        self.wallTime = wallTime
    }

    /// Follows a change of the configured instances; only while no cycle runs.
    func setInstanceNames(_ names: [String]) { self.names.withLock { $0 = names } }

    func remembered() throws(JournalProblem) -> [RememberedTorrent] {
        try self.problem { journal throws(JournalFailure) in
            var torrents: [RememberedTorrent] = []
            try journal.forEachOriginal(.all) { row in
                guard row.restoredAt == nil || row.isForeign, let key = self.key(row.key) else { return }
                torrents.append(
                    RememberedTorrent(
                        key: key, trackerID: row.tracker,
                        original: row.restoredAt == nil ? row.original : nil,
                        ours: row.restoredAt == nil ? row.ours : nil, isForeign: row.isForeign,
                        takenAt: row.takenAt.millisecondsSince1970 / 1000))
            }
            return torrents
        }
    }

    func openIntents() throws(JournalProblem) -> [OpenIntent] {
        try self.problem { journal throws(JournalFailure) in
            try journal.openIntents().compactMap { entry in
                guard let key = self.key(entry.change.key),
                    let reason = ChangeReason(rawValue: entry.change.reason)
                else { return nil }
                return OpenIntent(
                    intent: entry.intent.rawValue, key: key, from: entry.change.from, to: entry.change.to,
                    reason: reason)
            }
        }
    }

    func begin(_ changes: [LimitChange], trackerIDs: [String]) throws(JournalProblem) -> Int64 {
        try self.problem { journal throws(JournalFailure) in
            let rows = changes.map { change in
                JournalChange(
                    key: self.journalKey(change.key),
                    tracker: trackerIDs.indices.contains(change.tracker) ? trackerIDs[change.tracker] : "",
                    from: change.from, to: change.to, reason: change.reason.rawValue,
                    restoresOriginal: change.reason.givesBack)
            }
            return try journal.begin(rows, at: self.wallTime()).intent(0).rawValue
        }
    }

    func close(_ endings: [(intent: Int64, ending: IntentEnding)]) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in
            let outcomes = endings.map {
                IntentOutcome(intent: IntentID($0.intent), state: Self.state($0.ending))
            }
            try journal.settle(outcomes, at: self.wallTime())
        }
    }

    func markForeign(_ keys: [TorrentKey], _ isForeign: Bool) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in
            let keys = keys.map(self.journalKey)
            if isForeign { try journal.markRestored(keys, at: self.wallTime()) }
            try journal.setForeign(keys, isForeign)
        }
    }

    func release(_ keys: [TorrentKey]) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in
            try journal.markRestored(keys.map(self.journalKey), at: self.wallTime())
        }
    }

    func forget(_ keys: [TorrentKey]) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in try journal.forget(keys.map(self.journalKey)) }
    }

    func everTouched() throws(JournalProblem) -> [TorrentKey] {
        try self.problem { journal throws(JournalFailure) in
            var keys: [TorrentKey] = []
            try journal.forEachOriginal(.all) { row in
                if let key = self.key(row.key) { keys.append(key) }
            }
            return keys
        }
    }

    func pause() throws(JournalProblem) -> PauseReason? {
        try self.problem { journal throws(JournalFailure) in
            try journal.setting(.isPaused).map { PauseReason(rawValue: $0) ?? .requested }
        }
    }

    func setPause(_ reason: PauseReason?) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in
            try journal.set(.isPaused, to: reason?.rawValue)
        }
    }

    func rolloutOverride() throws(JournalProblem) -> Int? {
        try self.problem { journal throws(JournalFailure) in
            try journal.setting(.rolloutPercentage).flatMap(Int.init).flatMap {
                (1...100).contains($0) ? $0 : nil
            }
        }
    }

    func setRolloutOverride(_ percentage: Int?) throws(JournalProblem) {
        try self.problem { journal throws(JournalFailure) in
            try journal.set(.rolloutPercentage, to: percentage.map(String.init))
        }
    }

    private func journalKey(_ key: TorrentKey) -> JournalKey {
        let place = Int(key.instance.rawValue)
        let name = self.names.withLock { $0.indices.contains(place) ? $0[place] : "" }
        return JournalKey(instance: name, torrent: key.id)
    }

    /// Nil for an instance that is no longer configured: its record stays until it is configured again.
    private func key(_ key: JournalKey) -> TorrentKey? {
        self.names.withLock { $0.firstIndex(of: key.instance) }.map {
            TorrentKey(instance: InstanceIndex(UInt16(clamping: $0)), id: key.torrent)
        }
    }

    private func problem<Result: Sendable>(
        _ body: @Sendable (ChangeJournal) throws(JournalFailure) -> Result
    ) throws(JournalProblem) -> Result {
        let result = self.keeper.assumeIsolated { keeper -> Swift.Result<Result, JournalFailure> in
            do throws(JournalFailure) { return .success(try body(keeper.journal)) } catch {
                return .failure(error)
            }
        }
        do { return try result.get() } catch { throw JournalProblem(message: error.description) }
    }

    private static func state(_ ending: IntentEnding) -> IntentState {
        switch ending {
        case .confirmed: .confirmed
        case .failed: .failed
        case .drifted: .drifted
        case .gone: .gone
        }
    }
}
