import SwarmTypes

/// A move under way. Only on the loop, which is the proof of the unchecked promise.
public final class TorrentMove: @unchecked Sendable {
    public enum Answer: Sendable {
        case moved
        /// The old place is in force, and nothing of the new one is left.
        case cancelled
        case failed(StorageFailure)
        /// It is in the new place; something of the old one could not be removed.
        case movedButNotRemoved(StorageFailure)
    }

    private let store: TorrentStore
    private let move: FileMove
    private let progress: (_ bytesCopied: Int64) -> Void
    private let completion: (Answer) -> Void
    private var state = MoveState()
    private var isCancelled = false

    init(
        _ store: TorrentStore, to path: String, progress: @escaping (Int64) -> Void,
        completion: @escaping (Answer) -> Void
    ) {
        self.store = store
        self.move = FileMove(
            files: store.files,
            target: FileSet(
                torrent: store.torrent, layout: store.layout, directory: path,
                cache: store.service.descriptors))
        self.progress = progress
        self.completion = completion
    }

    /// Gives it up after what is being copied now, unless the new place is in force already.
    public func cancel() { self.isCancelled = true }

    func start() {
        let move = self.move
        self.store.perform { _ -> Result<Bool, StorageFailure> in
            do throws(StorageFailure) {
                try move.target.makeDirectory()
                return .success(try move.isSamePlace())
            } catch {
                return .failure(error)
            }
        } _: { result in
            switch result {
            case .failure(let failure): self.undo(.failed(failure))
            case .success(true): self.end(.moved)
            case .success(false): self.step()
            }
        }
    }

    private func step() {
        guard !self.isCancelled else { return self.undo(.cancelled) }
        let (move, state) = (self.move, self.state)
        self.store.perform(.background) { worker in
            move.run(state, on: worker)
        } _: { state, result in
            self.state = state
            self.progress(state.bytesCopied)
            switch result {
            case .failure(let failure): self.undo(.failed(failure))
            case .success(true) where !self.isCancelled: self.settle()
            case .success: self.step()
            }
        }
    }

    /// The new place is in force; then the old files go.
    private func settle() {
        let old = FileSet(
            torrent: self.store.torrent, layout: self.store.layout, directory: self.store.directory,
            cache: self.store.service.descriptors)
        self.store.files.changeDirectory(to: self.move.target.directoryPath)
        self.store.doubt(self.state.found)
        self.store.perform(.background) { _ in
            defer { old.closeAll() }
            return capturing { () throws(StorageFailure) in try old.removeAll() }
        } _: { removed in
            if case .failure(let failure) = removed {
                self.end(.movedButNotRemoved(failure))
            } else {
                self.end(.moved)
            }
        }
    }

    private func undo(_ answer: Answer) {
        let (move, state) = (self.move, self.state)
        self.store.perform { _ in
            move.undo(state)
        } _: {
            self.end(answer)
        }
    }

    private func end(_ answer: Answer) {
        self.move.target.closeAll()
        self.store.moveEnded()
        self.completion(answer)
    }
}

extension TorrentStore {
    /// Brings all files to another folder: as new names where that is on the same file system, else as copies that are on
    /// disk before the old files go. Until then, and after any failure, the old place is in force.
    ///
    /// Peers are served meanwhile; blocks that come wait in memory, so ask for few. Nil while another move is under way,
    /// or when the torrent has stopped. Record the new folder when it has ended.
    @discardableResult
    public func move(
        to path: String, progress: @escaping (_ bytesCopied: Int64) -> Void = { _ in },
        completion: @escaping (TorrentMove.Answer) -> Void
    ) -> TorrentMove? {
        guard self.phase == .running, self.move == nil else { return nil }
        let move = TorrentMove(self, to: path, progress: progress, completion: completion)
        self.flush()
        self.move = move
        self.afterWriteJobs { move.start() }
        return move
    }

    func moveEnded() {
        self.move = nil
        self.hasNewFindings = true
        self.writeOn()
        let waiting = self.afterMove
        self.afterMove = []
        for body in waiting { body() }
    }

    /// Nobody has compared these files with the pieces' hashes.
    func doubt(_ files: [Int]) {
        guard !files.isEmpty else { return }
        let pieces = self.pieces(ofFiles: files)
        var unproven = self.unproven ?? Bitfield(count: self.geometry.pieceCount)
        for piece in 0..<pieces.count where pieces[piece] && self.have[piece] { unproven.set(piece) }
        self.unproven = unproven.isEmpty ? nil : unproven
    }
}
