import LibraryPolicy
import MetainfoCoding
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// What is done to a torrent's files while the engine does not have it.
extension TorrentLibrary {
    func move(_ torrent: LibraryTorrent, to directory: String) {
        guard self.line(of: torrent.id)?.directory != directory else { return }
        torrent.afterwards.append(.move(to: directory))
        self.settle(torrent)
    }

    func rename(
        _ torrent: LibraryTorrent, _ metainfo: Metainfo, from old: String, to new: String
    ) throws(CatalogFailure) {
        do throws(RenameProblem) {
            _ = try renamedPaths(self.paths(of: torrent, metainfo), from: old, to: new)
        } catch {
            switch error {
            case .noSuchPath: throw .conflict("the torrent has no \"\(old)\"")
            case .unsafe: throw .invalid("\"\(new)\" is no path that may be used")
            case .taken: throw .conflict("the torrent has a \"\(new)\" already")
            }
        }
        torrent.afterwards.append(.rename(metainfo, from: old, to: new))
        self.settle(torrent)
    }

    private func paths(of torrent: LibraryTorrent, _ metainfo: Metainfo) -> [String] {
        metainfo.files.enumerated().map { number, file in
            // Padding has no place on a disk, and so none of its names is taken.
            file.isPadding ? ".pad/\(number)" : torrent.renamed[number] ?? file.path
        }
    }

    /// Does the first of what waits; the engine has let go of the torrent.
    func doNext(_ torrent: LibraryTorrent) {
        guard torrent.phase == .idle, !torrent.isBusy else { return }
        guard !torrent.afterwards.isEmpty else {
            if torrent.isReady { self.settle(torrent) }
            return
        }
        switch torrent.afterwards.removeFirst() {
        case .recheck:
            torrent.mustBeChecked = true
            torrent.knowledge = .check
            torrent.isCheckedOnly = torrent.isStopped || torrent.isQueued
            self.settle(torrent)
        case .move(let directory): self.moveNow(torrent, to: directory)
        case .rename(let metainfo, let old, let new):
            self.renameNow(torrent, metainfo, from: old, to: new)
        }
    }

    private func moveNow(_ torrent: LibraryTorrent, to directory: String) {
        guard let line = self.line(of: torrent.id), line.directory != directory else {
            return self.settle(torrent)
        }
        torrent.isBusy = true
        let id = torrent.id
        self.keeper.load(id, on: self.loop) { [weak self] result in
            self?.assumeIsolated { library in
                guard let torrent = library.torrents[id] else { return }
                guard case .success(let stored?) = result, let bytes = stored.metainfo,
                    let metainfo = try? Metainfo(torrentFile: bytes, hashing: .openSSL)
                else { return library.moved(torrent, to: directory, true, problem: nil) }
                library.moveFiles(of: torrent, metainfo, to: directory)
            }
        }
    }

    private func moveFiles(of torrent: LibraryTorrent, _ metainfo: Metainfo, to directory: String) {
        guard let line = self.line(of: torrent.id) else { return }
        let (id, renamed) = (torrent.id, torrent.renamed)
        self.ask { engine in
            engine.moveFiles(of: metainfo, renamed: renamed, from: line.directory, to: directory) {
                [weak self] areMoved, problem in
                self?.assumeIsolated { library in
                    guard let torrent = library.torrents[id] else { return }
                    library.moved(torrent, to: directory, areMoved, problem: problem)
                }
            }
        }
    }

    private func moved(
        _ torrent: LibraryTorrent, to directory: String, _ areMoved: Bool, problem: String?
    ) {
        torrent.isBusy = false
        if let problem, areMoved {
            self.note(torrent, "move_left_something", "Something is left in the old folder: \(problem)")
        }
        if !areMoved {
            let problem = problem ?? ""
            self.note(torrent, "move_failed", "Its files could not be moved to \(directory): \(problem)")
        } else {
            self.change(torrent.id) { line in
                let root = line.contentPath.dropFirst(line.directory.count)
                let wasFolder = !line.rootPath.isEmpty
                line.directory = directory
                if !line.contentPath.isEmpty {
                    line.contentPath = directory + root
                    line.rootPath = wasFolder ? line.contentPath : ""
                }
            }
            let id = torrent.id
            self.keeper.perform(
                on: self.loop, { store throws(ResumeFailure) in try store.setDirectory(directory, of: id) },
                then: { _ in })
            self.note(torrent, "moved", "Its folder is \(directory)")
        }
        self.save()
        self.settle(torrent)
    }

    private func renameNow(
        _ torrent: LibraryTorrent, _ metainfo: Metainfo, from old: String, to new: String
    ) {
        guard let line = self.line(of: torrent.id),
            let changes = try? renamedPaths(self.paths(of: torrent, metainfo), from: old, to: new)
        else { return self.settle(torrent) }
        let before = torrent.renamed
        let after = before.merging(changes) { $1 }.filter { metainfo.files[$0.key].path != $0.value }
        torrent.isBusy = true
        let id = torrent.id
        self.ask { engine in
            engine.renameFiles(of: metainfo, from: before, to: after, in: line.directory) {
                [weak self] problem in
                self?.assumeIsolated { $0.renamed(id, metainfo, after, problem, old, new) }
            }
        }
    }

    private func renamed(
        _ id: TorrentID, _ metainfo: Metainfo, _ paths: [Int: String], _ problem: String?, _ old: String,
        _ new: String
    ) {
        guard let torrent = self.torrents[id] else { return }
        torrent.isBusy = false
        if let problem {
            self.note(torrent, "rename_failed", "\(old) could not be renamed to \(new): \(problem)")
        } else {
            torrent.renamed = paths
            self.note(torrent, "renamed", "\(old) is called \(new) now")
            self.placeFiles(of: torrent, metainfo)
        }
        self.save()
        self.settle(torrent)
    }

    /// Says where the torrent's content lies.
    func placeFiles(of torrent: LibraryTorrent, _ metainfo: Metainfo) {
        guard let first = metainfo.files.firstIndex(where: { !$0.isPadding }) else { return }
        let path = torrent.renamed[first] ?? metainfo.files[first].path
        let slash = path.utf8.firstIndex(of: UInt8(ascii: "/"))
        let root = slash.map { String(path[..<$0]) } ?? path
        self.change(torrent.id) { $0.place(root: root, isMultiFile: metainfo.isMultiFile) }
        self.sizeWanted(of: torrent, metainfo)
    }

    // MARK: Trackers

    func editTrackers(_ command: TorrentCommand, _ torrent: LibraryTorrent) throws(CatalogFailure) {
        let id = torrent.id
        var tiers = torrent.trackers ?? torrent.saved.tiers
        let known = Set(tiers.joined())
        switch command {
        case .addTrackers(let urls):
            for url in urls {
                let url = try Self.tracker(url)
                if !tiers.joined().contains(url) { tiers.append([url]) }
            }
        case .replaceTracker(let old, let new):
            let new = try Self.tracker(new)
            guard known.contains(old) else { throw .conflict("the torrent has no tracker with that address") }
            guard old != new else { return }
            guard !known.contains(new) else { throw .conflict("the torrent has that tracker already") }
            tiers = tiers.map { $0.map { $0 == old ? new : $0 } }
        case .removeTrackers(let urls):
            guard !known.isDisjoint(with: urls) else {
                throw .conflict("the torrent has no tracker with that address")
            }
            tiers = tiers.map { $0.filter { !urls.contains($0) } }.filter { !$0.isEmpty }
        default: return
        }
        torrent.trackers = tiers
        let urls = tiers.flatMap { $0 }
        self.change(id) { line in
            line.trackers = urls
            if !urls.contains(line.tracker) { line.tracker = urls.first ?? "" }
        }
        self.note(torrent, "trackers", "Its trackers were changed")
        self.ask { $0.setTrackers(tiers, of: id) }
    }
}
