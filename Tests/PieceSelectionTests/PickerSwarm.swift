import PieceSelection
import SwarmTypes
import TestKit
import Testing

/// A picker and the peers it knows: peer 0, 1, 2 … with these pieces, nil for all. Their keys begin at 100.
final class PickerSwarm {
    var picker: PiecePicker

    init(
        pieces: Int, blocksPerPiece: UInt32 = 4, have: [Int] = [], order: PieceOrder = .rarestFirst,
        peers: [[Int]?]
    ) throws {
        let pieceLength = blocksPerPiece * PieceGeometry.blockLength
        let geometry = try #require(
            PieceGeometry(totalLength: Int64(pieces) * Int64(pieceLength), pieceLength: pieceLength))
        var own = Bitfield(count: pieces)
        for piece in have { own.set(piece) }
        self.picker = PiecePicker(geometry: geometry, have: own, order: order)
        for (number, pieces) in peers.enumerated() {
            let slot = PeerSlot(UInt16(number))
            self.picker.peerJoined(slot, key: PeerKey(UInt32(100 + number)))
            guard let pieces else {
                self.picker.peerHasAll(slot)
                continue
            }
            for piece in pieces { self.picker.peerHas(slot, piece: piece) }
        }
    }

    func isEndGame() -> Bool { self.picker.isEndGame() }

    func restore(_ block: Block) -> Bool { self.picker.restore(block) }

    func blocks(
        _ slot: UInt16, _ count: Int, rate: Int64 = 0, isChoked: Bool = false, seed: UInt64 = 1
    ) -> [Block] {
        var random = SplitMix64(seed: seed)
        var blocks: [Block] = []
        self.picker.pick(
            for: PeerSlot(slot), upTo: count, rate: ByteRate(bytesPerSecond: rate), isChoked: isChoked,
            using: &random, into: &blocks)
        return blocks
    }
}

extension Cancels {
    init(_ slots: UInt16...) {
        self.init()
        for slot in slots { self.append(PeerSlot(slot)) }
    }
}
