import SwarmTypes
import TorrentStorage

/// A block on its way in: the slices of the receive chunks that hold it, or a copy once they are too many.
struct PartialBlock {
    let block: Block
    private var first: PayloadSlice?
    private var second: PayloadSlice?
    private var copy: PayloadChunk?
    private(set) var count = 0

    init(_ block: Block) { self.block = block }

    /// Takes the next part. A third one, or one more after `settle`, is copied.
    mutating func append(_ slice: PayloadSlice, pool: BufferPool) {
        if self.copy != nil {
            self.copyIn(slice)
        } else if self.first == nil {
            self.first = slice
        } else if self.second == nil {
            self.second = slice
        } else {
            self.settle(pool: pool)
            self.copyIn(slice)
        }
        if self.copy == nil { self.count += slice.count }
    }

    /// Copies what is there into a chunk of its own, so that a slow peer's block does not hold a large chunk for long.
    mutating func settle(pool: BufferPool) {
        guard self.copy == nil else { return }
        self.copy = pool.take(.small)
        self.count = 0
        if let first = self.first { self.copyIn(first) }
        if let second = self.second { self.copyIn(second) }
        self.first = nil
        self.second = nil
    }

    private mutating func copyIn(_ slice: PayloadSlice) {
        guard let copy = self.copy else { return }
        let space = copy.space(after: self.count)
        guard slice.count <= space.count else { return }
        space.copyMemory(from: slice.bytes)
        self.count += slice.count
    }

    /// Nil when nothing has arrived, or more than fits.
    var payload: BlockPayload? {
        guard self.count == Int(self.block.length) else { return nil }
        if let copy = self.copy { return BlockPayload(copy.slice(at: 0, count: self.count)) }
        return self.first.map { BlockPayload($0, self.second) }
    }
}
