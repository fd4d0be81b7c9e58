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

    /// Reads the torrent's metainfo on a thread of its own; whoever waits hears of it afterwards.
    func wake(_ id: TorrentID, for sleepless: Sleepless) {
        if self.dormant.waking[id] != nil {
            self.dormant.waking[id]?.append(sleepless)
            return
        }
        guard let row = self.dormant.table[id], self.whenStopped == nil, let reader = self.metainfoReader()
        else {
            return self.tell(sleepless, nil)
        }
        self.dormant.waking[id] = [sleepless]
        let load = self.loader(of: row)
        let loop = self.loop
        reader.post { [weak self] in
            let result: Result<Metainfo, MetainfoUnavailable>
            do throws(MetainfoUnavailable) {
                result = .success(try load())
            } catch {
                result = .failure(error)
            }
            loop.post { [weak self] in self?.assumeIsolated { $0.loaded(id, result) } }
        }
    }

    private func loader(
        of row: DormantTorrent
    ) -> @Sendable () throws(MetainfoUnavailable) -> Metainfo {
        if let folder = self.dormant.profiles[row.profile]?.folder {
            let path = "\(folder)/\(row.place)"
            return { () throws(MetainfoUnavailable) in try MetainfoFile.read(path) }
        }
        let (id, load) = (row.id, self.settings.loadMetainfo)
        return { () throws(MetainfoUnavailable) in
            guard let load else { throw MetainfoUnavailable("no session has its metainfo") }
            return try load(id)
        }
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

    private func loaded(_ id: TorrentID, _ result: Result<Metainfo, MetainfoUnavailable>) {
        self.now = self.loop.now
        let waiting = self.dormant.waking.removeValue(forKey: id) ?? []
        var torrent: ActiveTorrent?
        if self.whenStopped == nil {
            do throws(MetainfoUnavailable) {
                torrent = try self.begin(id, try result.get())
                self.dormant.failures[id] = nil
            } catch {
                self.dormant.failures[id] = error.words
                self.observer?(.failed(id, error.words))
            }
        }
        for sleepless in waiting { self.tell(sleepless, torrent) }
        self.armTick()
    }

    /// - Parameter torrent: nil when it cannot wake.
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

    /// Puts a torrent that was dormant into its swarm. It is the same session: nothing is told to trackers.
    private func begin(_ id: TorrentID, _ metainfo: Metainfo) throws(MetainfoUnavailable) -> ActiveTorrent? {
        if let torrent = self.torrents[id] { return torrent }
        guard let known = self.dormant.table[id], let profile = self.dormant.profiles[known.profile] else {
            return nil
        }
        guard metainfo.id == id, metainfo.geometry.totalLength == known.totalLength else {
            throw MetainfoUnavailable("its torrent file is another torrent's now")
        }
        let parts: TorrentParts
        do throws(AddFailure) {
            parts = try TorrentParts(metainfo)
        } catch {
            throw MetainfoUnavailable("\(error)")
        }
        guard let (row, ledger) = self.dormant.table.take(id) else { return nil }
        self.dormant.profiles.leave(row.profile)
        let options = profile.options
        let torrent = self.makeTorrent(
            self.makeCore(id, ownID: row.ownID, isPrivate: row.isPrivate), options, name: row.name,
            schedule: row.schedule, announceKey: row.announceKey, addedAt: row.addedAt)
        torrent.place = profile.folder.map { .file(folder: $0, name: row.place) } ?? .session
        torrent.ledger = ledger ?? torrent.ledger
        torrent.tickets = self.dormant.tickets.removeValue(forKey: id) ?? [:]
        self.torrents[id] = torrent
        let all = Bitfield(allSet: metainfo.geometry.pieceCount)
        let store = TorrentStore(
            torrent: id, layout: parts.layout, directory: options.directory, service: self.storage,
            hashes: options.knowledge == .trusted ? nil : parts.hashes, have: all,
            unproven: options.knowledge == .complete ? all : nil)
        torrent.metainfo = metainfo
        torrent.store = store
        self.observe(store, of: torrent)
        torrent.core.metadataSize = metainfo.infoBytes.count
        torrent.core.totals = row.totals
        torrent.core.lastUploadAt = row.lastUploadAt
        torrent.core.begin(
            metainfo.geometry, have: all, at: self.now, using: &self.random, into: &torrent.actions)
        torrent.state = .running
        torrent.idleSince = self.now
        self.budget.torrentStarted(at: self.now)
        self.performActions(of: torrent)
        self.announceDue(torrent)
        self.armDormant()
        return torrent
    }
}
