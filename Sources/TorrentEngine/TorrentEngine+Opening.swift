import EventIO
import MetainfoCoding
import SwarmCore
import SwarmTypes
import TorrentStorage

/// What is made of a torrent's metainfo before its files are looked at.
struct Opening {
    var layout: TorrentLayout
    var hashes: PieceHashes
    /// The wanted files; nil is all.
    var selection: Bitfield?
}

enum AfterCheck {
    case prepare(Opening)
    case restart
}

/// From metainfo to a torrent that runs: what was recorded of it is believed when its files are as they were left, and
/// only what differs is read.
extension TorrentEngine {
    func open(_ metainfo: Metainfo, _ torrent: ActiveTorrent) throws(AddFailure) {
        let opening = try self.opening(metainfo, torrent)
        guard let record = self.record else { return self.begin(opening, nil, torrent) }
        if let stored = torrent.stored {
            torrent.stored = nil
            return self.begin(opening, stored, torrent)
        }
        torrent.state = .checking(piecesDone: 0)
        let id = torrent.core.id
        record.keeper.load(id, on: self.loop) { [weak self] result in
            self?.assumeIsolated { $0.loaded(result, opening, id) }
        }
    }

    private func opening(_ metainfo: Metainfo, _ torrent: ActiveTorrent) throws(AddFailure) -> Opening {
        let parts = try TorrentParts(metainfo, renamed: torrent.options.renamedFiles)
        torrent.metainfo = metainfo
        torrent.core.metadataSize = metainfo.infoBytes.count
        torrent.name = metainfo.name
        let files =
            torrent.options.wishes.selection(fileCount: metainfo.files.count)
            ?? (torrent.options.isRestored
                ? torrent.stored?.details.selection.flatMap { $0.count == parts.layout.fileCount ? $0 : nil }
                : torrent.options.selectedFiles.map { metainfo.files(numbered: $0) })
        if let files, !torrent.options.wishes.isDefault {
            for file in 0..<files.count where !files[file] { torrent.options.wishes.files[file] = .skip }
        }
        torrent.want(files, in: parts.layout)
        if torrent.selection?.isEmpty == true, torrent.options.wishes.isDefault { throw .selectionIsEmpty }
        return Opening(layout: parts.layout, hashes: parts.hashes, selection: files)
    }

    private func loaded(
        _ result: Result<StoredTorrent?, ResumeFailure>, _ opening: Opening, _ id: TorrentID
    ) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id], case .checking = torrent.state, torrent.store == nil else {
            return
        }
        switch result {
        case .success(let stored): self.begin(opening, stored, torrent)
        case .failure(let failure):
            self.observer?(.recordFailed(failure.description))
            self.begin(opening, nil, torrent)
        }
    }

    private func begin(_ opening: Opening, _ stored: StoredTorrent?, _ torrent: ActiveTorrent) {
        if let record = stored?.record { torrent.recorded.take(record) }
        // Of a record without pieces nothing can be believed, nor of one that was never checked to the end.
        let known = stored.flatMap { stored in
            stored.record.pieceCount == opening.layout.geometry.pieceCount
                && stored.record.state != .needsCheck && !torrent.options.distrustsRecord ? stored : nil
        }
        let store = self.store(opening, known, torrent)
        torrent.store = store
        self.observe(store, of: torrent)
        if torrent.options.knowledge == .trusted { store.hashes = nil }
        if known == nil {
            // A claim of pieces: each is proved when it is first asked for.
            if torrent.options.isSeedOnly { store.assumeComplete() }
            self.mustRecord(
                torrent, torrent.options.knowledge == .check ? .needsCheck : .running,
                selection: opening.selection)
        } else if known?.record.directory != torrent.options.directory {
            self.recordDirectory(of: torrent)
        }
        self.look(torrent, store, opening, known)
    }

    private func store(
        _ opening: Opening, _ known: StoredTorrent?, _ torrent: ActiveTorrent
    ) -> TorrentStore {
        let pieceCount = opening.layout.geometry.pieceCount
        let have = known?.record.have.bitfield(count: pieceCount)
        var unproven = known?.details.unproven.bitfield(count: pieceCount)
        // Without a look at the files, all of it is a claim.
        if known?.details.files.isEmpty == true { unproven = have }
        return TorrentStore(
            torrent: torrent.core.id, layout: opening.layout, directory: torrent.options.directory,
            service: self.storage, hashes: opening.hashes, have: have, unproven: unproven,
            partials: known?.details.partials ?? [],
            selection: known.map(\.details.selection) ?? opening.selection)
    }

    /// Finds out what the disk has; done again when that failed and its cause may be gone.
    private func look(
        _ torrent: ActiveTorrent, _ store: TorrentStore, _ opening: Opening, _ known: StoredTorrent?
    ) {
        torrent.tryAgain = { engine, torrent in engine.look(torrent, store, opening, known) }
        let stamps = known?.details.files ?? []
        let isClaim = stamps.isEmpty && !store.have.isEmpty
        if isClaim || torrent.options.knowledge == .nothing {
            return self.prepare(torrent, store, opening)
        }
        torrent.state = .checking(piecesDone: 0)
        let id = torrent.core.id
        store.quickCheck(against: stamps) { [weak self] result in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], case .checking = torrent.state else { return }
                switch result {
                case .failure(let failure): engine.stopped(torrent, because: failure)
                case .success(.unchanged): engine.prepare(torrent, store, opening)
                case .success(.goneOn(let pieces, _)):
                    engine.check(torrent, store, only: pieces, then: .prepare(opening))
                case .success(.changed(let path, let difference, let files)):
                    engine.differs(torrent, store, opening, path, difference, files)
                }
            }
        }
    }

    /// The files are not as they were left: those that differ are hashed.
    private func differs(
        _ torrent: ActiveTorrent, _ store: TorrentStore, _ opening: Opening, _ path: String,
        _ difference: FileDifference, _ files: [Int]
    ) {
        // Whose data is only served waits for it to come back, as of a disk that is not mounted.
        if difference == .missing, torrent.options.isSeedOnly {
            return self.stopped(torrent, because: StorageFailure(.stat, .missing, path: path))
        }
        if store.hashes == nil, case .size(let was, let size) = difference, size < was {
            return self.stopped(torrent, because: StorageFailure(.stat, .fileChanged, path: path))
        }
        let pieces = difference == .appeared ? nil : store.pieces(ofFiles: files)
        if let pieces { store.forgetBlocks(of: pieces) }
        self.check(torrent, store, only: pieces, then: .prepare(opening))
    }

    /// Hashes what is there, then goes on. Whoever trusts without hashes goes on at once.
    func check(
        _ torrent: ActiveTorrent, _ store: TorrentStore, only pieces: Bitfield?,
        then next: AfterCheck
    ) {
        torrent.state = .checking(piecesDone: 0)
        guard store.hashes != nil else { return self.checked(torrent, store, next) }
        let id = torrent.core.id
        store.check(only: pieces) { [weak self] progress in
            self?.assumeIsolated { $0.torrents[id]?.noteCheck(progress) }
        } completion: { [weak self] report in
            self?.assumeIsolated { engine in
                engine.now = engine.loop.now
                guard let torrent = engine.torrents[id], case .checking = torrent.state else { return }
                // What cannot be read now is not lost: it is read again later.
                if let failure = report.unreadable { return engine.stopped(torrent, because: failure) }
                engine.checked(torrent, store, next)
            }
        }
    }

    private func checked(_ torrent: ActiveTorrent, _ store: TorrentStore, _ next: AfterCheck) {
        switch next {
        case .prepare(let opening): self.prepare(torrent, store, opening)
        case .restart: self.restart(torrent, store)
        }
    }

    /// What the disk has is known. Directories, empty files and links are made, and the selection is as it is wanted.
    private func prepare(_ torrent: ActiveTorrent, _ store: TorrentStore, _ opening: Opening) {
        guard !torrent.options.isSeedOnly else { return self.run(torrent) }
        torrent.state = .checking(piecesDone: opening.layout.geometry.pieceCount)
        torrent.tryAgain = { engine, torrent in engine.prepare(torrent, store, opening) }
        let id = torrent.core.id
        let isSelected = store.selection == opening.selection
        store.prepare(reservesSpace: torrent.options.reservesSpace) { [weak self] made in
            guard case .success = made, !isSelected else {
                self?.assumeIsolated { $0.prepared(made, store, id) }
                return
            }
            store.select(opening.selection) { [weak self] selected in
                self?.assumeIsolated { engine in
                    engine.recordSelection(opening.selection, of: id)
                    engine.prepared(selected, store, id)
                }
            }
        }
    }

    private func prepared(_ result: Result<Void, StorageFailure>, _ store: TorrentStore, _ id: TorrentID) {
        self.now = self.loop.now
        guard let torrent = self.torrents[id], case .checking = torrent.state else { return }
        // Who has everything needs no room.
        if case .failure(let failure) = result, !store.have.isComplete {
            return self.stopped(torrent, because: failure)
        }
        self.run(torrent)
        self.mustSave(torrent)
    }

    private func recordDirectory(of torrent: ActiveTorrent) {
        let (id, directory) = (torrent.core.id, torrent.options.directory)
        self.record?.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            try store.setDirectory(directory, of: id)
        } then: { _ in
        }
    }

    private func recordSelection(_ selection: Bitfield?, of id: TorrentID) {
        self.record?.keeper.perform(on: self.loop) { store throws(ResumeFailure) in
            try store.setSelection(selection, of: id)
        } then: { _ in
        }
    }
}

extension ActiveTorrent {
    fileprivate func noteCheck(_ progress: CheckProgress) {
        guard case .checking = self.state else { return }
        self.state = .checking(piecesDone: progress.checkedPieces)
    }

    /// - Parameter files: nil for all.
    fileprivate func want(_ files: Bitfield?, in layout: TorrentLayout) {
        guard let files else { return }
        var pieces = Bitfield(count: layout.geometry.pieceCount)
        for file in 0..<files.count where files[file] {
            for piece in layout.pieces(ofFile: file) { pieces.set(piece) }
        }
        self.selection = pieces
        self.wantedBytes = layout.geometry.length(of: pieces)
    }
}

extension RecordedState {
    fileprivate mutating func take(_ record: ResumeRecord) {
        // Of a torrent that has slept, the record's totals are those of this session as well.
        if !self.isCarried {
            self.uploadedBefore = record.uploaded
            self.downloadedBefore = record.downloaded
        }
        self.addedAt = record.addedAt
        self.finishedAt = record.finishedAt
        self.wasComplete = record.have == .all
        self.tiers = record.trackers.tiers
        self.isPaused = record.state == .paused
    }
}
