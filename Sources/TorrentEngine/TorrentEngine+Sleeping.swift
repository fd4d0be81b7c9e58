import EventIO
import MetainfoCoding
import StallDiagnosis
import SwarmCore
import SwarmTypes
import TorrentStorage

/// Torrents that nobody asks for any more go to the table, with all that trackers and people must not lose.
extension TorrentEngine {
    /// More idle torrents than this do not wait for their time, so that a stranger who knocks for one torrent after the
    /// other has a few of them awake, and not all.
    private static let mostIdle = 64
    /// Of a ledger, what a dormant torrent keeps: the entries that tell the most, and all counts.
    private static let keptLedgerEntries = 16

    /// Whether the torrent could sleep, which has to be seen again when its time is up.
    func noteIdleness(_ torrent: ActiveTorrent) -> Bool {
        guard self.maySleep(torrent) else {
            torrent.idleSince = nil
            return false
        }
        if torrent.idleSince == nil { torrent.idleSince = self.now }
        return true
    }

    private func maySleep(_ torrent: ActiveTorrent) -> Bool {
        guard torrent.place != nil, torrent.state == .running, torrent.core.isComplete,
            torrent.core.peerCount == 0, torrent.dialling == 0, torrent.reads.isEmpty,
            torrent.store?.failure == nil
        else { return false }
        return !self.openings.contains { self.connections[$0]?.torrent === torrent }
    }

    /// Puts to sleep whose time is up.
    func sleepIdle() {
        var idle: [(since: Instant, id: TorrentID)] = []
        for (id, torrent) in self.torrents {
            if let since = torrent.idleSince { idle.append((since, id)) }
        }
        guard !idle.isEmpty else { return }
        idle.sort { $0.since < $1.since }
        let tooMany = idle.count - Self.mostIdle
        var slept = false
        for (number, entry) in idle.enumerated()
        where number < tooMany || self.now.seconds(since: entry.since) >= self.settings.idleSeconds {
            guard let torrent = self.torrents[entry.id], self.maySleep(torrent) else { continue }
            self.sleep(torrent)
            slept = true
        }
        if slept { self.armDormant() }
    }

    private func sleep(_ torrent: ActiveTorrent) {
        guard let place = torrent.place, let metainfo = torrent.metainfo else { return }
        let id = torrent.core.id
        if let timer = torrent.announceTimer { self.loop.cancel(timer) }
        var options = torrent.options
        options.selectedFiles = nil
        options.distrustsRecord = false
        let (fileName, profile) = self.profile(of: options, place)
        var row = DormantTorrent(
            id: id, ownID: torrent.core.ownID, announceKey: torrent.announceKey,
            isPrivate: torrent.core.isPrivate, name: torrent.name, totalLength: metainfo.geometry.totalLength,
            pieceCount: Int32(clamping: metainfo.geometry.pieceCount), addedAt: torrent.addedAt,
            schedule: torrent.schedule, place: fileName, profile: profile)
        row.totals = torrent.core.totals
        row.lastUploadAt = torrent.core.lastUploadAt
        row.uploadedBefore = torrent.recorded.uploadedBefore
        row.downloadedBefore = torrent.recorded.downloadedBefore
        let hasLedger = !torrent.ledger.entries.isEmpty || torrent.ledger.attempts > 0
        self.dormant.table.insert(
            row, ledger: hasLedger ? torrent.ledger.condensed(to: Self.keptLedgerEntries) : nil)
        if !torrent.tickets.isEmpty { self.dormant.tickets[id] = torrent.tickets }
        self.torrents[id] = nil
        self.removeNodes(of: torrent)
        // Who still holds it finds that it takes nobody any more.
        torrent.state = .stopping
        guard let store = torrent.store else { return }
        store.onEvent = nil
        self.dormant.dozing[id] = torrent
        store.stop { [weak self] result in
            self?.assumeIsolated { $0.slept(id, try? result.get()) }
        }
    }

    /// Its storage has stopped: the record learns what was proved.
    private func slept(_ id: TorrentID, _ checkpoint: Checkpoint?) {
        guard let torrent = self.dormant.dozing.removeValue(forKey: id) else { return }
        self.now = self.loop.now
        if let record = self.record, let update = torrent.update(checkpoint) {
            record.dirty.remove(id)
            record.lastUpdates.append(update)
            if self.whenStopped == nil { self.armSave(record) } else { self.saveStopped(record) }
        }
        if self.whenStopped != nil { self.finishStopping() }
    }

    /// A torrent that has just been woken cannot be opened, as when its disk is not there: it sleeps on, and the next who
    /// asks for it tries again. Answers false for any other.
    func sleepOn(_ torrent: ActiveTorrent, _ words: String) -> Bool {
        guard torrent.recorded.isCarried, torrent.core.geometry == nil, torrent.place != nil else {
            return false
        }
        let id = torrent.core.id
        self.sleep(torrent)
        self.armDormant()
        let isNews = self.dormant.failures[id] != words
        self.dormant.failures[id] = words
        self.tellSleepless(id, nil)
        if isNews { self.observer?(.interrupted(id, words)) }
        return true
    }
}
