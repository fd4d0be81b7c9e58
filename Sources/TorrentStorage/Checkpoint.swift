public import SwarmTypes

/// Blocks of a piece that is not complete.
public struct PartialPiece: Hashable, Sendable {
    public var piece: Int
    public var blocks: Bitfield

    public init(piece: Int, blocks: Bitfield) {
        self.piece = piece
        self.blocks = blocks
    }
}

/// A file as it was seen.
public struct FileStamp: Hashable, Sendable {
    /// In bytes; negative when there was no file.
    public var size: Int64
    /// In nanoseconds since 1970.
    public var changedAt: Int64
    /// Whether nothing more was to be written to it, so that any change is another program's.
    public var isSettled: Bool

    public static let absent = FileStamp(size: -1, changedAt: 0, isSettled: false)

    public init(size: Int64, changedAt: Int64, isSettled: Bool) {
        self.size = size
        self.changedAt = changedAt
        self.isSettled = isSettled
    }
}

/// What is on disk, and stays there whatever ends the process or the machine: only `TorrentStore` makes one, after the
/// data it names was synced.
public struct Checkpoint: Sendable {
    public let torrent: TorrentID
    public let have: Bitfield
    /// Those of them that are had by trust alone; nil when there are none.
    public let unproven: Bitfield?
    public let partials: [PartialPiece]
    /// Of each file of the layout.
    public let files: [FileStamp]
}
