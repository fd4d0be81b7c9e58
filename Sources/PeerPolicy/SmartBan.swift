public import SwarmTypes

/// Finds out who sent wrong bytes. The blocks of a piece that failed are remembered by digest and sender; when the
/// piece is right at last, whoever sent something else is found. Nobody is banned for being in the same piece.
public struct SmartBan: Sendable {
    /// One block as it came: any digest of its bytes will do, if it is the same function each time and cannot be
    /// foreseen by a peer (keyed, or long).
    public struct Evidence: Hashable, Sendable {
        /// In its piece, from 0.
        public var block: Int
        public var sender: PeerKey
        public var digest: UInt64

        public init(block: Int, sender: PeerKey, digest: UInt64) {
            self.block = block
            self.sender = sender
            self.digest = digest
        }
    }

    private struct Source: Hashable {
        var block: Int
        var sender: PeerKey
    }

    /// So many failed pieces without evidence ban a peer all the same.
    public static let strikeLimit = 3
    /// Of remembered blocks; 24 bytes each. Beyond it failures count as strikes.
    public static let evidenceLimit = 16384

    private var evidence: [Int: [Evidence]] = [:]
    private var evidenceCount = 0
    private var strikes: [PeerKey: Int] = [:]

    public init() {}

    /// Whether a piece failed earlier, so that its blocks' digests are wanted when it verifies.
    public func wantsDigests(ofPiece piece: Int) -> Bool { self.evidence[piece] != nil }

    /// The piece's hash was wrong. Answers whom to ban at once: the only sender, or one that sent two versions of
    /// a block. Blocks without a known sender must be left out of `blocks`, and then `isWhole` is false.
    public mutating func pieceFailed(_ piece: Int, blocks: [Evidence], isWhole: Bool) -> [PeerKey] {
        guard let first = blocks.first else { return [] }
        if isWhole, blocks.allSatisfy({ $0.sender == first.sender }) {
            self.forget(first.sender)
            return [first.sender]
        }
        let known = Set(self.evidence[piece] ?? [])
        let versions = Dictionary(
            known.map { (Source(block: $0.block, sender: $0.sender), $0.digest) },
            uniquingKeysWith: { first, _ in first })
        var guilty: Set<PeerKey> = []
        for new in blocks {
            guard let old = versions[Source(block: new.block, sender: new.sender)], old != new.digest else {
                continue
            }
            guilty.insert(new.sender)
        }
        let fresh = Set(blocks).subtracting(known)
        if self.evidenceCount + fresh.count <= Self.evidenceLimit {
            self.evidence[piece, default: []].append(contentsOf: fresh)
            self.evidenceCount += fresh.count
        } else {
            for sender in Set(blocks.map(\.sender)) {
                self.strikes[sender, default: 0] += 1
                if self.strikes[sender, default: 0] >= Self.strikeLimit { guilty.insert(sender) }
            }
        }
        for key in guilty { self.forget(key) }
        return guilty.sorted()
    }

    /// The piece is right. `digests` are of its blocks, in order. Answers who had sent something else.
    public mutating func pieceVerified(_ piece: Int, digests: [UInt64]) -> [PeerKey] {
        guard let known = self.evidence.removeValue(forKey: piece) else { return [] }
        self.evidenceCount -= known.count
        let guilty = Set(
            known.filter { digests.indices.contains($0.block) && digests[$0.block] != $0.digest }.map(
                \.sender))
        for key in guilty { self.forget(key) }
        return guilty.sorted()
    }

    /// What a banned peer is still charged with is of no use; the rest of the evidence stays.
    private mutating func forget(_ key: PeerKey) { self.strikes[key] = nil }
}
