import EventIO
import MetainfoCoding
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// A torrent that leaves with its files.
struct Leaving {
    var name: String
    var directory: String
    var renamed: [Int: String]
    /// Nil until it is read, and where there is none.
    var metainfo: Metainfo?
    /// What still has to happen before its files are gone: its description read, the engine's end.
    var steps: Int
    var filesAreRemoved = false
}

/// Torrents that go.
extension TorrentLibrary {
    /// Takes a torrent out of everything. Of its files only the torrent's own are removed, and folders that are empty then.
    func remove(_ torrent: LibraryTorrent, withFiles: Bool) {
        let id = torrent.id
        guard let line = self.line(of: id) else { return }
        self.torrents[id] = nil
        if let cap = line.capName { self.capCounts[cap, default: 1] -= 1 }
        self.lines[id] = nil
        self.touched.remove(id)
        self.unsaved.remove(id)
        self.happenings.removeAll { $0.id == id }
        self.removed.append(id)
        self.queue.removeAll { $0 == id }
        self.withOwnShareLimits.remove(id)
        // One that comes again may come with other trackers.
        self.descriptions.removeAll { $0.id == id }
        self.queueIsStale = true
        self.environment.report(.removed(id: id.hex, name: line.name, withFiles: withFiles))
        if withFiles {
            self.leaving[id] = Leaving(
                name: line.name, directory: line.directory, renamed: torrent.renamed, steps: 2)
            // Asked for before the record is removed: the thread works in order.
            self.keeper.load(id, on: self.loop) { [weak self] result in
                self?.assumeIsolated { $0.leaving(id, result) }
            }
        }
        let isEnding = self.ask { engine in
            engine.end(id, forgetting: true, removingFiles: withFiles) { [weak self] ended in
                self?.assumeIsolated { $0.left(ended) }
            }
        }
        self.goneFromRecord.append(id)
        if isEnding { return }
        // It may be ending for another reason: then `ended` comes.
        guard torrent.phase == .ending else { return self.leavingStep(id) }
        self.ask { $0.forget(id) }
    }

    private func leaving(_ id: TorrentID, _ result: Result<StoredTorrent?, ResumeFailure>) {
        if case .success(let stored?) = result, let bytes = stored.metainfo {
            self.leaving[id]?.metainfo = try? Metainfo(torrentFile: bytes, hashing: .openSSL)
        }
        self.leavingStep(id)
    }

    private func left(_ ended: EndedTorrent) {
        self.leaving[ended.id]?.filesAreRemoved = ended.filesAreRemoved
        if let words = ended.failure {
            let name = self.leaving[ended.id]?.name ?? ""
            self.environment.report(.failed(id: ended.id.hex, name: name, words: words))
        }
        self.leavingStep(ended.id)
    }

    func leavingStep(_ id: TorrentID) {
        self.leaving[id]?.steps -= 1
        guard let leaving = self.leaving[id], leaving.steps <= 0 else { return }
        guard !leaving.filesAreRemoved, let metainfo = leaving.metainfo else {
            self.leaving[id] = nil
            return
        }
        self.ask { engine in
            engine.removeFiles(of: metainfo, renamed: leaving.renamed, in: leaving.directory) {
                [weak self] words in
                self?.assumeIsolated { library in
                    library.leaving[id] = nil
                    guard let words else { return }
                    library.environment.report(.failed(id: id.hex, name: leaving.name, words: words))
                }
            }
        }
    }

    // MARK: Descriptions

    /// Those asked for last are kept, since whoever shows a torrent's page asks again every second.
    private static let keptDescriptions = 4

    /// What a torrent consists of; nil until it is known.
    func description(of torrent: LibraryTorrent) async throws(CatalogFailure) -> Metainfo? {
        let id = torrent.id
        if let metainfo = self.ask({ $0.metainfo(of: id) }) { return metainfo }
        if let known = self.descriptions.first(where: { $0.id == id }) { return known }
        guard let bytes = try await self.stored(id)?.metainfo,
            let metainfo = try? Metainfo(torrentFile: bytes, hashing: .openSSL)
        else { return nil }
        self.descriptions.append(metainfo)
        if self.descriptions.count > Self.keptDescriptions { self.descriptions.removeFirst() }
        return metainfo
    }
}
