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
        case .running, .ending: break
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

    private func begin(_ torrent: LibraryTorrent) {
        guard let line = self.line(of: torrent.id) else { return }
        let source: TorrentSource
        do throws(CatalogFailure) {
            source = try self.source(of: torrent)
        } catch {
            return self.fail(torrent, "\(error)")
        }
        var options = AddOptions(directory: line.directory)
        options.knowledge = torrent.knowledge
        options.distrustsRecord = torrent.mustBeChecked
        torrent.mustBeChecked = false
        options.uploadLimit = line.uploadLimit
        options.downloadLimit = line.downloadLimit
        options.wishes = self.wishes(of: torrent, line)
        options.renamedFiles = torrent.renamed
        options.trackers = torrent.trackers
        options.peers = torrent.peers
        options.cap = self.cap(of: line)
        options.checksOnly = torrent.isCheckedOnly
        torrent.peers = []
        let now = self.now
        torrent.activeSince = now
        torrent.phase = .running
        let added: Result<TorrentID, AddFailure> = self.ask { engine in
            do throws(AddFailure) { return .success(try engine.add(source, options)) } catch {
                return .failure(error)
            }
        }
        guard case .failure(let failure) = added else { return }
        torrent.phase = .idle
        torrent.activeSince = nil
        self.fail(torrent, failure.description)
    }

    private func source(of torrent: LibraryTorrent) throws(CatalogFailure) -> TorrentSource {
        if let bytes = self.metainfoBytes[torrent.id] {
            do throws(MetainfoFailure) {
                return .metainfo(try Metainfo(torrentFile: bytes, hashing: .openSSL))
            } catch {
                throw .failed("its torrent file is damaged: \(error)")
            }
        }
        do throws(MagnetFailure) {
            return .magnet(try MagnetLink(torrent.link ?? ""))
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
        self.doNext(torrent)
        self.touched.insert(torrent.id)
    }

    func fail(_ torrent: LibraryTorrent, _ words: String) {
        torrent.failure = words
        self.note(torrent, "failed", words)
        self.environment.report(
            .failed(id: torrent.id.hex, name: self.line(of: torrent.id)?.name ?? "", words: words))
        self.touched.insert(torrent.id)
        self.queueIsStale = true
    }

    /// Its own cap's name, as its trackers are now.
    func cap(of line: TorrentSummary) -> String? { nil }
}
