import Glibc

/// A block that was received and is not written yet.
struct PendingBlock: Sendable {
    /// In its piece.
    var number: Int
    var payload: BlockPayload
    /// Whether the service's budget counts it; it does not once the torrent has failed.
    var isCharged = true
}

/// The bytes of consecutive blocks, of some that wait.
struct SliceRun: ~Copyable {
    let blocks: ArraySlice<PendingBlock>
    /// In bytes.
    let count: Int

    /// How far a run has been used.
    struct Cursor {
        /// Twice the place of the block, plus one for the second slice of its payload.
        var slice = 0
        /// In the slice, in bytes.
        var offset = 0
    }

    init(_ blocks: ArraySlice<PendingBlock>) {
        self.blocks = blocks
        self.count = blocks.reduce(0) { $0 + $1.payload.count }
    }

    private func slice(_ index: Int) -> PayloadSlice? {
        let payload = self.blocks[self.blocks.startIndex + index / 2].payload
        return index % 2 == 0 ? payload.first : payload.second
    }

    /// Describes up to `limit` bytes behind the cursor for `pwritev`; answers how many parts and bytes those are.
    /// The limit must be inside the run.
    func gather(
        _ limit: Int, into parts: UnsafeMutablePointer<iovec>, _ cursor: inout Cursor
    ) -> (parts: Int, bytes: Int) {
        var used = 0
        var bytes = 0
        while bytes < limit, used < DiskWorker.partCount {
            guard let slice = self.slice(cursor.slice), slice.count > cursor.offset else {
                cursor = Cursor(slice: cursor.slice + 1, offset: 0)
                continue
            }
            let count = min(limit - bytes, slice.count - cursor.offset)
            let base = UnsafeMutableRawPointer(mutating: slice.bytes.baseAddress)?.advanced(by: cursor.offset)
            if used > 0, parts[used - 1].iov_base?.advanced(by: parts[used - 1].iov_len) == base {
                parts[used - 1].iov_len += count
            } else {
                parts[used] = iovec(iov_base: base, iov_len: count)
                used += 1
            }
            bytes += count
            cursor.offset += count
        }
        return (used, bytes)
    }

    func skip(_ count: Int, _ cursor: inout Cursor) {
        var left = count
        while left > 0 {
            let size = (self.slice(cursor.slice)?.count ?? 0) - cursor.offset
            if left < size {
                cursor.offset += left
                return
            }
            left -= size
            cursor = Cursor(slice: cursor.slice + 1, offset: 0)
        }
    }
}
