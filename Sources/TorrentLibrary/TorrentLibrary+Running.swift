import EventIO
import MetainfoCoding
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// Bringing the engine to do what is wanted of each torrent.
extension TorrentLibrary {
    /// Starts or ends a torrent where it is not as it should be.
    func settle(_ torrent: LibraryTorrent) {
        guard !self.isStopping else { return }
        switch torrent.phase {
        case .idle where torrent.isReady: self.begin(torrent)
        case .idle: self.doNext(torrent)
        case .running where !torrent.isReady: self.end(torrent)
        case .starting, .running, .ending: break
        }
        self.touched.insert(torrent.id)
    }

    /// The same, when the engine is not in the middle of telling something of it.
    func settleAgain(_ torrent: LibraryTorrent) {
        let id = torrent.id
        self.loop.post { [weak self] in
            self?.assumeIsolated { library in
                if let torrent = library.torrents[id] { library.settle(torrent) }
            }
        }
    }

    /// Descriptions that are read at the same time.
    private static let mostLoading = 16

    private func begin(_ torrent: LibraryTorrent) {
        torrent.phase = .starting
        self.startQueue.append(torrent.id)
        self.loadNext()
    }

    private func loadNext() {
        while self.loadingCount < Self.mostLoading, let id = self.startQueue.popLast() {
            guard self.torrents[id]?.phase == .starting else { continue }
            self.loadingCount += 1
            self.keeper.load(id, on: self.loop) { [weak self] result in
                self?.assumeIsolated { $0.loaded(id, result) }
            }
        }
    }

    private func loaded(_ id: TorrentID, _ result: Result<StoredTorrent?, ResumeFailure>) {
        self.loadingCount -= 1
        defer { self.loadNext() }
        guard let torrent = self.torrents[id], torrent.phase == .starting, !self.isStopping else { return }
        torrent.phase = .idle
        guard torrent.isReady else { return self.doNext(torrent) }
        do throws(CatalogFailure) {
            guard case .success(let stored?) = result else {
                throw .failed("its description cannot be read from the record")
            }
            try self.begin(torrent, stored)
        } catch {
            self.fail(torrent, "\(error)")
        }
        self.touched.insert(id)
    }

    private func begin(_ torrent: LibraryTorrent, _ stored: StoredTorrent) throws(CatalogFailure) {
        guard let line = self.line(of: torrent.id) else { return }
        let source = try Self.source(of: stored)
        var options = AddOptions(directory: line.directory)
        options.knowledge = torrent.mustBeChecked ? .check : torrent.knowledge
        options.distrustsRecord = torrent.mustBeChecked
        options.stored = stored
        options.uploadLimit = line.uploadLimit
        options.downloadLimit = line.downloadLimit
        options.wishes = self.wishes(of: torrent, line)
        options.renamedFiles = torrent.renamed
        options.trackers = torrent.trackers
        options.peers = torrent.peers
        options.cap = self.cap(of: line)
        options.checksOnly = torrent.isCheckedOnly
        torrent.peers = []
        torrent.activeSince = self.now
        torrent.phase = .running
        let added: Result<TorrentID, AddFailure> = self.ask { engine in
            do throws(AddFailure) { return .success(try engine.add(source, options)) } catch {
                return .failure(error)
            }
        }
        guard case .failure(let failure) = added else { return }
        torrent.phase = .idle
        torrent.activeSince = nil
        throw .failed(failure.description)
    }

    private static func source(of stored: StoredTorrent) throws(CatalogFailure) -> TorrentSource {
        if let bytes = stored.metainfo {
            do throws(MetainfoFailure) {
                return .metainfo(try Metainfo(torrentFile: bytes, hashing: .openSSL))
            } catch {
                throw .failed("its torrent file is damaged: \(error)")
            }
        }
        do throws(MagnetFailure) {
            return .magnet(try MagnetLink(stored.details.link ?? ""))
        } catch {
            throw .failed("neither its torrent file nor its link is there")
        }
    }

    func wishes(of torrent: LibraryTorrent, _ line: TorrentSummary) -> TorrentWishes {
        var wishes = torrent.wishes
        wishes.isSequential = line.isSequential
        wishes.wantsEndsFirst = line.wantsEndsFirst
        return wishes
    }

    private func end(_ torrent: LibraryTorrent) {
        torrent.phase = .ending
        let id = torrent.id
        let isEnding = self.ask { engine in
            engine.end(id) { [weak self] ended in self?.assumeIsolated { $0.ended(ended) } }
        }
        guard !isEnding else { return }
        torrent.phase = .idle
        self.doNext(torrent)
    }

    /// The engine has let go of a torrent.
    private func ended(_ ended: EndedTorrent) {
        self.endedUploaded += ended.uploaded
        self.endedDownloaded += ended.downloaded
        guard let torrent = self.torrents[ended.id] else { return }
        torrent.phase = .idle
        torrent.uploaded += ended.uploaded
        torrent.downloaded += ended.downloaded
        torrent.settleTimes(at: self.now)
        torrent.activeSince = nil
        torrent.seedingSince = nil
        if let pieces = ended.pieces { torrent.pieces = pieces }
        if let failure = ended.failure, torrent.failure == nil { self.fail(torrent, failure) }
        self.unsaved.insert(torrent.id)
        self.doNext(torrent)
        self.touched.insert(torrent.id)
    }

    func fail(_ torrent: LibraryTorrent, _ words: String) {
        torrent.failure = words
        self.note(torrent, "failed", words)
        self.environment.report(
            .failed(id: torrent.id.hex, name: self.line(of: torrent.id)?.name ?? "", words: words))
        self.touched.insert(torrent.id)
        self.unsaved.insert(torrent.id)
        self.queueIsStale = true
    }

    /// Its own cap's name, as its trackers are now.
    func cap(of line: TorrentSummary) -> String? { nil }
}
