import Glibc
import SwarmTypes

extension TorrentStore {
    /// Writes what waits, syncs what was written, and tells what is on disk then. For every few seconds of a download.
    ///
    /// Blocks that come meanwhile are part of the next one.
    public func checkpoint(_ completion: @escaping (Result<Checkpoint, StorageFailure>) -> Void) {
        guard self.phase != .stopped else {
            return completion(.failure(StorageFailure(.sync, .stopped, path: self.directory)))
        }
        guard self.move == nil else { return self.afterMove.append { self.checkpoint(completion) } }
        self.flush()
        self.afterWriteJobs { self.sync(completion) }
    }

    /// Whether a checkpoint would say more than the last one; during a move it would wait for the end of that.
    public var hasUnsavedWrites: Bool {
        guard self.move == nil else { return false }
        return self.hasNewFindings || !self.dirtyPieces.isEmpty
            || self.openPieces.values.contains { $0.pendingBytes > 0 || $0.isBusy }
    }

    /// The last checkpoint could not be recorded: the next one is to be.
    public func forgetCheckpoint() { self.hasNewFindings = true }

    func sync(_ completion: @escaping (Result<Checkpoint, StorageFailure>) -> Void) {
        let have = self.have
        let unproven = self.unproven
        let partials = self.openPieces.values.filter { !$0.written.isEmpty }.map {
            PartialPiece(piece: $0.number, blocks: $0.written)
        }
        let pieces = self.dirtyPieces
        self.dirtyPieces = []
        self.hasNewFindings = false
        let sync = FileSync(files: self.files, pieces: pieces, have: have, stamps: self.stamps)
        self.perform { _ in
            sync.run()
        } _: { result in
            switch result {
            case .success(let stamps):
                self.stamps = stamps
                completion(
                    .success(
                        Checkpoint(
                            torrent: self.torrent, have: have, unproven: unproven, partials: partials,
                            files: stamps)))
            case .failure(let failure):
                // What the device lost is not known, and it tells once: a later sync that succeeds says nothing of it. It is
                // saved as a claim, to be proved before it is given to a peer.
                self.dirtyPieces.formUnion(pieces)
                for piece in pieces { self.doubt(piece: piece) }
                self.hasNewFindings = true
                completion(.failure(failure))
            }
        }
    }
}

extension TorrentStore {
    /// What was written of a piece may not be on disk, though its hash was right in memory.
    private func doubt(piece: Int) {
        guard self.have[piece] else {
            self.doubtful.insert(piece)
            return
        }
        self.doubtful.remove(piece)
        var unproven = self.unproven ?? Bitfield(count: self.geometry.pieceCount)
        unproven.set(piece)
        self.unproven = unproven
    }

    /// A piece is whole now, of which something may have been lost before.
    func doubtIfDue(_ piece: Int) {
        if self.doubtful.contains(piece) { self.doubt(piece: piece) }
    }
}

/// Brings files to disk and looks at them.
struct FileSync: Sendable {
    var files: FileSet
    /// Pieces that were written since the last time.
    var pieces: Set<Int>
    var have: Bitfield
    /// As of the last time; empty before the first.
    var stamps: [FileStamp]

    func run() -> Result<[FileStamp], StorageFailure> {
        do throws(StorageFailure) {
            let touched = try self.touchedFiles()
            for file in touched { try self.sync(file) }
            var hasParts = false
            for file in touched where try self.files.usesPartFile(file) { hasParts = true }
            if hasParts { try self.files.parts.sync(of: self.files) }
            var stamps = self.stamps
            let isFirst = stamps.isEmpty
            if isFirst { stamps = Array(repeating: .absent, count: self.files.layout.fileCount) }
            for file in isFirst ? Array(stamps.indices) : touched { stamps[file] = try self.stamp(file) }
            return .success(stamps)
        } catch {
            return .failure(error)
        }
    }

    private func touchedFiles() throws(StorageFailure) -> [Int] {
        let layout = self.files.layout
        var found: Set<Int> = []
        for piece in self.pieces {
            let start = Int64(piece) * Int64(layout.geometry.pieceLength)
            try layout.forEachRange(at: start, count: Int(layout.geometry.length(ofPiece: piece))) { range in
                if !layout.isPad(range.file) { found.insert(range.file) }
            }
        }
        return found.sorted()
    }

    private func sync(_ file: Int) throws(StorageFailure) {
        guard try !self.files.usesPartFile(file) else { return }
        let descriptor: Descriptor
        do throws(StorageFailure) {
            descriptor = try self.files.open(file, forWriting: false)
        } catch {
            // Other files of the piece were written, this one not yet.
            if error.reason == .missing { return }
            throw StorageFailure(.sync, error.reason, path: error.path)
        }
        guard fdatasync(descriptor.number) == 0 else {
            throw StorageFailure(.sync, code: errno, path: self.files.fullPath(ofFile: file))
        }
    }

    private func stamp(_ file: Int) throws(StorageFailure) -> FileStamp {
        let layout = self.files.layout
        if layout.isPad(file) { return .absent }
        if try self.files.usesPartFile(file) { return .absent }
        let length = layout.length(ofFile: file)
        let isSettled = layout.pieces(ofFile: file).allSatisfy { self.have[$0] }
        let status = try self.files.status(ofFile: file)
        guard !isSettled || length == 0 || status?.size ?? 0 >= length else {
            throw StorageFailure(.sync, .fileChanged, path: self.files.fullPath(ofFile: file))
        }
        guard let status else { return .absent }
        return FileStamp(size: status.size, changedAt: status.changedAt, isSettled: isSettled)
    }
}
