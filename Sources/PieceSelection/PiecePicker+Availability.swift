import SwarmTypes

/// How much of the torrent the connected peers have together, for diagnosis.
public struct Availability: Hashable, Sendable {
    /// The copies among the peers: the whole part is of the rarest piece, the fraction how many pieces have more.
    public var copies: Double
    /// Pieces we want and lack and no connected peer has.
    public var unavailableCount: Int
    /// The first of them.
    public var unavailable: [Int]

    public init(copies: Double, unavailableCount: Int, unavailable: [Int]) {
        self.copies = copies
        self.unavailableCount = unavailableCount
        self.unavailable = unavailable
    }
}

extension PiecePicker {
    /// Looks at every piece: for a page or a verdict, not for each block.
    public func currentAvailability(listing limit: Int = 16) -> Availability {
        let lowest = Int(self.availability.min() ?? 0)
        let above = self.availability.count { Int($0) > lowest }
        var answer = Availability(
            copies: Double(self.seedCount + lowest) + Double(above) / Double(self.geometry.pieceCount),
            unavailableCount: 0, unavailable: [])
        guard self.seedCount == 0 else { return answer }
        var next = self.wantedMissing.first()
        while let piece = next {
            if self.availability[piece] == 0 {
                answer.unavailableCount += 1
                if answer.unavailable.count < limit { answer.unavailable.append(piece) }
            }
            next = self.wantedMissing.first(from: piece + 1)
        }
        return answer
    }

    /// Of connected peers that have the piece.
    public func copies(ofPiece piece: Int) -> Int { self.seedCount + Int(self.availability[piece]) }
}
