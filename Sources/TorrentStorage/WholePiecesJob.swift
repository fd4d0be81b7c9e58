import Digests

/// Hashes whole pieces of one length side by side where they lie in memory, then writes each with one call.
final class WholePiecesJob: DiskJob, @unchecked Sendable {
    private let parts: [WriteJob]
    private let hashes: PieceHashes
    private let length: Int

    /// At least one and at most as many as there are lanes; each has all blocks of its piece.
    init(_ parts: [WriteJob], _ hashes: PieceHashes, length: Int) {
        self.parts = parts
        self.hashes = hashes
        self.length = length
    }

    func run(on worker: DiskWorker) {
        guard let lanes = worker.lanes else { preconditionFailure("made only where there are lanes") }
        self.hash(lanes, UnsafeMutableRawPointer(worker.parts))
        let isGood = lanes.finish(self.parts.map(\.piece.number), self.hashes)
        for (part, isGood) in zip(self.parts, isGood) { part.run(isGood: isGood, on: worker) }
    }

    func finish() { for part in self.parts { part.finish() } }

    /// - Parameter scratch: Room for 64 bytes a lane.
    private func hash(_ lanes: PieceLanes, _ scratch: UnsafeMutableRawPointer) {
        var cursors = self.parts.map { SliceCursor($0.blocks) }
        let block = SHA1Lanes.blockLength
        var left = self.length
        while left > 0 {
            let common = cursors.reduce(left) { min($0, $1.current.count) } / block * block
            if common > 0 {
                lanes.update(count: common, lanes: cursors.count) { cursors[$0].start }
                for lane in cursors.indices { cursors[lane].advance(common) }
                left -= common
            } else {
                // In some lane the next 64 bytes lie at the end of one chunk and the front of the next.
                for lane in cursors.indices { cursors[lane].take(block, to: scratch + lane * block) }
                lanes.update(count: block, lanes: cursors.count) { UnsafeRawPointer(scratch) + $0 * block }
                left -= block
            }
        }
    }
}

/// Goes through the bytes of a piece in memory.
private struct SliceCursor {
    private let blocks: [PendingBlock]
    private var index = 0
    private var isSecond = false
    /// What is left of the slice that it stands in; empty at the end only.
    private(set) var current: UnsafeRawBufferPointer

    init(_ blocks: [PendingBlock]) {
        self.blocks = blocks
        self.current = blocks[0].payload.first.bytes
        self.skipEmpty()
    }

    /// The end has none, and nobody asks there.
    var start: UnsafeRawPointer {
        guard let start = self.current.baseAddress else { preconditionFailure("a lane has no byte left") }
        return start
    }

    mutating func advance(_ count: Int) {
        self.current = UnsafeRawBufferPointer(rebasing: self.current[count...])
        self.skipEmpty()
    }

    private mutating func skipEmpty() {
        while self.current.isEmpty, self.index < self.blocks.count {
            if !self.isSecond, let second = self.blocks[self.index].payload.second {
                self.isSecond = true
                self.current = second.bytes
            } else {
                self.isSecond = false
                self.index += 1
                guard self.index < self.blocks.count else { return }
                self.current = self.blocks[self.index].payload.first.bytes
            }
        }
    }

    mutating func take(_ count: Int, to target: UnsafeMutableRawPointer) {
        var taken = 0
        while taken < count, !self.current.isEmpty {
            let part = min(count - taken, self.current.count)
            (target + taken).copyMemory(from: self.start, byteCount: part)
            taken += part
            self.advance(part)
        }
    }
}
