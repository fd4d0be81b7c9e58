import LibraryPolicy
import MetainfoCoding
public import SwarmTypes
public import TorrentCatalog
import TorrentEngine

extension TorrentLibrary {
    private static let mostPeersByHand = 100

    @discardableResult
    public func perform(
        _ command: TorrentCommand, on targets: TorrentTargets
    ) async throws(CatalogFailure) -> [TorrentID] {
        let ids: [TorrentID]
        switch targets {
        case .all: ids = self.torrents.keys.sorted()
        case .some(let some): ids = some.filter { self.torrents[$0] != nil }
        }
        guard self.isReady else { throw .failed("Weir is starting") }
        let command = try self.checked(command)
        if case .move(let path) = command, !ids.isEmpty { try await self.prepareFolder(path) }
        if case .queue(let step) = command {
            self.move(ids, step)
        } else {
            for id in ids {
                guard let torrent = self.torrents[id] else { continue }
                if command.needsFiles {
                    let metainfo = try await self.description(of: torrent)
                    // It may have gone meanwhile.
                    guard self.torrents[id] === torrent else { continue }
                    guard let metainfo else { throw .conflict("the torrent's files are not known yet") }
                    try self.perform(command, torrent, metainfo)
                } else {
                    try self.perform(command, torrent)
                }
                self.touched.insert(id)
                self.unsaved.insert(id)
            }
        }
        self.arrangeQueue()
        for id in ids { if let torrent = self.torrents[id] { self.settle(torrent) } }
        // Whoever asks next finds it done, and so does the next start.
        self.publish()
        try await self.saved()
        return ids
    }

    /// Refuses what makes no sense for any torrent before the first is touched.
    private func checked(_ command: TorrentCommand) throws(CatalogFailure) -> TorrentCommand {
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

    /// Whoever asks for a move hears at once where it cannot go.
    private func prepareFolder(_ path: String) async throws(CatalogFailure) {
        let problem = await withCheckedContinuation { (done: CheckedContinuation<String?, Never>) in
            self.ask { $0.prepareFolder(path) { done.resume(returning: $0) } }
        }
        if let problem { throw .conflict("the files cannot be moved there: \(problem)") }
    }

    static func tracker(_ text: String) throws(CatalogFailure) -> String {
        guard let url = Announcement.trackerURL(text) else {
            // Not the whole of it: it may hold a key.
            let scheme = text.prefix { $0.isLetter }.prefix(16)
            throw .invalid("\"\(scheme)…\" is no tracker's address: http, https and udp are")
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
        case .setShareLimits(let limits):
            self.change(id) { $0.shareLimits = limits }
            self.noteShareLimits(limits, of: id)
        case .addPeers(let peers):
            if torrent.phase == .running { return self.ask { $0.addPeers(peers, to: id) } }
            // It dials them when it starts.
            torrent.peers = Array((torrent.peers + peers).suffix(Self.mostPeersByHand))
        case .queue: break
        case .setCategory, .addTags, .removeTags, .setTags, .setManaged: self.sort(command, torrent)
        case .setSequential, .setEndsFirst: self.want(command, torrent)
        case .setSuperSeeding, .setFilePriority, .renamePath: break
        case .move(let path):
            self.change(id) { $0.isManaged = false }
            self.move(torrent, to: path)
        case .rename(let name):
            torrent.isRenamed = true
            self.change(id) { $0.name = name }
        case .addTrackers, .replaceTracker, .removeTrackers: try self.editTrackers(command, torrent)
        }
    }

    private func perform(
        _ command: TorrentCommand, _ torrent: LibraryTorrent, _ metainfo: Metainfo
    ) throws(CatalogFailure) {
        switch command {
        case .renamePath(let old, let new): try self.rename(torrent, metainfo, from: old, to: new)
        case .setFilePriority(let files, let priority):
            guard files.allSatisfy({ metainfo.files.indices.contains($0) }) else {
                throw .invalid("the torrent has \(metainfo.files.count) files")
            }
            for file in files { torrent.priorities[file] = priority == .normal ? nil : priority }
            self.sizeWanted(of: torrent, metainfo)
            self.wishesChanged(torrent)
        default: break
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
    }

    /// Its files are hashed anew, whatever was known of them.
    private func recheck(_ torrent: LibraryTorrent) {
        torrent.failure = nil
        torrent.filesAreMissing = false
        torrent.afterwards.append(.recheck)
    }

    // MARK: What is wanted

    private func want(_ command: TorrentCommand, _ torrent: LibraryTorrent) {
        switch command {
        case .setSequential(let isOn): self.change(torrent.id) { $0.isSequential = isOn }
        case .setEndsFirst(let isOn): self.change(torrent.id) { $0.wantsEndsFirst = isOn }
        default: break
        }
        self.wishesChanged(torrent)
    }

    private func wishesChanged(_ torrent: LibraryTorrent) {
        let id = torrent.id
        guard let line = self.line(of: id) else { return }
        let wishes = self.wishes(of: torrent, line)
        self.ask { $0.setWishes(wishes, of: id) }
        if torrent.phase == .running { self.noteSeeding(torrent) }
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

extension TorrentCommand {
    /// Whether it speaks of files, which have to be known.
    fileprivate var needsFiles: Bool {
        switch self {
        case .renamePath, .setFilePriority: true
        default: false
        }
    }
}
