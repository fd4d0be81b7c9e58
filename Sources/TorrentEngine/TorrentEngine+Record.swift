import EventIO
import Glibc
import MetainfoCoding
import SwarmCore
import SwarmTypes
public import TorrentStorage

/// The record for the next start: what changed is saved every few seconds, for all torrents in one transaction, and only
/// after the data it names is on disk. No timer runs while nothing changes.
extension TorrentEngine {
    /// Keeps the record of this engine's torrents from now on. Call it before the first one is added; the engine ends the
    /// keeper when it stops.
    public func keepRecord(by keeper: ResumeKeeper) { self.record = SessionRecord(keeper) }

    /// Once a second for each torrent that runs.
    func noteProgress(of torrent: ActiveTorrent) {
        guard let record = self.record, !record.dirty.contains(torrent.core.id) else { return }
        guard
            torrent.core.uploaded != torrent.recorded.uploaded
                || torrent.core.downloaded != torrent.recorded.downloaded
                || torrent.store?.hasUnsavedWrites == true
        else { return }
        self.mustSave(torrent)
    }

    func mustSave(_ torrent: ActiveTorrent) {
        guard let record = self.record else { return }
        record.dirty.insert(torrent.core.id)
        self.armSave(record)
    }

    /// The torrent is new, or something else of it than its progress is.
    func mustRecord(_ torrent: ActiveTorrent, _ state: ResumeRecord.State, selection: Bitfield?) {
        guard let record = self.record else { return }
        record.additions.append(torrent.addition(state, selection: selection))
        self.armSave(record)
    }

    func armSave(_ record: SessionRecord) {
        guard record.timer == nil, !record.isSaving, record.hasWork, self.whenStopped == nil else { return }
        // At least what comes with the same call of the loop goes into one transaction.
        let due = max(record.due(at: self.now), self.now.advanced(bySeconds: 0.02))
        record.timer = self.loop.schedule(at: due) { [weak self] in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let record = engine.record else { return }
                record.timer = nil
                engine.save(record)
            }
        }
    }

    private func save(_ record: SessionRecord) {
        guard !record.isSaving else { return }
        record.savedAt = self.now
        record.round = SaveRound(additions: record.additions)
        let dirty = record.dirty
        record.additions = []
        record.dirty = []
        for id in dirty {
            guard let torrent = self.torrents[id], torrent.state != .stopping else { continue }
            guard let store = torrent.store, torrent.isOpened, store.hasUnsavedWrites else {
                record.round?.add(torrent.update(nil))
                continue
            }
            record.round?.waiting += 1
            store.checkpoint { [weak self] result in
                self?.assumeIsolated { $0.checkpointed(result, id) }
            }
        }
        self.write(record)
    }

    private func checkpointed(_ result: Result<Checkpoint, StorageFailure>, _ id: TorrentID) {
        self.now = self.loop.now
        guard let record = self.record else { return }
        // One that stops meanwhile has a newer checkpoint of its own.
        if let torrent = self.torrents[id], torrent.state != .stopping {
            switch result {
            case .success(let checkpoint): record.round?.add(torrent.update(checkpoint))
            case .failure(let failure):
                record.round?.add(torrent.update(nil))
                if torrent.isRunning { self.stopped(torrent, because: failure) }
            }
        }
        self.write(record)
    }

    /// Once the last checkpoint of the round is there.
    private func write(_ record: SessionRecord) {
        record.round?.waiting -= 1
        guard let round = record.round, round.waiting == 0 else { return }
        // A torrent that has stopped since has told its last already.
        let updates = round.updates.filter {
            self.torrents[$0.torrent].map { $0.state != .stopping } ?? false
        }
        self.write(round.additions, updates + record.takeLastUpdates(), record)
    }

    private func write(
        _ additions: [ResumeAddition], _ updates: [ResumeUpdate], _ record: SessionRecord
    ) {
        record.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            if !additions.isEmpty { try store.add(additions) }
            if !updates.isEmpty { try store.save(updates) }
        } then: { [weak self] result in
            self?.assumeIsolated { $0.saved(result, additions, updates) }
        }
    }

    private func saved(
        _ result: Result<Void, ResumeFailure>, _ additions: [ResumeAddition], _ updates: [ResumeUpdate]
    ) {
        self.now = self.loop.now
        guard let record = self.record else { return }
        record.round = nil
        switch result {
        case .success:
            record.succeeded()
            for update in updates { self.torrents[update.torrent]?.noteSaved(update) }
        case .failure(let failure):
            let known = Set(record.additions.map(\.record.torrent))
            record.additions += additions.filter { !known.contains($0.record.torrent) }
            for update in updates {
                guard self.torrents[update.torrent].map({ $0.state != .stopping }) ?? false else {
                    record.lastUpdates.append(update)
                    continue
                }
                record.dirty.insert(update.torrent)
                // Pieces and files go into the next one again.
                if update.checkpoint != nil { self.torrents[update.torrent]?.store?.forgetCheckpoint() }
            }
            if record.failed() { self.observer?(.recordFailed(failure.description)) }
        }
        if self.whenStopped == nil { self.armSave(record) } else { self.saveStopped(record) }
    }

    // MARK: The end

    /// Of saves, when the session ends and none succeeds.
    private static let lastAttempts = 2

    /// A torrent's storage has stopped: the last that is to be said of it.
    func recordStopped(_ torrent: ActiveTorrent, _ checkpoint: Checkpoint?) {
        guard let record = self.record, !torrent.isForgotten else { return }
        let update = torrent.update(checkpoint)
        guard self.whenStopped == nil else {
            if let update { record.lastUpdates.append(update) }
            return self.saveStopped(record)
        }
        // One of many has ended: it is written at once, so that whoever starts it again reads it.
        let id = torrent.core.id
        record.dirty.remove(id)
        let additions = record.additions.filter { $0.record.torrent == id }
        record.additions.removeAll { $0.record.torrent == id }
        guard update != nil || !additions.isEmpty else { return }
        record.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            if !additions.isEmpty { try store.add(additions) }
            if let update { try store.save([update]) }
        } then: { [weak self] result in
            guard case .failure(let failure) = result else { return }
            self?.assumeIsolated { $0.observer?(.recordFailed(failure.description)) }
        }
    }

    /// Writes nothing more of a torrent that is being removed.
    func forget(_ torrent: ActiveTorrent) {
        torrent.isForgotten = true
        let id = torrent.core.id
        self.record?.dirty.remove(id)
        self.record?.additions.removeAll { $0.record.torrent == id }
        self.record?.round?.additions.removeAll { $0.record.torrent == id }
        self.record?.round?.updates.removeAll { $0.torrent == id }
    }

    /// Saves all once the last torrent's storage has stopped, without waiting for trackers.
    func saveStopped(_ record: SessionRecord) {
        guard !record.isSaving, self.torrents.values.allSatisfy({ $0.isStoreStopped }) else { return }
        guard record.hasWork, record.failures < Self.lastAttempts else { return self.finishStopping() }
        if let timer = record.timer { self.loop.cancel(timer) }
        record.timer = nil
        let additions = record.additions
        record.round = SaveRound(additions: additions)
        record.additions = []
        record.dirty = []
        self.write(additions, record.takeLastUpdates(), record)
    }

    /// Whether nothing is left to be saved; then the record is closed, and is gone if that is wanted.
    func closeRecord() -> Bool {
        guard let record = self.record else { return true }
        guard !record.isSaving, !record.hasWork || record.failures >= Self.lastAttempts else { return false }
        if let timer = record.timer { self.loop.cancel(timer) }
        self.record = nil
        if self.removesRecord {
            record.keeper.perform(on: self.loop, { store in store.removeWhenClosed() }, then: { _ in })
        }
        record.keeper.stop()
        return true
    }
}

extension ActiveTorrent {
    /// Whether what its storage says of pieces is more than a first guess.
    var isOpened: Bool {
        if case .checking = self.state { return false }
        return self.core.geometry != nil
    }

    func addition(_ state: ResumeRecord.State, selection: Bitfield?) -> ResumeAddition {
        let addedAt = self.recorded.addedAt ?? wallSeconds()
        self.recorded.addedAt = addedAt
        let record = ResumeRecord(
            torrent: self.core.id, name: self.name, directory: self.options.directory, state: state,
            totalLength: self.metainfo?.geometry.totalLength ?? 0,
            pieceCount: self.metainfo?.geometry.pieceCount ?? 0,
            have: state == .running ? (self.store?.have).map(SavedPieces.init) ?? .none : .none,
            uploaded: self.recorded.uploadedBefore + self.core.uploaded,
            downloaded: self.recorded.downloadedBefore + self.core.downloaded, addedAt: addedAt,
            finishedAt: self.recorded.finishedAt,
            trackers: SavedTrackers(tiers: self.announceTiers, isPrivate: self.core.isPrivate))
        return ResumeAddition(
            record, metainfo: self.metainfo.map(\.fileBytes), selection: selection, link: self.link?.text)
    }

    /// Nil before what was recorded of it could be compared with its files: then the record stays as it is.
    private var announceTiers: [[String]] {
        let tiers = self.metainfo?.announcement.tiers ?? self.link?.announcement.tiers ?? []
        return tiers.isEmpty ? self.recorded.tiers : tiers
    }

    func update(_ checkpoint: Checkpoint?) -> ResumeUpdate? {
        guard self.core.geometry != nil || self.metainfo == nil else { return nil }
        if self.recorded.finishedAt == nil, self.core.isFinished { self.recorded.finishedAt = wallSeconds() }
        return ResumeUpdate(
            torrent: self.core.id, checkpoint: checkpoint,
            uploaded: self.recorded.uploadedBefore + self.core.uploaded,
            downloaded: self.recorded.downloadedBefore + self.core.downloaded,
            state: self.recorded.isPaused ? .paused : .running, finishedAt: self.recorded.finishedAt)
    }

    func noteSaved(_ update: ResumeUpdate) {
        self.recorded.uploaded = update.uploaded - self.recorded.uploadedBefore
        self.recorded.downloaded = update.downloaded - self.recorded.downloadedBefore
    }
}

extension Metainfo {
    /// Of a .torrent file; around an info dictionary that peers have sent (BEP 9), the smallest one there is.
    var fileBytes: [UInt8] {
        guard self.infoRange == self.bytes.indices else { return Array(self.bytes) }
        return Array("d4:info".utf8) + self.bytes + Array("e".utf8)
    }
}

/// Seconds since 1970, for people and not for intervals.
func wallSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
}
