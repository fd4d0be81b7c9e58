import Digests
import SwarmTypes

/// Hashes and writes blocks of one piece, and judges the piece when they are its last.
final class WriteJob: DiskJob, @unchecked Sendable {
    // Given by the loop.
    /// Of all write jobs of the torrent.
    let order: UInt64
    let store: TorrentStore
    let piece: OpenPiece
    private(set) var blocks: [PendingBlock]
    private let files: FileSet
    private let number: Int
    private let hashes: PieceHashes?
    /// All blocks have come: they are here, or were written before.
    let isLast: Bool
    private let wantsDigests: Bool

    // Left by the disk thread.
    private(set) var hasher: PieceHasher?
    private(set) var failure: StorageFailure?
    /// Of `blocks`, from the first one on.
    private var writtenCount = 0
    private(set) var verdict: PieceVerdict?

    init(
        store: TorrentStore, order: UInt64, piece: OpenPiece, blocks: [PendingBlock], isLast: Bool,
        wantsDigests: Bool
    ) {
        self.order = order
        self.store = store
        self.piece = piece
        self.blocks = blocks
        self.files = store.files
        self.number = piece.number
        self.hashes = store.hashes
        self.isLast = isLast
        self.wantsDigests = wantsDigests
        self.hasher = piece.hasher.take()
    }

    func finish() { self.store.finished(self) }

    /// On the loop: what was written, and what is left.
    func takeBlocks() -> (written: ArraySlice<PendingBlock>, left: ArraySlice<PendingBlock>) {
        defer { self.blocks = [] }
        return (self.blocks[..<self.writtenCount], self.blocks[self.writtenCount...])
    }

    func run(on worker: DiskWorker) {
        do throws(StorageFailure) {
            let hasher = try self.ownHasher()
            // First the hash: then the writing finds the bytes in the core's cache, and not the other way round.
            try self.hash(hasher, worker)
            try self.write(worker)
            if self.isLast { try self.judge(hasher, worker) }
        } catch {
            self.failure = error
        }
    }

    /// The same for a piece that is whole and was hashed already; see `WholePiecesJob`.
    func run(isGood: Bool, on worker: DiskWorker) {
        guard let hashes = self.hashes else { return }
        do throws(StorageFailure) {
            try self.write(worker)
            self.verdict = PieceCheck(self.files, hashes, worker).verdict(
                self.number, isGood: isGood, wantsDigests: self.wantsDigests)
        } catch {
            self.failure = error
        }
    }

    private var geometry: PieceGeometry { self.files.layout.geometry }

    private func position(ofBlock block: Int) -> Int64 {
        self.geometry.position(of: self.geometry.block(block, ofPiece: self.number))
    }

    private func ownHasher() throws(StorageFailure) -> PieceHasher {
        if let hasher = self.hasher { return hasher }
        let hasher = try self.digesting { () throws(DigestFailure) in try PieceHasher() }
        self.hasher = hasher
        return hasher
    }

    private func digesting<Result>(
        _ body: () throws(DigestFailure) -> Result
    ) throws(StorageFailure) -> Result {
        do {
            return try body()
        } catch {
            throw StorageFailure(.write, .noDigest, path: self.files.directoryPath)
        }
    }

    /// Follows the blocks as far as they are in order; what was written out of order is read back at the end.
    private func hash(_ hasher: PieceHasher, _ worker: DiskWorker) throws(StorageFailure) {
        let blockCount = self.geometry.blockCount(ofPiece: self.number)
        var index = 0
        while hasher.nextBlock < blockCount {
            while index < self.blocks.count, self.blocks[index].number < hasher.nextBlock { index += 1 }
            let next = index < self.blocks.count ? self.blocks[index].number : blockCount
            if next == hasher.nextBlock {
                let payload = self.blocks[index].payload
                try self.digesting { () throws(DigestFailure) in try hasher.add(payload) }
            } else if self.isLast {
                let most = worker.buffer.count / Int(PieceGeometry.blockLength)
                let range = hasher.nextBlock..<min(next, hasher.nextBlock + most)
                let bytes = try self.readBack(range, worker)
                try self.digesting { () throws(DigestFailure) in try hasher.add(bytes, blocks: range.count) }
            } else {
                return
            }
        }
    }

    private func readBack(
        _ blocks: Range<Int>, _ worker: DiskWorker
    ) throws(StorageFailure) -> UnsafeRawBufferPointer {
        let last = self.geometry.block(blocks.upperBound - 1, ofPiece: self.number)
        let start = blocks.lowerBound * Int(PieceGeometry.blockLength)
        let count = Int(last.offset) + Int(last.length) - start
        let buffer = UnsafeMutableRawBufferPointer(rebasing: worker.buffer[..<count])
        try self.files.read(into: buffer, at: self.position(ofBlock: blocks.lowerBound))
        return UnsafeRawBufferPointer(buffer)
    }

    /// One call for each run of neighbours.
    private func write(_ worker: DiskWorker) throws(StorageFailure) {
        while self.writtenCount < self.blocks.count {
            let first = self.writtenCount
            var end = first + 1
            while end < self.blocks.count, self.blocks[end].number == self.blocks[end - 1].number + 1 {
                end += 1
            }
            let run = SliceRun(self.blocks[first..<end])
            try self.files.write(run, at: self.position(ofBlock: self.blocks[first].number), on: worker)
            self.writtenCount = end
        }
    }

    private func judge(_ hasher: PieceHasher, _ worker: DiskWorker) throws(StorageFailure) {
        guard let hashes = self.hashes else {
            hasher.reset()
            return
        }
        let isGood = try self.digesting { () throws(DigestFailure) in try hasher.finish(self.number, hashes) }
        self.verdict = PieceCheck(self.files, hashes, worker).verdict(
            self.number, isGood: isGood, wantsDigests: self.wantsDigests)
    }
}
