import StallDiagnosis
import SwarmTypes

/// Knows of each block that was written whose it is and whether it is right. Bytes there are none.
struct VirtualDisk {
    /// Of reading a run, of writing and checking a piece.
    var latencySeconds = 0.005
    /// What the disk says to the next write.
    var failure: DiskState?
    private let geometry: PieceGeometry
    /// By piece; nil where no block is there.
    private var marks: [[PayloadMark?]?]

    init(_ geometry: PieceGeometry) {
        self.geometry = geometry
        self.marks = Array(repeating: nil, count: geometry.pieceCount)
    }

    func holds(_ block: Block) -> Bool {
        guard let number = self.geometry.number(of: block) else { return false }
        return self.marks[Int(block.piece)]?[number] != nil
    }

    /// Answers whether all of the piece is there now.
    mutating func write(_ block: Block, _ mark: PayloadMark) -> Bool {
        guard let number = self.geometry.number(of: block) else { return false }
        let piece = Int(block.piece)
        var blocks =
            self.marks[piece] ?? Array(repeating: nil, count: self.geometry.blockCount(ofPiece: piece))
        blocks[number] = mark
        self.marks[piece] = blocks
        return blocks.allSatisfy { $0 != nil }
    }

    func wrongSenders(_ piece: Int) -> [Int] {
        (self.marks[piece] ?? []).compactMap { $0?.isRight == false ? $0?.sender : nil }
    }

    /// Whether the piece's hash is right, and a digest of each of its blocks. A wrong piece is dropped.
    mutating func check(_ piece: Int) -> (isRight: Bool, digests: [UInt64]) {
        guard let blocks = self.marks[piece] else { return (false, []) }
        let isRight = blocks.allSatisfy { $0?.isRight == true }
        let digests = blocks.enumerated().map { number, mark in
            (UInt64(piece) << 32 | UInt64(number)) &* 0x9E37_79B9_7F4A_7C15 ^ (mark?.version ?? .max)
        }
        if !isRight { self.marks[piece] = nil }
        return (isRight, digests)
    }
}
