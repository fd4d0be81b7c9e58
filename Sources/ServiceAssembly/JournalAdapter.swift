import ChangeJournal
import LimitPlanning
import SwarmTypes
import UploadGovernor

/// The governor's journal port over the SQLite journal: instances become names, times are stamped.
final class JournalAdapter: ChangeJournaling {
    private let journal: ChangeJournal
    private let instanceNames: [String]
    private let wallTime: @Sendable () -> WallTime

    init(_ journal: ChangeJournal, instanceNames: [String], wallTime: @escaping @Sendable () -> WallTime) {
        self.journal = journal
        self.instanceNames = instanceNames
        self.wallTime = wallTime
    }

    func remembered() throws(JournalProblem) -> [RememberedTorrent] {
        try self.problem { () throws(JournalFailure) in
            var torrents: [RememberedTorrent] = []
            try self.journal.forEachOriginal(.all) { row in
                guard row.restoredAt == nil || row.isForeign, let key = self.key(row.key) else { return }
                torrents.append(
                    RememberedTorrent(
                        key: key, trackerID: row.tracker, original: row.restoredAt == nil ? row.original : nil,
                        ours: row.restoredAt == nil ? row.ours : nil, isForeign: row.isForeign))
            }
            return torrents
        }
    }

    func openIntents() throws(JournalProblem) -> [OpenIntent] {
        try self.problem { () throws(JournalFailure) in
            try self.journal.openIntents().compactMap { entry in
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
        try self.problem { () throws(JournalFailure) in
            let rows = changes.map { change in
                JournalChange(
                    key: self.journalKey(change.key),
                    tracker: trackerIDs.indices.contains(change.tracker) ? trackerIDs[change.tracker] : "",
                    from: change.from, to: change.to, reason: change.reason.rawValue,
                    restoresOriginal: change.reason.givesBack)
            }
            return try self.journal.begin(rows, at: self.wallTime()).intent(0).rawValue
        }
    }

    func close(_ endings: [(intent: Int64, ending: IntentEnding)]) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in
            let outcomes = endings.map { IntentOutcome(intent: IntentID($0.intent), state: Self.state($0.ending)) }
            try self.journal.settle(outcomes, at: self.wallTime())
        }
    }

    func markForeign(_ keys: [TorrentKey], _ isForeign: Bool) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in
            let keys = keys.map(self.journalKey)
            if isForeign { try self.journal.markRestored(keys, at: self.wallTime()) }
            try self.journal.setForeign(keys, isForeign)
        }
    }

    func release(_ keys: [TorrentKey]) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in
            try self.journal.markRestored(keys.map(self.journalKey), at: self.wallTime())
        }
    }

    func forget(_ keys: [TorrentKey]) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in try self.journal.forget(keys.map(self.journalKey)) }
    }

    func everTouched() throws(JournalProblem) -> [TorrentKey] {
        try self.problem { () throws(JournalFailure) in
            var keys: [TorrentKey] = []
            try self.journal.forEachOriginal(.all) { row in
                if let key = self.key(row.key) { keys.append(key) }
            }
            return keys
        }
    }

    func pause() throws(JournalProblem) -> PauseReason? {
        try self.problem { () throws(JournalFailure) in
            try self.journal.setting(.isPaused).map { PauseReason(rawValue: $0) ?? .requested }
        }
    }

    func setPause(_ reason: PauseReason?) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in
            try self.journal.set(.isPaused, to: reason?.rawValue)
        }
    }

    func rolloutOverride() throws(JournalProblem) -> Int? {
        try self.problem { () throws(JournalFailure) in
            try self.journal.setting(.rolloutPercentage).flatMap(Int.init).flatMap {
                (1...100).contains($0) ? $0 : nil
            }
        }
    }

    func setRolloutOverride(_ percentage: Int?) throws(JournalProblem) {
        try self.problem { () throws(JournalFailure) in
            try self.journal.set(.rolloutPercentage, to: percentage.map(String.init))
        }
    }

    private func journalKey(_ key: TorrentKey) -> JournalKey {
        let place = Int(key.instance.rawValue)
        let name = self.instanceNames.indices.contains(place) ? self.instanceNames[place] : ""
        return JournalKey(instance: name, torrent: key.id)
    }

    /// Nil for an instance that is no longer configured: its record stays until it is configured again.
    private func key(_ key: JournalKey) -> TorrentKey? {
        self.instanceNames.firstIndex(of: key.instance).map {
            TorrentKey(instance: InstanceIndex(UInt16(clamping: $0)), id: key.torrent)
        }
    }

    private func problem<Result>(
        _ body: () throws(JournalFailure) -> Result
    ) throws(JournalProblem) -> Result {
        do {
            return try body()
        } catch {
            throw JournalProblem(message: error.description)
        }
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
