import SwarmTypes

/// The end game: when no free block is left, blocks that wait in a slower peer's queue are asked of others as
/// well. Three peers at most are asked for one block; the first to send it wins, and the others are told.
extension PiecePicker {
    private static let maximumOwners = 3
    /// A peer without any request takes this many at once.
    private static let idleLimit = 16

    mutating func duplicate(
        for slot: PeerSlot, _ left: inout Int, using random: inout some RandomNumberGenerator,
        _ blocks: inout [Block]
    ) {
        let number = Int(slot.rawValue)
        let own = self.queueSeconds(of: number)
        let isIdle = self.peers[number].inFlight == 0
        guard self.open.requestedBlockCount > 0, isIdle || self.hasSlower(than: own, but: number),
            self.isEndGame()
        else { return }
        var limit = min(left, Self.idleLimit)
        let records = self.open.records.count
        let start = Int.random(in: 0..<records, using: &random)
        for owners in 1..<Self.maximumOwners {
            for step in 0..<records where limit > 0 {
                let record = (start + step) % records
                guard self.canDuplicate(record, for: number) else { continue }
                // From the end, which the owner reaches last.
                for block in (0..<Int(self.open.records[record].blockCount)).reversed() where limit > 0 {
                    let cell = self.open.cell(block, of: record)
                    guard cell.ownerCount == owners, !cell.isRequested(from: slot.rawValue),
                        isIdle || self.queueSeconds(of: Int(cell.owner(0))) > 2 * own
                    else { continue }
                    self.open.request(block, of: record, from: slot.rawValue)
                    blocks.append(
                        self.geometry.block(block, ofPiece: Int(self.open.records[record].piece)))
                    self.peers[number].inFlight += 1
                    limit -= 1
                    left -= 1
                }
            }
        }
    }

    private func canDuplicate(_ record: Int, for number: Int) -> Bool {
        let piece = self.open.records[record].piece
        guard piece != .max, self.open.records[record].requestedCount > 0 else { return false }
        return self.wantedMissing[Int(piece)] && self.has(number, Int(piece))
    }

    /// How long the peer will need for what it was asked, at the rate of its last pick.
    private func queueSeconds(of number: Int) -> Double {
        let bytes = Double(self.peers[number].inFlight) * Double(PieceGeometry.blockLength)
        return bytes / Double(max(1, self.peers[number].bytesPerSecond))
    }

    private func hasSlower(than seconds: Double, but number: Int) -> Bool {
        self.peers.indices.contains { other in
            other != number && self.peers[other].inFlight > 0 && self.queueSeconds(of: other) > 2 * seconds
        }
    }
}
