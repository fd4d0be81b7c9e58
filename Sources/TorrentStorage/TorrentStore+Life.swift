public import SwarmTypes

/// Beginning and ending. Each of these waits for what is under way.
extension TorrentStore {
    /// Makes directories, empty files and links, before a download begins. By default files grow as they are written
    /// and take space only for what they hold.
    public func prepare(
        reservesSpace: Bool = false, completion: @escaping (Result<Void, StorageFailure>) -> Void
    ) {
        let files = self.files
        self.perform { _ in
            capturing { () throws(StorageFailure) in try files.prepare(reservesSpace: reservesSpace) }
        } _: {
            completion($0)
        }
    }

    /// Which files are wanted; nil is all. Bytes of others that share a piece with a wanted one go to a hidden part file,
    /// unless the file exists; they move to the file when it becomes wanted.
    public func select(
        _ selection: Bitfield?, completion: @escaping (Result<Void, StorageFailure>) -> Void
    ) {
        precondition(
            selection.map { $0.count == self.layout.fileCount } ?? true, "a selection of another torrent")
        self.flush()
        self.afterWriteJobs {
            let files = self.files
            self.perform { worker in
                capturing { () throws(StorageFailure) in try files.select(selection, worker) }
            } _: { result in
                if case .success = result { self.selection = selection }
                completion(result)
            }
        }
    }

    /// Writes what waits, syncs it, closes the files, and tells what is on disk for the next start. Takes no block and no
    /// request from now on; requests under way are still answered.
    public func stop(_ completion: @escaping (Result<Checkpoint, StorageFailure>) -> Void) {
        guard self.phase == .running else {
            return completion(.failure(StorageFailure(.sync, .stopped, path: self.directory)))
        }
        self.phase = .stopping
        if let move = self.move {
            move.cancel()
            return self.afterMove.append { self.finish(completion) }
        }
        self.finish(completion)
    }

    private func finish(_ completion: @escaping (Result<Checkpoint, StorageFailure>) -> Void) {
        self.flush()
        self.afterAllJobs {
            self.sync { result in
                self.end()
                completion(result)
            }
        }
    }

    /// The same without a checkpoint, then removes the files. What others put into the torrent's folders stays.
    public func removeFiles(_ completion: @escaping (Result<Void, StorageFailure>) -> Void) {
        self.phase = .stopping
        self.move?.cancel()
        self.releaseGathered()
        self.forgetPending()
        self.afterAllJobs {
            let files = self.files
            files.closeAll()
            self.perform { _ in
                capturing { () throws(StorageFailure) in try files.removeAll() }
            } _: { result in
                self.end()
                completion(result)
            }
        }
    }

    private func forgetPending() {
        for piece in self.openPieces.values {
            for block in piece.dropPending() { self.service.discharge(block) }
        }
    }

    private func end() {
        self.forgetPending()
        self.openPieces = [:]
        self.endWriting()
        self.service.readCache.removeAll(of: self.files.id)
        self.files.closeAll()
        self.phase = .stopped
        self.service.settle()
    }
}

/// What a piece of blocking work gave, as a value that can cross threads.
func capturing(_ body: () throws(StorageFailure) -> Void) -> Result<Void, StorageFailure> {
    do {
        try body()
        return .success(())
    } catch {
        return .failure(error)
    }
}
