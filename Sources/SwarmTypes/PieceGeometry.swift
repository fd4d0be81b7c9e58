/// A part of a piece as peers ask for it (BEP 3's `request`): 16 KiB, or what is left of the last piece.
public struct Block: Hashable, Sendable {
    public var piece: UInt32
    /// From the start of the piece, in bytes.
    public var offset: UInt32
    public var length: UInt32

    public init(piece: UInt32, offset: UInt32, length: UInt32) {
        self.piece = piece
        self.offset = offset
        self.length = length
    }
}

/// How a torrent's bytes are cut into pieces, and pieces into blocks. Its numbers are proved once, here.
public struct PieceGeometry: Hashable, Sendable {
    public static let blockLength: UInt32 = 16 * 1024

    /// Of the whole torrent, more than zero.
    public let totalLength: Int64
    public let pieceLength: UInt32
    public let pieceCount: Int

    /// Nil unless the torrent has bytes, a piece length and at most `Int32.max` pieces.
    public init?(totalLength: Int64, pieceLength: UInt32) {
        guard totalLength > 0, pieceLength > 0, pieceLength <= 1 << 30 else { return nil }
        let count = (totalLength - 1) / Int64(pieceLength) + 1
        guard count <= Int64(Int32.max) else { return nil }
        self.totalLength = totalLength
        self.pieceLength = pieceLength
        self.pieceCount = Int(count)
    }

    /// In bytes; the last piece is what is left. `piece` must be below `pieceCount`.
    @inlinable
    public func length(ofPiece piece: Int) -> UInt32 {
        guard piece == self.pieceCount - 1 else { return self.pieceLength }
        return UInt32(truncatingIfNeeded: self.totalLength - Int64(self.pieceLength) * Int64(piece))
    }

    @inlinable
    public func blockCount(ofPiece piece: Int) -> Int {
        Int((self.length(ofPiece: piece) + Self.blockLength - 1) / Self.blockLength)
    }

    /// The block with that number in the piece, from 0.
    @inlinable
    public func block(_ number: Int, ofPiece piece: Int) -> Block {
        let offset = UInt32(truncatingIfNeeded: number) * Self.blockLength
        let length = min(Self.blockLength, self.length(ofPiece: piece) - offset)
        return Block(piece: UInt32(truncatingIfNeeded: piece), offset: offset, length: length)
    }

    /// The number of a block in its piece; nil when it is not one that `block(_:ofPiece:)` answers.
    @inlinable
    public func number(of block: Block) -> Int? {
        guard block.piece < UInt32(self.pieceCount), block.offset % Self.blockLength == 0 else { return nil }
        let length = self.length(ofPiece: Int(block.piece))
        guard block.offset < length, block.length == min(Self.blockLength, length - block.offset) else {
            return nil
        }
        return Int(block.offset / Self.blockLength)
    }

    /// Whether a range that a peer asks for lies in the torrent, whatever its length.
    @inlinable
    public func contains(_ block: Block) -> Bool {
        guard block.piece < UInt32(self.pieceCount), block.length > 0 else { return false }
        let length = self.length(ofPiece: Int(block.piece))
        return block.offset < length && block.length <= length - block.offset
    }

    /// From the start of the torrent, in bytes.
    @inlinable
    public func position(of block: Block) -> Int64 {
        Int64(block.piece) * Int64(self.pieceLength) + Int64(block.offset)
    }
}
