import LibraryPolicy
import MetainfoCoding
public import SwarmTypes
public import TorrentCatalog
import TorrentEngine
import TorrentStorage
import TrackerClient
import TrackerProtocol

extension TorrentLibrary {
    /// What an addition turned out to be.
    private enum Found {
        case file(Metainfo, [UInt8])
        case magnet(MagnetLink, String)

        var id: TorrentID {
            switch self {
            case .file(let metainfo, _): metainfo.id
            case .magnet(let link, _): link.id
            }
        }
    }

    public func add(_ addition: TorrentAddition) async throws(CatalogFailure) -> TorrentID {
        let found: Found
        switch addition.source {
        case .file(let bytes): found = try self.read(bytes)
        case .link(let text): found = try await self.follow(text)
        }
        guard self.isReady, !self.isStopping else { throw .failed("Weir is starting or stopping") }
        let id = found.id
        guard self.torrents[id] == nil else { throw .alreadyThere(id) }
        guard self.leaving[id] == nil else { throw .conflict("the torrent is being removed") }
        if !addition.category.isEmpty, self.categories[addition.category] == nil {
            try self.createCategory(TorrentCategory(name: addition.category))
        }
        let tags = try self.checkedTags(addition.tags)
        let directory = try self.folder(for: addition)
        let torrent = self.insert(found, addition, tags: tags, directory: directory)
        // It begins only when it is recorded; so nobody sees one that a crash would lose.
        torrent.isBusy = true
        do throws(CatalogFailure) {
            try await self.record(id, self.recordAddition(of: found, torrent))
        } catch {
            self.takeBack(torrent)
            throw error
        }
        torrent.isBusy = false
        self.environment.report(.added(id: id.hex, name: self.line(of: id)?.name ?? ""))
        self.queueIsStale = true
        self.arrangeQueue()
        self.settle(torrent)
        self.publish()
        return id
    }

    private func recordAddition(of found: Found, _ torrent: LibraryTorrent) -> ResumeAddition {
        let line = self.line(of: torrent.id)
        let record = ResumeRecord(
            torrent: torrent.id, name: line?.name ?? "", directory: line?.directory ?? "",
            state: .needsCheck, totalLength: torrent.storedLength, pieceCount: line?.pieceCount ?? 0,
            addedAt: line?.addedAt ?? self.now, trackers: torrent.saved)
        switch found {
        case .file(_, let bytes): return ResumeAddition(record, metainfo: bytes)
        case .magnet(_, let text): return ResumeAddition(record, link: text)
        }
    }

    private func takeBack(_ torrent: LibraryTorrent) {
        let id = torrent.id
        if let cap = self.line(of: id)?.capName { self.capCounts[cap, default: 1] -= 1 }
        self.torrents[id] = nil
        self.lines[id] = nil
        self.touched.remove(id)
        self.unsaved.remove(id)
        self.queue.removeAll { $0 == id }
        self.removed.append(id)
    }

    private func read(_ bytes: [UInt8]) throws(CatalogFailure) -> Found {
        let metainfo: Metainfo
        do throws(MetainfoFailure) {
            metainfo = try Metainfo(torrentFile: bytes, hashing: .openSSL)
        } catch {
            throw .invalid("this is no torrent file: \(error)")
        }
        guard metainfo.version != .v2 else { throw .onlyVersion2 }
        return .file(metainfo, bytes)
    }

    private func follow(_ text: String) async throws(CatalogFailure) -> Found {
        let text = String(text.drop(while: \.isWhitespace))
        if text.utf8.count == 40, TorrentID(hex: text) != nil {
            return try self.magnet("magnet:?xt=urn:btih:" + text)
        }
        guard text.isWebAddress else { return try self.magnet(text) }
        guard let fetcher = self.environment.fetcher else { throw .notSupported("web addresses") }
        let url: TrackerURL
        do throws(TrackerURL.Problem) {
            url = try TrackerURL(text)
        } catch {
            throw .invalid("this is no web address that Weir can ask: \(error)")
        }
        switch await self.environment.download.fetch(url, by: fetcher) {
        case .success(.file(let bytes)): return try self.read(bytes)
        case .success(.magnet(let link)): return try self.magnet(link)
        case .failure(let failure): throw .failed("the torrent file could not be fetched: \(failure)")
        }
    }

    private func magnet(_ text: String) throws(CatalogFailure) -> Found {
        let link: MagnetLink
        do throws(MagnetFailure) {
            link = try MagnetLink(text)
        } catch {
            throw .invalid("this is no link that Weir can add: \(error)")
        }
        guard link.v1ID != nil else { throw .onlyVersion2 }
        return .magnet(link, text)
    }

    private func insert(
        _ found: Found, _ addition: TorrentAddition, tags: [String], directory: String
    ) -> LibraryTorrent {
        let torrent = LibraryTorrent(id: found.id)
        var line = TorrentSummary(id: found.id, name: "", state: .stopped)
        switch found {
        case .file(let metainfo, _):
            torrent.take(metainfo)
            line.take(metainfo)
        case .magnet(let link, _):
            torrent.saved = SavedTrackers(tiers: link.announcement.tiers)
            torrent.priorities = Self.priorities(selecting: link.selectedFiles)
            line.name = link.displayName ?? link.id.hex
            line.infoHashV1 = link.v1ID?.hex ?? ""
            line.infoHashV2 = link.v2InfoHash?.hex ?? ""
            line.trackers = link.trackers
            line.magnet = link.text
        }
        if let name = addition.name, !name.isEmpty {
            line.name = name
            torrent.isRenamed = true
        }
        line.directory = directory
        line.category = addition.category
        line.tags = tags
        line.tracker = line.trackers.first ?? ""
        line.addedAt = self.now
        line.uploadLimit = addition.uploadLimit
        line.downloadLimit = addition.downloadLimit
        line.shareLimits = addition.shareLimits
        line.isSequential = addition.isSequential
        line.wantsEndsFirst = addition.wantsEndsFirst
        line.isForced = addition.isForced
        line.isManaged =
            addition.isManaged ?? (self.preferences.managesByDefault && addition.directory == nil)
        torrent.isStopped = addition.isStopped ?? self.preferences.startsStopped
        torrent.knowledge = addition.isTrusted ? .complete : .check
        self.torrents[found.id] = torrent
        // One that has gone and comes again has only changed.
        self.removed.removeAll { $0 == found.id }
        self.goneFromRecord.removeAll { $0 == found.id }
        self.lines[found.id] = line
        self.noteShareLimits(line.shareLimits, of: found.id)
        if addition.goesToTop { self.queue.insert(found.id, at: 0) } else { self.queue.append(found.id) }
        if case .file(let metainfo, _) = found { self.placeFiles(of: torrent, metainfo) }
        self.note(torrent, "added", "Added to the library")
        self.chooseCap(of: torrent.id)
        return torrent
    }

    /// All but these are skipped. The number of files is not known yet: those behind the last range are skipped when it is.
    static func priorities(selecting ranges: [ClosedRange<Int>]?) -> [Int: FilePriority] {
        guard let ranges, let last = ranges.last?.upperBound, last < 1 << 16 else { return [:] }
        var priorities: [Int: FilePriority] = [:]
        for file in 0...last where !ranges.contains(where: { $0.contains(file) }) {
            priorities[file] = .skip
        }
        return priorities
    }

    /// Where an addition's files go.
    private func folder(for addition: TorrentAddition) throws(CatalogFailure) -> String {
        let category = self.categories[addition.category]?.directory
        guard let directory = addition.directory, !directory.isEmpty, addition.isManaged != true else {
            return managedFolder(categoryFolder: category, usual: self.preferences.directory)
        }
        return try self.checkedFolder(directory)
    }

    /// An absolute path without anything that leads elsewhere than it looks.
    func checkedFolder(_ text: String) throws(CatalogFailure) -> String {
        var path = text.hasPrefix("/") ? text : joinedPath(self.preferences.directory, text)
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard path == "/" || isSafePath(String(path.dropFirst())) else {
            throw .invalid("\"\(text)\" is no folder's path")
        }
        return path
    }
}

extension CatalogFailure {
    static let onlyVersion2 = CatalogFailure.invalid(
        "the torrent has only version 2 piece hashes (BEP 52); Weir cannot transfer these yet")
}

extension String {
    fileprivate var isWebAddress: Bool {
        let text = self.prefix(8).lowercased()
        return text.hasPrefix("http://") || text.hasPrefix("https://")
    }
}
