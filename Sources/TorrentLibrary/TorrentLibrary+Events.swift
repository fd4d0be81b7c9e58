import MetainfoCoding
import SwarmTypes
import TorrentCatalog
import TorrentEngine

/// What the engine tells.
extension TorrentLibrary {
    func happened(_ event: EngineEvent) {
        switch event {
        case .metadata(let id): self.gotMetadata(id)
        case .running(let id): self.runs(id)
        case .finished(let id): self.finished(id)
        case .failed(let id, let words): self.failed(id, words)
        case .announced(let id):
            self.touched.insert(id)
            self.chooseCap(of: id)
        case .interrupted(let id, let words): self.interrupted(id, words)
        case .damaged(let id, let words):
            guard let torrent = self.torrents[id] else { return }
            self.note(torrent, "damaged", words)
            self.touched.insert(id)
        case .recordFailed(let words): self.environment.report(.recordFailed(words))
        }
    }

    private func gotMetadata(_ id: TorrentID) {
        guard let torrent = self.torrents[id],
            let metainfo = self.ask({ $0.metainfo(of: id) })
        else { return }
        torrent.take(metainfo)
        if let ranges = self.ask({ $0.selectedFiles(of: id) }) {
            torrent.priorities = [:]
            for file in metainfo.files.indices where !ranges.contains(where: { $0.contains(file) }) {
                torrent.priorities[file] = .skip
            }
        }
        self.change(id) { line in
            // A name that somebody gave it stays.
            let name = torrent.isRenamed ? line.name : metainfo.name
            line.take(metainfo)
            line.name = name
        }
        self.placeFiles(of: torrent, metainfo)
        self.note(torrent, "metadata", "The torrent's description came from peers")
        self.queueIsStale = true
        self.save()
    }

    private func runs(_ id: TorrentID) {
        guard let torrent = self.torrents[id] else { return }
        guard !torrent.isCheckedOnly else {
            torrent.isCheckedOnly = false
            self.note(torrent, "checked", "Its files were checked")
            // The numbers go into its line while the engine knows them.
            self.refresh(torrent)
            return self.settleAgain(torrent)
        }
        // It wakes and sleeps without having been stopped.
        if torrent.isBeginning, !torrent.isRestored { self.note(torrent, "started", "Started") }
        torrent.isBeginning = false
        torrent.isRestored = false
        torrent.mustBeChecked = false
        self.unsaved.insert(id)
        self.noteSeeding(torrent)
        self.touched.insert(id)
        self.queueIsStale = true
    }

    private func finished(_ id: TorrentID) {
        guard let torrent = self.torrents[id] else { return }
        let isNew = self.line(of: id)?.completedAt == nil
        self.change(id) { line in if line.completedAt == nil { line.completedAt = self.now } }
        self.noteSeeding(torrent)
        self.queue.removeAll { $0 == id }
        self.queueIsStale = true
        guard isNew else { return }
        self.note(torrent, "finished", "All that is wanted of it is there")
        self.environment.report(.finished(id: id.hex, name: self.line(of: id)?.name ?? ""))
    }

    func noteSeeding(_ torrent: LibraryTorrent) {
        let id = torrent.id
        let isFinished = self.ask { $0.facts(of: id)?.isFinished ?? false }
        if isFinished, torrent.seedingSince == nil { torrent.seedingSince = self.now }
        if !isFinished, !self.queue.contains(id) { self.queue.append(id) }
        if !isFinished, torrent.seedingSince != nil {
            torrent.settleTimes(at: self.now)
            torrent.seedingSince = nil
        }
    }

    /// Its disk has stopped it; the engine tries again by itself.
    private func interrupted(_ id: TorrentID, _ words: String) {
        guard let torrent = self.torrents[id] else { return }
        torrent.filesAreMissing = self.ask { $0.facts(of: id)?.filesAreMissing ?? false }
        self.note(torrent, "interrupted", words)
        self.environment.report(
            .failed(id: id.hex, name: self.line(of: id)?.name ?? "", words: words))
        self.touched.insert(id)
    }

    private func failed(_ id: TorrentID, _ words: String) {
        guard let torrent = self.torrents[id], torrent.phase == .running else { return }
        torrent.filesAreMissing = self.ask { $0.facts(of: id)?.filesAreMissing ?? false }
        self.fail(torrent, words)
        // What it has on disk is recorded by ending it.
        self.settleAgain(torrent)
    }
}
