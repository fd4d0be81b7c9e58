import LibraryPolicy
import MetainfoCoding
public import SwarmTypes
public import TorrentCatalog
import TorrentEngine

extension TorrentLibrary {
    @discardableResult
    public func perform(
        _ command: TorrentCommand, on targets: TorrentTargets
    ) async throws(CatalogFailure) -> [TorrentID] {
        let ids: [TorrentID]
        switch targets {
        case .all: ids = self.torrents.keys.sorted()
        case .some(let some): ids = some.filter { self.torrents[$0] != nil }
        }
        let command = try self.checked(command, isAboutAny: !ids.isEmpty)
        if case .queue(let step) = command {
            self.move(ids, step)
        } else {
            for id in ids {
                guard let torrent = self.torrents[id] else { continue }
                try self.perform(command, torrent)
                self.touched.insert(id)
            }
        }
        // Whoever asks next finds it done.
        self.publish()
        return ids
    }

    /// Refuses what makes no sense for any torrent before the first is touched.
    private func checked(
        _ command: TorrentCommand, isAboutAny: Bool
    ) throws(CatalogFailure) -> TorrentCommand {
        switch command {
        case .setCategory(let name):
            guard name.isEmpty || self.categories[name] != nil else {
                throw .conflict("there is no category \"\(name)\"")
            }
        case .addTags(let tags): return .addTags(try self.checkedTags(tags))
        case .setTags(let tags): return .setTags(try self.checkedTags(tags))
        case .move(let path): return .move(to: try self.checkedFolder(path))
        case .setSuperSeeding(true): throw .notSupported("super-seeding")
        case .rename(let name):
            guard !name.isEmpty, name.utf8.count <= 1000 else { throw .invalid("a name has 1 to 1000 bytes") }
        case .addTrackers(let urls):
            for url in urls { _ = try Self.tracker(url) }
        case .replaceTracker(_, let new): _ = try Self.tracker(new)
        default: break
        }
        return command
    }

    static func tracker(_ text: String) throws(CatalogFailure) -> String {
        guard let url = Announcement.trackerURL(text) else {
            throw .invalid("\"\(text)\" is no tracker's address: http, https and udp are")
        }
        return url
    }

    private func perform(_ command: TorrentCommand, _ torrent: LibraryTorrent) throws(CatalogFailure) {
        let id = torrent.id
        switch command {
        case .start, .stop, .recheck, .force: self.run(command, torrent)
        case .announce: self.ask { $0.announceNow(id) }
        case .remove(let withFiles): self.remove(torrent, withFiles: withFiles)
        case .setUploadLimit(let limit):
            self.change(id) { $0.uploadLimit = limit }
            self.ask { _ = $0.setUploadLimit(limit, of: id) }
        case .setDownloadLimit(let limit):
            self.change(id) { $0.downloadLimit = limit }
            self.ask { _ = $0.setDownloadLimit(limit, of: id) }
        case .setShareLimits(let limits): self.change(id) { $0.shareLimits = limits }
        case .addPeers(let peers): self.ask { $0.addPeers(peers, to: id) }
        case .queue: break
        case .setCategory, .addTags, .removeTags, .setTags, .setManaged: self.sort(command, torrent)
        case .setSequential, .setEndsFirst, .setSuperSeeding, .setFilePriority:
            try self.want(command, torrent)
        case .move(let path):
            self.change(id) { $0.isManaged = false }
            self.move(torrent, to: path)
        case .rename(let name): self.change(id) { $0.name = name }
        case .renamePath(let old, let new): try self.rename(torrent, from: old, to: new)
        case .addTrackers, .replaceTracker, .removeTrackers: try self.editTrackers(command, torrent)
        }
    }

    private func run(_ command: TorrentCommand, _ torrent: LibraryTorrent) {
        switch command {
        case .start, .force(true):
            torrent.isStopped = false
            torrent.failure = nil
            torrent.filesAreMissing = false
        case .stop:
            torrent.isStopped = true
            torrent.isQueued = false
            self.note(torrent, "stopped", "Stopped")
        case .recheck:
            self.note(torrent, "recheck", "Its files are checked")
            self.recheck(torrent)
        default: break
        }
        if case .force(let isForced) = command { self.change(torrent.id) { $0.isForced = isForced } }
        if case .start = command { self.change(torrent.id) { $0.isForced = false } }
        self.queueIsStale = true
        self.arrangeQueue()
        self.settle(torrent)
    }

    /// Its files are hashed anew, whatever was known of them.
    private func recheck(_ torrent: LibraryTorrent) {
        torrent.failure = nil
        torrent.filesAreMissing = false
        torrent.afterwards.append(.recheck)
    }

    // MARK: Removing

    func remove(_ torrent: LibraryTorrent, withFiles: Bool) {
        let id = torrent.id
        let line = self.line(of: id)
        self.torrents[id] = nil
        self.lines[id] = nil
        self.touched.remove(id)
        self.removed.append(id)
        self.queue.removeAll { $0 == id }
        self.queueIsStale = true
        self.endedUploaded += torrent.uploaded
        self.endedDownloaded += torrent.downloaded
        self.environment.report(.removed(id: id.hex, name: line?.name ?? "", withFiles: withFiles))
        defer { self.metainfoBytes[id] = nil }
        let isEnding = self.ask { engine in
            engine.end(id, removingFiles: withFiles) { [weak self] ended in
                self?.assumeIsolated { $0.removedFromEngine(ended) }
            }
        }
        guard !isEnding, withFiles, let line, let metainfo = self.metainfo(of: torrent) else { return }
        let report = self.environment.report
        let renamed = torrent.renamed
        self.ask { engine in
            engine.removeFiles(of: metainfo, renamed: renamed, in: line.directory) { words in
                if let words { report(.failed(id: id.hex, name: line.name, words: words)) }
            }
        }
    }

    private func removedFromEngine(_ ended: EndedTorrent) {
        self.endedUploaded += ended.uploaded
        self.endedDownloaded += ended.downloaded
        guard let words = ended.failure else { return }
        self.environment.report(.failed(id: ended.id.hex, name: "", words: words))
    }

    func metainfo(of torrent: LibraryTorrent) -> Metainfo? {
        let id = torrent.id
        if let metainfo = self.ask({ $0.metainfo(of: id) }) { return metainfo }
        guard let bytes = self.metainfoBytes[id] else { return nil }
        return try? Metainfo(torrentFile: bytes, hashing: .openSSL)
    }

    // MARK: What is wanted

    private func want(_ command: TorrentCommand, _ torrent: LibraryTorrent) throws(CatalogFailure) {
        let id = torrent.id
        switch command {
        case .setSequential(let isOn): self.change(id) { $0.isSequential = isOn }
        case .setEndsFirst(let isOn): self.change(id) { $0.wantsEndsFirst = isOn }
        case .setFilePriority(let files, let priority):
            guard let metainfo = self.metainfo(of: torrent) else {
                throw .conflict("its files are not known yet")
            }
            guard files.allSatisfy({ metainfo.files.indices.contains($0) }) else {
                throw .invalid("the torrent has \(metainfo.files.count) files")
            }
            for file in files { torrent.priorities[file] = priority == .normal ? nil : priority }
            self.sizeWanted(of: torrent, metainfo)
        default: break
        }
        guard let line = self.line(of: id) else { return }
        let wishes = self.wishes(of: torrent, line)
        self.ask { $0.setWishes(wishes, of: id) }
        self.noteSeeding(torrent)
        self.queueIsStale = true
    }

    func sizeWanted(of torrent: LibraryTorrent, _ metainfo: Metainfo) {
        var size: Int64 = 0
        for (number, file) in metainfo.files.enumerated()
        where !file.isPadding && torrent.priorities[number] != .skip {
            size += file.length
        }
        self.change(torrent.id) { $0.wantedSize = size }
    }

    // MARK: Sorting

    private func sort(_ command: TorrentCommand, _ torrent: LibraryTorrent) {
        self.change(torrent.id) { line in
            switch command {
            case .setCategory(let name): line.category = name
            case .addTags(let tags): line.tags = Set(line.tags).union(tags).sorted()
            case .removeTags(let tags):
                line.tags = tags.isEmpty ? [] : Set(line.tags).subtracting(tags).sorted()
            case .setTags(let tags): line.tags = tags
            case .setManaged(let isManaged): line.isManaged = isManaged
            default: break
            }
        }
        self.followCategory(torrent)
    }

    /// A managed torrent lies where its category says.
    func followCategory(_ torrent: LibraryTorrent) {
        guard let line = self.line(of: torrent.id), line.isManaged else { return }
        let folder = managedFolder(
            categoryFolder: self.categories[line.category]?.directory, usual: self.preferences.directory)
        if folder != line.directory { self.move(torrent, to: folder) }
    }
}
