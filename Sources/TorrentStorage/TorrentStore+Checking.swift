public import SwarmTypes

/// How far a check has come.
public struct CheckProgress: Hashable, Sendable {
    public var checkedPieces: Int
    public var goodPieces: Int
    /// Of those that are checked.
    public var pieceCount: Int
}

/// What a check found.
public struct CheckReport: Sendable {
    public var have: Bitfield
    /// The first file that was there and could not be read, and why. Its pieces count as not there.
    public var unreadable: StorageFailure?
    /// Whether it ended before the last piece; the rest counts as not there.
    public var wasCancelled: Bool
}

/// A check under way. Only on the loop, which is the proof of the unchecked promise.
public final class TorrentCheck: @unchecked Sendable {
    /// What one job reads: enough to make its switch of threads cheap, and little enough that others get a turn.
    static let bytesPerJob = 4 << 20

    private let store: TorrentStore
    private let hashes: PieceHashes
    private let progress: (CheckProgress) -> Void
    private let completion: (CheckReport) -> Void
    private let piecesPerJob: Int
    private let groupCount: Int
    /// In order; nil for all.
    private let subset: [Int]?
    private var report: CheckReport
    private var nextPiece = 0
    private var checkedPieces = 0
    private var activeJobs = 0

    init(
        _ store: TorrentStore, _ hashes: PieceHashes, only pieces: Bitfield?,
        progress: @escaping (CheckProgress) -> Void,
        completion: @escaping (CheckReport) -> Void
    ) {
        self.store = store
        self.hashes = hashes
        self.progress = progress
        self.completion = completion
        self.groupCount = PieceCheck.groupCount(store.geometry)
        self.piecesPerJob = max(self.groupCount, Self.bytesPerJob / Int(store.geometry.pieceLength))
        self.subset = pieces.map { pieces in (0..<pieces.count).filter { pieces[$0] } }
        var have = Bitfield(count: store.geometry.pieceCount)
        if let subset = self.subset {
            have = store.have
            for piece in subset { have.clear(piece) }
        }
        self.report = CheckReport(have: have, unreadable: nil, wasCancelled: false)
    }

    private var count: Int { self.subset?.count ?? self.store.geometry.pieceCount }

    /// Ends the check after what is being read now; `completion` comes then.
    public func cancel() { self.report.wasCancelled = true }

    func start() {
        // One more than there are threads, so that none waits for the loop.
        for _ in 0...self.store.service.pool.threadCount { self.startJob() }
        if self.activeJobs == 0 { self.end() }
    }

    private func startJob() {
        let end = min(self.nextPiece + self.piecesPerJob, self.count)
        if self.store.phase != .running { self.cancel() }
        guard self.nextPiece < end, !self.report.wasCancelled else { return }
        let range = self.nextPiece..<end
        let work = CheckWork(
            files: self.store.files, hashes: self.hashes,
            pieces: self.subset.map { Array($0[range]) } ?? Array(range), groupCount: self.groupCount)
        self.nextPiece = end
        self.activeJobs += 1
        self.store.perform(.background, work.run) { self.ended($0, count: work.pieces.count) }
    }

    private func ended(_ found: CheckWork.Found, count: Int) {
        self.activeJobs -= 1
        for piece in found.good { self.report.have.set(piece) }
        if self.report.unreadable == nil { self.report.unreadable = found.failure }
        self.checkedPieces += count
        self.progress(
            CheckProgress(
                checkedPieces: self.checkedPieces, goodPieces: self.report.have.setCount,
                pieceCount: self.count))
        self.startJob()
        if self.activeJobs == 0 { self.end() }
    }

    private func end() {
        self.store.checked(self.report, only: self.subset)
        self.completion(self.report)
    }
}

/// Some pieces to be checked by one thread.
private struct CheckWork: Sendable {
    struct Found: Sendable {
        var good: [Int] = []
        var failure: StorageFailure?
    }

    var files: FileSet
    var hashes: PieceHashes
    /// In order.
    var pieces: [Int]
    /// How many are read side by side.
    var groupCount: Int

    @Sendable
    func run(on worker: DiskWorker) -> Found {
        self.readAhead(worker)
        var found = Found()
        let check = PieceCheck(self.files, self.hashes, worker)
        for first in stride(from: 0, to: self.pieces.count, by: self.groupCount) {
            let group = Array(self.pieces[first..<min(first + self.groupCount, self.pieces.count)])
            let good = check.goodPieces(group, &found.failure)
            for (piece, isGood) in zip(group, good) where isGood { found.good.append(piece) }
        }
        return found
    }

    private func readAhead(_ worker: DiskWorker) {
        guard let first = self.pieces.first, let last = self.pieces.last, last - first < self.pieces.count
        else { return }
        let geometry = self.files.layout.geometry
        let start = Int64(first) * Int64(geometry.pieceLength)
        let end = min(Int64(last + 1) * Int64(geometry.pieceLength), geometry.totalLength)
        // Asking ahead for what is in memory would cost more than reading it.
        let front = UnsafeMutableRawBufferPointer(rebasing: worker.buffer.prefix(Int(min(4096, end - start))))
        guard !self.files.readCached(into: front, at: start) else { return }
        self.files.willNeed(at: start, count: Int(end - start))
    }
}

extension TorrentStore {
    /// Reads everything and compares the hashes, on all disk threads but after what is urgent. `have` is what was found,
    /// once it ends. Nil when `hashes` is not set, or the torrent has stopped.
    ///
    /// Blocks of pieces that are not complete are forgotten in favour of what is found, so check before a download goes
    /// on, not during it.
    /// - Parameter pieces: Checks only these, and leaves what is known of the others; nil is all.
    @discardableResult
    public func check(
        only pieces: Bitfield? = nil,
        progress: @escaping (CheckProgress) -> Void = { _ in },
        completion: @escaping (CheckReport) -> Void
    ) -> TorrentCheck? {
        guard let hashes = self.hashes, self.phase == .running else { return nil }
        let check = TorrentCheck(self, hashes, only: pieces, progress: progress, completion: completion)
        self.flush()
        self.afterWriteJobs { check.start() }
        return check
    }

    /// Forgets the blocks of pieces that are not complete, in files that others have changed.
    public func forgetBlocks(of pieces: Bitfield) {
        for piece in self.openPieces.values where pieces[piece.number] && !piece.isBusy {
            for block in piece.dropPending() { self.service.discharge(block) }
            self.close(piece)
        }
    }

    func checked(_ report: CheckReport, only subset: [Int]?) {
        guard !report.wasCancelled else { return }
        if let subset {
            // Others may have come meanwhile.
            for piece in subset {
                if report.have[piece] { self.have.set(piece) } else { self.have.clear(piece) }
            }
        } else {
            self.have = report.have
        }
        if let subset { for piece in subset { self.unproven?.clear(piece) } }
        if subset == nil || self.unproven?.isEmpty == true { self.unproven = nil }
        self.hasNewFindings = true
        // Whatever was seen of the files before may be another program's work.
        self.stamps = []
        for piece in self.openPieces.values where self.have[piece.number] && !piece.isBusy {
            for block in piece.dropPending() { self.service.discharge(block) }
            self.close(piece)
        }
        self.service.readCache.removeAll(of: self.files.id)
    }
}
