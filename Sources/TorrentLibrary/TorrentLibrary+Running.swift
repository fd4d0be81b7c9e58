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
        if self.sleeps(torrent) { return }
        torrent.phase = .starting
        self.startQueue.append(torrent.id)
        self.loadNext()
    }

    /// A torrent that has everything begins asleep: its description is read when a peer asks for it.
    private func sleeps(_ torrent: LibraryTorrent) -> Bool {
        guard torrent.pieces == .all, !torrent.mustBeChecked, !torrent.isCheckedOnly, torrent.peers.isEmpty,
            let line = self.line(of: torrent.id), line.hasMetadata, torrent.storedLength > 0
        else { return false }
        let outline = TorrentOutline(
            id: torrent.id, name: line.name, totalLength: torrent.storedLength,
            pieceCount: Int32(clamping: line.pieceCount), isPrivate: torrent.saved.isPrivate,
            tiers: torrent.trackers ?? torrent.saved.tiers)
        var options = self.options(of: torrent, line)
        options.knowledge = .complete
        // What is given here is not looked at before the torrent is awake, and equal options are kept once.
        options.trackers = nil
        let (uploaded, downloaded) = (torrent.uploaded, torrent.downloaded)
        let isAdded = self.ask { engine in
            do throws(AddFailure) {
                try engine.addDormant(
                    outline, options, from: .session, uploadedBefore: uploaded, downloadedBefore: downloaded)
                return true
            } catch {
                return false
            }
        }
        guard isAdded else { return false }
        torrent.phase = .running
        torrent.isRestored = false
        torrent.activeSince = self.now
        torrent.seedingSince = self.now
        return true
    }

    private func options(of torrent: LibraryTorrent, _ line: TorrentSummary) -> AddOptions {
        var options = AddOptions(directory: line.directory)
        options.uploadLimit = line.uploadLimit
        options.downloadLimit = line.downloadLimit
        options.wishes = self.wishes(of: torrent, line)
        options.renamedFiles = torrent.renamed
        options.trackers = torrent.trackers
        options.cap = line.capName
        options.reservesSpace = self.preferences.reservesSpace
        options.startSpreadSeconds = torrent.isRestored ? self.startSpreadSeconds : 0
        return options
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
            self.fail(torrent, error.words)
        }
        self.touched.insert(id)
    }

    private func begin(_ torrent: LibraryTorrent, _ stored: StoredTorrent) throws(CatalogFailure) {
        guard let line = self.line(of: torrent.id) else { return }
        let source = try Self.source(of: stored)
        var options = self.options(of: torrent, line)
        options.knowledge =
            torrent.mustBeChecked ? .check : torrent.pieces == .all ? .complete : torrent.knowledge
        options.distrustsRecord = torrent.mustBeChecked
        options.stored = stored
        options.peers = torrent.peers
        options.checksOnly = torrent.isCheckedOnly
        // One that is only checked has to stay awake until it is.
        options.place = torrent.isCheckedOnly ? nil : .session
        torrent.isBeginning = true
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
        guard failure != .alreadyThere else {
            // One of before that is not done with its trackers yet.
            let id = torrent.id
            self.loop.schedule(afterSeconds: 1) { [weak self] in
                self?.assumeIsolated { library in
                    if let torrent = library.torrents[id] { library.settle(torrent) }
                }
            }
            return
        }
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
        guard let torrent = self.torrents[ended.id], torrent.phase == .ending else {
            return self.leavingStep(ended.id)
        }
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
}
