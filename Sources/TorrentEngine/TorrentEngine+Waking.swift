import EventIO
import MetainfoCoding
import PeerPolicy
import PeerProtocol
import StallDiagnosis
import SwarmCore
public import SwarmTypes
import TorrentStorage

/// From the table back to life.
extension TorrentEngine {
    /// Wakes a dormant torrent, as a peer does that asks for it. Answers false when there is none of that id.
    @discardableResult
    public func wake(_ id: TorrentID) -> Bool {
        guard self.torrents[id] == nil else { return true }
        guard self.dormant.table.contains(id) else { return false }
        self.wake(id, for: .owner)
        return true
    }

    /// Whether a torrent sleeps or is not awake yet.
    func isAsleep(_ id: TorrentID) -> Bool {
        self.dormant.waking[id] != nil || (self.torrents[id] == nil && self.dormant.table.contains(id))
    }

    /// Reads the torrent's metainfo on a thread that may wait; whoever waits hears of it once the torrent is awake.
    func wake(_ id: TorrentID, for sleepless: Sleepless) {
        if self.dormant.waking[id] != nil {
            self.dormant.waking[id]?.append(sleepless)
            return
        }
        guard let row = self.dormant.table[id], let profile = self.dormant.profiles[row.profile],
            self.whenStopped == nil, self.ask(for: row, profile)
        else { return self.tell(sleepless, nil) }
        self.dormant.waking[id] = [sleepless]
    }

    /// Answers whether an answer will come.
    private func ask(for row: DormantTorrent, _ profile: DormantProfile) -> Bool {
        let id = row.id
        guard let folder = profile.folder else {
            self.record?.keeper.perform(
                on: self.loop, { store throws(ResumeFailure) in try store.recorded(id) }
            ) { [weak self] result in
                let found = result.mapError { MetainfoUnavailable($0.description) }.flatMap { $0 }
                self?.assumeIsolated { $0.loaded(id, found) }
            }
            return self.record != nil
        }
        let path = "\(folder)/\(row.place)"
        let loop = self.loop
        guard let reader = self.metainfoReader() else { return false }
        reader.post { [weak self] in
            let result: Result<Recorded, MetainfoUnavailable>
            do throws(MetainfoUnavailable) {
                result = .success(Recorded(metainfo: try MetainfoFile.read(path)))
            } catch {
                result = .failure(error)
            }
            loop.post { [weak self] in self?.assumeIsolated { $0.loaded(id, result) } }
        }
        return true
    }

    private func metainfoReader() -> EventLoop? {
        if let reader = self.dormant.reader { return reader }
        do throws(SystemCallFailure) {
            let reader = try EventLoop(name: "weir-metainfo")
            try reader.start()
            self.dormant.reader = reader
            return reader
        } catch {
            self.noteLocalFailure(error)
            return nil
        }
    }

    private func loaded(_ id: TorrentID, _ result: Result<Recorded, MetainfoUnavailable>) {
        self.now = self.loop.now
        guard self.whenStopped == nil else { return self.tellSleepless(id, nil) }
        // Its owner may have ended it meanwhile.
        guard self.dormant.waking[id] != nil else { return }
        do throws(MetainfoUnavailable) {
            try self.begin(id, try result.get())
            self.dormant.failures[id] = nil
        } catch {
            self.dormant.failures[id] = error.words
            self.tellSleepless(id, nil)
            self.observer?(.interrupted(id, error.words))
        }
        self.armTick()
    }

    /// The torrent is awake, or cannot wake now.
    func tellSleepless(_ id: TorrentID, _ torrent: ActiveTorrent?) {
        guard let waiting = self.dormant.waking.removeValue(forKey: id) else { return }
        for sleepless in waiting { self.tell(sleepless, torrent) }
    }

    private func tell(_ sleepless: Sleepless, _ torrent: ActiveTorrent?) {
        switch sleepless {
        case .owner: break
        case .connection(let connection): self.release(connection, to: torrent)
        case .peers(let addresses):
            guard let torrent else { return }
            for address in addresses { self.heardOf(address, .tracker, torrent) }
            self.dialCandidates(of: torrent)
        }
    }

    /// Takes a torrent that sleeps out of the table to be ended, without its metainfo.
    func takeDormant(_ id: TorrentID) -> ActiveTorrent? {
        guard let known = self.dormant.table[id], let profile = self.dormant.profiles[known.profile],
            let (row, ledger) = self.dormant.table.take(id)
        else { return nil }
        self.tellSleepless(id, nil)
        self.dormant.failures[id] = nil
        let torrent = self.makeTorrent(row, ledger, profile.options)
        torrent.lastPieces = .all
        self.dormant.profiles.leave(row.profile)
        self.torrents[id] = torrent
        self.armDormant()
        return torrent
    }

    private func makeTorrent(
        _ row: DormantTorrent, _ ledger: PeerLedger?, _ options: AddOptions
    ) -> ActiveTorrent {
        let torrent = self.makeTorrent(
            self.makeCore(row.id, ownID: row.ownID, isPrivate: row.isPrivate), options, name: row.name,
            schedule: row.schedule, announceKey: row.announceKey, addedAt: row.addedAt)
        torrent.state = .checking(piecesDone: 0)
        torrent.ledger = ledger ?? torrent.ledger
        torrent.tickets = self.dormant.tickets.removeValue(forKey: row.id) ?? [:]
        torrent.core.totals = row.totals
        torrent.core.lastUploadAt = row.lastUploadAt
        torrent.recorded.isCarried = true
        torrent.recorded.uploadedBefore = row.uploadedBefore
        torrent.recorded.downloadedBefore = row.downloadedBefore
        torrent.recorded.uploaded = row.totals.uploaded
        torrent.recorded.downloaded = row.totals.downloaded
        return torrent
    }

    /// Opens a torrent that was dormant. It is the same session: nothing is told to trackers.
    private func begin(_ id: TorrentID, _ recorded: Recorded) throws(MetainfoUnavailable) {
        let metainfo = recorded.metainfo
        guard let known = self.dormant.table[id], let profile = self.dormant.profiles[known.profile] else {
            throw MetainfoUnavailable("it is gone")
        }
        guard metainfo.id == id, metainfo.geometry.totalLength == known.totalLength else {
            throw MetainfoUnavailable("its torrent file is another torrent's now")
        }
        guard let (row, ledger) = self.dormant.table.take(id) else { return }
        self.dormant.profiles.leave(row.profile)
        let torrent = self.makeTorrent(row, ledger, profile.options)
        torrent.place = profile.folder.map { .file(folder: $0, name: row.place) } ?? .session
        torrent.stored = recorded.stored
        self.torrents[id] = torrent
        // Its announces go on while its files are looked at.
        self.announceDue(torrent)
        self.armDormant()
        do throws(AddFailure) {
            try self.open(metainfo, torrent)
        } catch {
            self.fail(torrent, error.description)
        }
    }
}

/// What a dormant torrent wakes with.
struct Recorded: Sendable {
    var metainfo: Metainfo
    /// Nil for one whose record, if there is any, is yet to be read.
    var stored: StoredTorrent?
}

extension ResumeStore {
    /// On the record's own thread: also the metainfo is read there.
    fileprivate func recorded(_ id: TorrentID) throws(ResumeFailure) -> Result<Recorded, MetainfoUnavailable>
    {
        guard let stored = try self.stored(id), let bytes = stored.metainfo else {
            return .failure(MetainfoUnavailable("its metainfo is not in the record"))
        }
        do throws(MetainfoFailure) {
            let metainfo = try Metainfo(torrentFile: bytes, hashing: .openSSL)
            return .success(Recorded(metainfo: metainfo, stored: stored))
        } catch {
            return .failure(MetainfoUnavailable("its recorded metainfo is damaged: \(error)"))
        }
    }
}
