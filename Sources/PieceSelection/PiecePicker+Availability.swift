public import SwarmTypes

/// How much of the torrent the connected peers have together, for diagnosis.
public struct Availability: Hashable, Sendable {
    /// The copies among the peers: the whole part is of the rarest piece, the fraction how many pieces have more.
    public var copies: Double
    /// Pieces we want and lack and no connected peer has.
    public var unavailableCount: Int
    /// The first of them.
    public var unavailable: [Int]
    /// Pieces we want and lack and exactly one connected peer has; and that peer, where it is the same for all.
    public var singleCount: Int
    public var onlyHolder: PeerSlot?

    public init(
        copies: Double, unavailableCount: Int, unavailable: [Int], singleCount: Int = 0,
        onlyHolder: PeerSlot? = nil
    ) {
        self.copies = copies
        self.unavailableCount = unavailableCount
        self.unavailable = unavailable
        self.singleCount = singleCount
        self.onlyHolder = onlyHolder
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
        guard self.seedCount <= 1 else { return answer }
        var holder: Int?
        var isOneHolder = true
        var next = self.wantedMissing.first()
        while let piece = next {
            switch self.copies(ofPiece: piece) {
            case 0:
                answer.unavailableCount += 1
                if answer.unavailable.count < limit { answer.unavailable.append(piece) }
            case 1:
                answer.singleCount += 1
                if holder == nil { holder = self.peers.indices.first { self.has($0, piece) } }
                isOneHolder = isOneHolder && holder.map { self.has($0, piece) } ?? false
            default: break
            }
            next = self.wantedMissing.first(from: piece + 1)
        }
        if isOneHolder { answer.onlyHolder = holder.map { PeerSlot(index: $0) } }
        return answer
    }

    /// Whether something is on its way and nothing is left to ask for: every block that is wanted and that somebody has is
    /// requested or received.
    public var isEverythingRequested: Bool {
        guard self.blocksInFlight > 0 else { return false }
        var next = self.closed.first()
        while let piece = next {
            guard self.copies(ofPiece: piece) == 0 else { return false }
            next = self.closed.first(from: piece + 1)
        }
        return !self.hasFreeBlock
    }

    /// Whether a piece that is begun has a block left that somebody could be asked for.
    var hasFreeBlock: Bool {
        self.open.withFree.contains { number in
            let piece = Int(self.open.records[Int(number)].piece)
            return self.wantedMissing[piece] && self.copies(ofPiece: piece) > 0
        }
    }

    /// Of connected peers that have the piece.
    public func copies(ofPiece piece: Int) -> Int { self.seedCount + Int(self.availability[piece]) }
}
