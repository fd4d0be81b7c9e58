import SwarmTypes

extension TorrentStore {
    public enum ReadAnswer: Sendable {
        case ready(ReadWindow)
        /// `readFinished` with the token comes later.
        case pending
        /// The piece is not had, the place is not in it, the torrent has stopped, or far too much is asked for.
        case refused
    }

    /// The window of a piece that holds the byte at `offset`, for a peer.
    ///
    /// At once when it was read lately or the system has it in memory; else a disk thread reads it, once for all who
    /// ask. Keep the window while the peer's requests lie in it.
    public func readWindow(ofPiece piece: Int, containing offset: Int, for token: UInt64) -> ReadAnswer {
        guard self.phase == .running, piece >= 0, piece < self.geometry.pieceCount, self.have[piece] else {
            return .refused
        }
        let length = Int(self.geometry.length(ofPiece: piece))
        guard offset >= 0, offset < length else { return .refused }
        let window = offset / ReadWindow.length
        let key = ReadCache.Key(
            owner: self.files.id, piece: UInt32(truncatingIfNeeded: piece),
            window: UInt32(truncatingIfNeeded: window))
        let cache = self.service.readCache
        if let known = cache.find(key) { return .ready(known) }
        if cache.join(key, token) { return .pending }

        let start = window * ReadWindow.length
        let count = min(ReadWindow.length, length - start)
        let mustProve = self.unproven?[piece] == true && self.hashes != nil
        if !mustProve, let chunk = self.readCached(piece, start, count) {
            let found = ReadWindow(piece: piece, offset: start, count: count, chunk: chunk)
            cache.insert(found, for: key)
            return .ready(found)
        }
        guard !cache.isFull else { return .refused }
        self.jobCount += 1
        cache.start(
            ReadJob(
                store: self, key: key, offset: start, count: count, token: token,
                proving: mustProve ? self.hashes : nil))
        return .pending
    }

    private func readCached(_ piece: Int, _ start: Int, _ count: Int) -> PayloadChunk? {
        let chunk = self.service.buffers.take(atLeast: count)
        let position = Int64(piece) * Int64(self.geometry.pieceLength) + Int64(start)
        let buffer = UnsafeMutableRawBufferPointer(start: chunk.base, count: count)
        return self.files.readCached(into: buffer, at: position) ? chunk : nil
    }

    func finished(_ job: ReadJob) {
        let piece = Int(job.key.piece)
        let cache = self.service.readCache
        cache.finished(job)
        guard let result = job.result else { return }
        switch result {
        case .success(let window):
            if job.provesPiece { self.proved(piece) }
            if self.phase == .running { cache.insert(window, for: job.key) }
        case .failure(let failure):
            if failure.isLoss, self.have.clear(piece) {
                self.unproven?.clear(piece)
                self.hasNewFindings = true
                cache.removeAll(of: self.files.id, piece: job.key.piece)
                self.onEvent?(.pieceLost(piece: piece, failure))
            }
        }
        for token in job.tokens { self.onEvent?(.readFinished(token: token, result)) }
        self.jobEnded()
    }

    private func proved(_ piece: Int) {
        self.unproven?.clear(piece)
        self.hasNewFindings = true
        if self.unproven?.isEmpty == true { self.unproven = nil }
    }
}
