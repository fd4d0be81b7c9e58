public import SwarmTypes

/// What became of a piece of which all blocks have come.
public struct PieceVerdict: Hashable, Sendable {
    public var piece: Int
    /// Whether it has the hash of the metainfo. It is on disk then, and `TorrentStore.have` has it.
    public var isGood: Bool
    /// Of each block in order: when the piece is bad, and when it is good after it was bad. A block that differs
    /// between the two was sent wrong (smart ban). See `blockDigest`.
    public var blockDigests: [UInt64]?
}

/// What a torrent's storage tells its owner, on the loop.
public enum StorageEvent: Sendable {
    case pieceHashed(PieceVerdict)
    /// The answer to a `readWindow` that was `.pending`.
    case readFinished(token: UInt64, Result<ReadWindow, StorageFailure>)
    /// Writing has stopped. What waits is kept, and nothing more should be asked of peers, until `retry` is called
    /// (when the cause may be gone) or the storage is stopped.
    case failed(StorageFailure)
    /// These blocks could not be kept in memory after a failure: they have to be fetched again.
    case blocksDropped(piece: Int, blocks: [Block])
    /// A piece that was had is no longer as it was: it was clear in the first read of a torrent that is trusted, or
    /// cannot be read. `have` lacks it from now on.
    case pieceLost(piece: Int, StorageFailure)
}

/// Bytes of one piece, read for peers: up to 256 KiB from a multiple of 256 KiB. Shared by all who ask for them.
public struct ReadWindow: Sendable {
    public static let length = BufferPool.Size.large.rawValue

    public let piece: Int
    /// In the piece, in bytes.
    public let offset: Int
    public let count: Int
    let chunk: PayloadChunk

    /// As much of `count` bytes of the piece from `offset` on as the window holds; nil when it does not hold the first.
    /// A request that passes a multiple of 256 KiB takes two windows.
    public func slice(at offset: Int, count: Int) -> PayloadSlice? {
        let start = offset - self.offset
        guard start >= 0, start < self.count else { return nil }
        return self.chunk.slice(at: start, count: min(count, self.count - start))
    }
}
