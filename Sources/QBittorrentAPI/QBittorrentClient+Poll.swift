public import SwarmTypes

extension QBittorrentClient {
    /// At most so many torrents are asked for by name in a poll, beside those that are active.
    static let maximumNamed = 1000

    /// Brings the table up to date by the cheapest way that is right for this version.
    ///
    /// From Web API 2.9.2 these are differences, and everything once more after any poll that failed,
    /// because an answer that got lost may have held changes that are not sent again. Before, these are the
    /// active torrents and those that just ceased to be active.
    ///
    /// - Parameter hints: torrents of which something was heard; they are read in any case (1,000 at most).
    public func poll(
        _ depth: PollDepth = .cheap, hints: [TorrentID] = []
    ) async throws(ClientFailure) -> PollReport {
        await self.turn.take()
        defer { self.turn.give() }
        let before = self.session.calls.values
        do {
            var report = try await self.observe(depth, Array(hints.prefix(Self.maximumNamed)))
            let after = self.session.calls.values
            report.calls = after.reduce(0) { $0 + $1.calls } - before.reduce(0) { $0 + $1.calls }
            report.bytes = after.reduce(0) { $0 + $1.bytes } - before.reduce(0) { $0 + $1.bytes }
            return report
        } catch {
            self.observation.responseID = 0
            throw error
        }
    }

    private func observe(_ depth: PollDepth, _ hints: [TorrentID]) async throws(ClientFailure) -> PollReport {
        try await self.learnVersion()
        let isFirst = self.observation.epoch == 0
        var reading = try await self.read(
            depth == .full || self.observation.epoch != self.session.epoch, hints)
        let restarted = !isFirst && (reading.showsRestart || self.observation.epoch != self.session.epoch)
        if restarted {
            self.forgetVersion()
            try await self.learnVersion()
            if !reading.isComplete { reading = try await self.read(true, hints) }
        }
        return self.takeOver(reading, restarted: restarted)
    }

    private func takeOver(_ reading: consuming Reading, restarted: Bool) -> PollReport {
        var report = PollReport()
        report.isComplete = reading.isComplete
        report.restarted = restarted
        report.malformedRows = reading.revision.malformedRows
        self.observation = reading.observation
        self.observation.epoch = self.session.epoch
        let changes = reading.revision.changes(isComplete: reading.isComplete)
        report.added = changes.newcomers.map(\.id)
        report.removed = changes.removed.map { self.table.rows[$0].id }
        self.table.apply(changes)
        for (id, written) in reading.limits { self.table.setLimit(written: written, of: id) }
        if reading.isComplete, !self.usesDifferences {
            self.observation.active = Set(self.table.rows.filter { $0.uploadRate > .zero }.map(\.id))
        }
        return report
    }

    /// A poll whose answers have all come.
    private struct Reading {
        var revision: TableRevision
        var observation: Observation
        var isComplete: Bool
        var showsRestart: Bool
        /// Limits that differences need not show.
        var limits: [TorrentID: Int64] = [:]
    }

    private func read(_ everything: Bool, _ hints: [TorrentID]) async throws(ClientFailure) -> Reading {
        self.usesDifferences
            ? try await self.readDifferences(everything, hints) : try await self.readLists(everything, hints)
    }

    private func readDifferences(
        _ everything: Bool, _ hints: [TorrentID]
    ) async throws(ClientFailure) -> Reading {
        var asked = everything ? 0 : self.observation.responseID
        var answer: MainDataReader
        do {
            answer = try await self.mainData(asked)
        } catch {
            // A connection that the server closed while it was idle: the differences may be lost with it.
            guard case .unreachable = error, asked != 0 else { throw error }
            asked = 0
            answer = try await self.mainData(0)
        }
        guard let responseID = answer.responseID, responseID > 0 else {
            throw .malformedAnswer(endpoint: .mainData, "there is no rid")
        }
        guard answer.isFull || asked != 0 else {
            throw .malformedAnswer(endpoint: .mainData, "differences where everything was asked for")
        }
        var observation = self.observation
        observation.responseID = responseID
        let isUninvited = answer.isFull && asked != 0 && self.session.epoch == observation.epoch
        observation.uninvitedFullAnswers = isUninvited ? observation.uninvitedFullAnswers + 1 : 0
        observation.isSessionShared = observation.uninvitedFullAnswers >= 2
        // The number begins anew at 1 after a million answers.
        let wentBack = !answer.isFull && responseID < asked && asked < 1_000_000
        let showsRestart =
            isUninvited && !observation.isSessionShared || wentBack || answer.revision.countersWentBack
            || observation.goesBack(to: answer.uploadedEver, answer.uploadedThisSession)
        var (revision, limits) = try await self.withLiveLimits(answer.revision)
        if !answer.isFull {
            let listed = Set(revision.listed)
            revision = try await self.readNamed(hints.filter { !listed.contains($0) }, revision)
        }
        return Reading(
            revision: revision, observation: observation, isComplete: answer.isFull,
            showsRestart: showsRestart, limits: limits)
    }

    private func mainData(_ responseID: Int64) async throws(ClientFailure) -> MainDataReader {
        var revision = TableRevision(base: self.table)
        if responseID != 0 { revision.startList() }
        return try await self.session.read(
            .mainData, query: "rid=\(responseID)", isLong: responseID == 0, MainDataReader.shape,
            MainDataReader(revision: revision))
    }

    /// Asks for the limits that differ from the table's.
    ///
    /// `sync/maindata` is up to a refresh interval (1.5 s) behind, even when everything is asked for: it may
    /// still say the limit from before one that was read back since.
    /// And it says nothing of a limit that was set, and set back to what it was, since the last answer: those that were read
    /// back since are asked for too, and told beside the revision.
    private func withLiveLimits(
        _ revision: TableRevision
    ) async throws(ClientFailure) -> (TableRevision, [TorrentID: Int64]) {
        let changed = Set(revision.idsOfChangedLimits)
        let asked = changed.union(self.doubtfulLimits.keys)
        guard !asked.isEmpty else { return (revision, [:]) }
        var revision = revision
        var others: [TorrentID: Int64] = [:]
        for (id, written) in try await self.currentLimits(of: Array(asked)) {
            if changed.contains(id) {
                revision.correctLimit(written: written, of: id)
            } else {
                others[id] = written
            }
        }
        self.doubtfulLimits = self.doubtfulLimits.compactMapValues { $0 > 1 ? $0 - 1 : nil }
        return (revision, others)
    }

    private func readLists(_ everything: Bool, _ hints: [TorrentID]) async throws(ClientFailure) -> Reading {
        var revision = TableRevision(base: self.table)
        revision.startList()
        var observation = self.observation
        var showsRestart = false
        if case .apiKey = self.session.credentials {
            // A key is good for any process, so that only the server's counter shows a new one.
            let transfer = try await self.readTransferInfo()
            showsRestart = observation.goesBack(to: nil, transfer.uploadedThisSession)
        }
        let list = try await self.session.read(
            .torrents, query: everything ? "" : "filter=active", isLong: everything, TorrentListReader.shape,
            TorrentListReader(revision: revision))
        revision = list.revision
        if !everything {
            let active = Set(revision.listed)
            let left = observation.active.subtracting(active).sorted()
            let named = hints.filter { !active.contains($0) } + left.prefix(Self.maximumNamed)
            revision = try await self.readNamed(named, revision)
            observation.active = active.union(left.dropFirst(Self.maximumNamed))
        }
        return Reading(
            revision: revision, observation: observation, isComplete: everything,
            showsRestart: showsRestart || revision.countersWentBack)
    }

    /// Reads these torrents; those that qBittorrent does not list are gone.
    private func readNamed(
        _ ids: [TorrentID], _ revision: TableRevision
    ) async throws(ClientFailure) -> TableRevision {
        guard !ids.isEmpty else { return revision }
        let wanted = Set(ids)
        var revision = revision
        revision.startList()
        var form = FormBody()
        form.append(hashes: wanted)
        revision = try await self.session.read(
            .torrents, form: form, TorrentListReader.shape, TorrentListReader(revision: revision)
        ).revision
        if !revision.hasUnknownRow {
            for id in wanted.subtracting(revision.listed) { revision.remove(id) }
        }
        return revision
    }
}
