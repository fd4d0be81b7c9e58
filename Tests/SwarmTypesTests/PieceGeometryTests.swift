import SwarmTypes
import TestKit
import Testing

@Suite("The geometry of pieces")
struct PieceGeometryTests {
    @Test("What no torrent can have is refused")
    func refused() {
        #expect(PieceGeometry(totalLength: 0, pieceLength: 16384) == nil)
        #expect(PieceGeometry(totalLength: -1, pieceLength: 16384) == nil)
        #expect(PieceGeometry(totalLength: 1, pieceLength: 0) == nil)
        #expect(PieceGeometry(totalLength: 1, pieceLength: 1 << 30 + 1) == nil)
        #expect(PieceGeometry(totalLength: .max, pieceLength: 16384) == nil)
        #expect(PieceGeometry(totalLength: Int64(Int32.max) + 1, pieceLength: 1) == nil)
        #expect(PieceGeometry(totalLength: Int64(Int32.max), pieceLength: 1)?.pieceCount == Int(Int32.max))
        #expect(PieceGeometry(totalLength: 1 << 60, pieceLength: 1 << 30)?.pieceCount == 1 << 30)
    }

    @Test("Pieces and blocks cover the torrent once, without a gap", arguments: 0..<200 as Range<UInt64>)
    func cover(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieceLength = UInt32.random(in: 1...100_000, using: &random)
        let total = Int64.random(in: 1...Int64(pieceLength) * 20, using: &random)
        let geometry = try #require(PieceGeometry(totalLength: total, pieceLength: pieceLength))
        var position: Int64 = 0
        for piece in 0..<geometry.pieceCount {
            let start = position
            for number in 0..<geometry.blockCount(ofPiece: piece) {
                let block = geometry.block(number, ofPiece: piece)
                #expect(geometry.position(of: block) == position)
                #expect(geometry.number(of: block) == number && geometry.contains(block))
                #expect(block.length > 0 && block.length <= PieceGeometry.blockLength)
                position += Int64(block.length)
            }
            #expect(position - start == Int64(geometry.length(ofPiece: piece)))
        }
        #expect(position == total)
    }

    @Test(
        "A block from a stranger is one of ours only if it is exactly one of them",
        arguments: 0..<200 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let geometry = try #require(PieceGeometry(totalLength: 100_000, pieceLength: 40_000))
        let odd: [UInt32] = [
            0, 1, 2, 3, 7232, 16383, 16384, 16385, 20_000, 32768, 39_999, 40_000, .max - 1, .max,
        ]
        let block = Block(
            piece: odd.randomElement(using: &random) ?? 0, offset: odd.randomElement(using: &random) ?? 0,
            length: odd.randomElement(using: &random) ?? 0)
        let lengths: [UInt64] = [40_000, 40_000, 20_000]
        let end = UInt64(block.offset) + UInt64(block.length)
        let isInside = block.piece < 3 && block.length > 0 && end <= lengths[Int(min(block.piece, 2))]
        #expect(geometry.contains(block) == isInside)
        guard let number = geometry.number(of: block) else {
            let rest = isInside ? lengths[Int(block.piece)] - UInt64(block.offset) : 0
            #expect(!isInside || block.offset % 16384 != 0 || UInt64(block.length) != min(16384, rest))
            return
        }
        #expect(isInside && geometry.block(number, ofPiece: Int(block.piece)) == block)
    }
}
