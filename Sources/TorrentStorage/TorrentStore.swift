import Glibc
public import SwarmTypes

/// One torrent's bytes on disk.
///
/// Blocks go in as they are received; they are hashed and written by the service's threads, many in one call. Windows
/// of pieces come out for peers. Everything is only for the loop of the service, and nothing blocks it; that is the
/// proof of the unchecked promise. Jobs hold on to the store until they have finished.
public final class TorrentStore: @unchecked Sendable {
    enum Phase {
        /// Leaves to: stopping.
        case running
        /// Takes no block and no request; outstanding jobs finish. Leaves to: stopped.
        case stopping
        case stopped
    }

    /// Blocks in order are written in portions of this many.
    static let blocksPerJob = 16

    public let torrent: TorrentID
    public let layout: TorrentLayout
    let service: StorageService
    let files: FileSet
    /// Needed before a piece can be judged, proved or checked.
    public var hashes: PieceHashes? { didSet { self.flush() } }
    /// How many whole pieces wait in memory to be hashed side by side: as many as the processor can, within half of the
    /// budget. 1 means none: then the hash follows the blocks as they come.
    let gatherCount: Int
    /// Takes the events, on the loop.
    public var onEvent: ((StorageEvent) -> Void)?
    /// The pieces that are on disk, by their hash or by trust.
    public internal(set) var have: Bitfield
    /// Pieces that are had by trust alone; nil when there are none.
    var unproven: Bitfield?
    /// Why writing has stopped; nil while it goes on.
    public internal(set) var failure: StorageFailure?
    /// The wanted files; nil is all.
    public internal(set) var selection: Bitfield?
    var phase = Phase.running
    var openPieces: [Int: OpenPiece] = [:]
    private var latestPiece: OpenPiece?
    /// Whole pieces that wait for others; busy, though no job has them.
    var gathered: [OpenPiece] = []
    var hasGatheringTimer = false
    private var isWriter = false
    /// Pieces that were bad once: their blocks are to be compared when they are good.
    var suspects: Set<Int> = []
    /// Pieces that were being written when a sync failed: once they are whole, they are to be proved.
    var doubtful: Set<Int> = []
    /// Write jobs under way, by number; the numbers only grow.
    var writeJobs: Set<UInt64> = []
    var lastWriteJob: UInt64 = 0
    /// Jobs of any kind under way.
    var jobCount = 0
    /// Pieces written since the last checkpoint began.
    var dirtyPieces: Set<Int> = []
    /// Whether pieces were found, lost or proved since then.
    var hasNewFindings = false
    /// Of each file, as last seen; empty until the first checkpoint.
    var stamps: [FileStamp] = []
    /// Writing waits for its end.
    var move: TorrentMove?
    var afterMove: [() -> Void] = []
    /// What waits for the end of write jobs (up to a number) or of all jobs.
    var barriers: [Barrier] = []

    struct Barrier {
        /// Write jobs up to this must have ended; nil is every job.
        var lastWriteJob: UInt64?
        var body: () -> Void
    }

    /// - Parameters:
    ///   - directory: Where the torrent's files and folders lie; it must exist when something is read or written.
    ///   - have: Pieces known to be on disk, of the last checkpoint or check.
    ///   - unproven: Those of them that are had by trust alone.
    ///   - partials: Blocks known to be on disk of pieces that were not complete. What does not fit is left out.
    ///   - selection: The wanted files; nil, or one of another count, is all. See `select`.
    public init(
        torrent: TorrentID, layout: TorrentLayout, directory: String, service: StorageService,
        hashes: PieceHashes? = nil, have: Bitfield? = nil, unproven: Bitfield? = nil,
        partials: [PartialPiece] = [],
        selection: Bitfield? = nil
    ) {
        let pieceCount = layout.geometry.pieceCount
        precondition(have.map { $0.count == pieceCount } ?? true, "a bit field of another torrent")
        self.torrent = torrent
        self.layout = layout
        self.service = service
        self.hashes = hashes
        self.gatherCount = max(
            1,
            min(
                PieceCheck.groupCount(layout.geometry),
                service.limits.writeBackBytes / 2 / Int(layout.geometry.pieceLength)))
        self.have = have ?? Bitfield(count: pieceCount)
        self.unproven = unproven.flatMap { $0.isEmpty ? nil : $0 }
        self.selection = selection.flatMap { $0.count == layout.fileCount && !$0.isComplete ? $0 : nil }
        self.files = FileSet(
            torrent: torrent, layout: layout, directory: directory, cache: service.descriptors,
            selection: selection)
        for partial in partials where partial.piece >= 0 && partial.piece < pieceCount {
            if self.have[partial.piece] { continue }
            let blockCount = layout.geometry.blockCount(ofPiece: partial.piece)
            guard partial.blocks.count == blockCount, !partial.blocks.isEmpty else { continue }
            let piece = OpenPiece(number: partial.piece, written: partial.blocks)
            self.openPieces[partial.piece] = piece
            // It was complete when the record was made, but not judged yet.
            if piece.isComplete { self.submit(piece, onlyInOrder: true) }
        }
    }

    public var geometry: PieceGeometry { self.layout.geometry }

    public var directory: String { self.files.directoryPath }

    /// Takes every piece as had, as when a torrent is added whose files are known to be whole; each is proved when a
    /// peer first asks for it, if `hashes` is set.
    public func assumeComplete() {
        self.have = Bitfield(allSet: self.geometry.pieceCount)
        self.unproven = self.have
        self.hasNewFindings = true
    }

    /// Takes pieces as had again that were lost, where nothing can prove them.
    public func trust(_ pieces: Bitfield) {
        for piece in 0..<min(pieces.count, self.geometry.pieceCount) where pieces[piece] {
            self.have.set(piece)
        }
        self.hasNewFindings = true
    }

    /// Every block on disk, or on its way there, of pieces that are not complete.
    public var arrivedBlocks: [Block] {
        self.openPieces.values.flatMap { piece in
            (0..<piece.arrived.count).lazy.filter { piece.arrived[$0] }.map {
                self.geometry.block($0, ofPiece: piece.number)
            }
        }
    }

    /// The blocks of a piece that have come; nil when none has, or the piece is complete.
    public func arrivedBlocks(ofPiece piece: Int) -> Bitfield? { self.openPieces[piece]?.arrived }

    // MARK: Writing

    public enum WriteAnswer: Hashable, Sendable {
        case accepted
        /// The piece, or the block, has come before.
        case alreadyThere
        /// Not a block of this torrent, or not of its length.
        case notABlock
        case stopped
    }

    /// Takes a block. It is on disk before its piece is told of as good.
    ///
    /// Costs less than half a microsecond. Ask `service.isOverloaded` before receiving more.
    @discardableResult
    public func write(_ block: Block, _ payload: BlockPayload) -> WriteAnswer {
        guard self.phase == .running else { return .stopped }
        guard let number = self.geometry.number(of: block), payload.count == Int(block.length) else {
            return .notABlock
        }
        let index = Int(block.piece)
        guard !self.have[index] else { return .alreadyThere }
        let piece = self.openPiece(index)
        let pending = PendingBlock(number: number, payload: payload)
        guard piece.insert(pending) else { return .alreadyThere }
        if !self.isWriter {
            self.isWriter = true
            self.service.hasOpenPieces(self, true)
        }
        self.service.charge(pending)
        guard self.failure == nil, self.move == nil else {
            self.strand(piece)
            return .accepted
        }
        if piece.isComplete {
            if self.mayGather(piece) { self.gather(piece) } else { self.submit(piece, onlyInOrder: true) }
        } else if piece.runLength >= Self.blocksPerJob, self.gatherCount == 1 {
            self.submit(piece, onlyInOrder: true)
        }
        return .accepted
    }

    private func openPiece(_ index: Int) -> OpenPiece {
        if let latest = self.latestPiece, latest.number == index { return latest }
        if let known = self.openPieces[index] {
            self.latestPiece = known
            return known
        }
        let piece = OpenPiece(number: index, blockCount: self.geometry.blockCount(ofPiece: index))
        self.openPieces[index] = piece
        self.latestPiece = piece
        return piece
    }

    func close(_ piece: OpenPiece) {
        self.openPieces[piece.number] = nil
        if self.latestPiece === piece { self.latestPiece = nil }
        if self.openPieces.isEmpty { self.endWriting() }
    }

    func endWriting() {
        self.isWriter = false
        self.service.hasOpenPieces(self, false)
    }

    /// Writes everything that waits, in order or not.
    public func flush() {
        for piece in self.openPieces.values { self.submit(piece, onlyInOrder: false) }
        self.submitGathered()
    }

    /// Starts a job, unless there is one, or nothing to do.
    func submit(_ piece: OpenPiece, onlyInOrder: Bool) {
        guard self.failure == nil, self.move == nil else { return }
        guard !piece.isBusy else {
            if !onlyInOrder { piece.mustFlush = true }
            return
        }
        guard piece.pendingBytes > 0 || (piece.isComplete && self.hashes != nil) else { return }
        self.service.pool.submit(self.job(for: piece, onlyInOrder: onlyInOrder))
    }

    func job(for piece: OpenPiece, onlyInOrder: Bool) -> WriteJob {
        let isLast = piece.isComplete
        let blocks = piece.takePending(onlyInOrder: onlyInOrder)
        self.lastWriteJob += 1
        self.writeJobs.insert(self.lastWriteJob)
        self.jobCount += 1
        self.service.writeJobCount += 1
        piece.isBusy = true
        piece.mustFlush = false
        return WriteJob(
            store: self, order: self.lastWriteJob, piece: piece, blocks: blocks, isLast: isLast,
            wantsDigests: self.suspects.contains(piece.number))
    }

    func finished(_ job: WriteJob) {
        let piece = job.piece
        piece.isBusy = false
        piece.hasher = job.hasher
        self.settleBlocks(of: job)
        if let failure = job.failure {
            self.fail(failure)
        } else if let verdict = job.verdict {
            self.judged(piece, verdict)
        } else if piece.mustFlush || piece.isComplete
            || (piece.runLength >= Self.blocksPerJob && self.gatherCount == 1)
        {
            self.submit(piece, onlyInOrder: !piece.mustFlush)
        }
        self.writeJobs.remove(job.order)
        self.service.writeJobCount -= 1
        self.jobEnded()
        self.service.settle()
    }

    /// Gives the blocks' memory back before anybody takes new: other jobs may still hold on to this one.
    private func settleBlocks(of job: WriteJob) {
        let (written, left) = job.takeBlocks()
        for block in written {
            self.service.discharge(block)
            job.piece.written.set(block.number)
        }
        job.piece.restore(left)
        if !written.isEmpty { self.dirtyPieces.insert(job.piece.number) }
    }

    private func judged(_ piece: OpenPiece, _ verdict: PieceVerdict) {
        self.close(piece)
        if verdict.isGood {
            self.have.set(piece.number)
            self.suspects.remove(piece.number)
            self.doubtIfDue(piece.number)
        } else {
            self.suspects.insert(piece.number)
        }
        self.onEvent?(.pieceHashed(verdict))
    }
}
