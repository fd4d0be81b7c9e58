import Digests
import Glibc

/// The SHA-1 of each piece, as the metainfo has them (BEP 3, `pieces`). Loaded when they are needed, and shared.
public final class PieceHashes: Sendable {
    public static let digestLength = 20

    private let bytes: [UInt8]

    /// Nil unless there are 20 bytes for each piece.
    public init?(sha1 bytes: [UInt8], pieceCount: Int) {
        guard bytes.count == pieceCount * Self.digestLength else { return nil }
        self.bytes = bytes
    }

    func matches(_ piece: Int, _ digest: UnsafeRawBufferPointer) -> Bool {
        self.bytes.withUnsafeBytes { bytes in
            guard let expected = bytes.baseAddress, let found = digest.baseAddress else { return false }
            return memcmp(expected + piece * Self.digestLength, found, Self.digestLength) == 0
        }
    }
}

/// The SHA-1 of a piece that grows block by block. One thread at a time.
final class PieceHasher {
    private var context: DigestContext
    /// All blocks before it are in the digest.
    private(set) var nextBlock = 0

    init() throws(DigestFailure) { self.context = try DigestContext(.sha1) }

    func add(_ payload: BlockPayload) throws(DigestFailure) {
        try self.context.update(payload.first.bytes)
        if let second = payload.second { try self.context.update(second.bytes) }
        self.nextBlock += 1
    }

    func add(_ bytes: UnsafeRawBufferPointer, blocks: Int) throws(DigestFailure) {
        try self.context.update(bytes)
        self.nextBlock += blocks
    }

    /// Whether what was added is the piece; and begins anew.
    func finish(_ piece: Int, _ hashes: PieceHashes) throws(DigestFailure) -> Bool {
        self.nextBlock = 0
        return try withUnsafeTemporaryAllocation(
            byteCount: PieceHashes.digestLength, alignment: 8
        ) { digest throws(DigestFailure) -> Bool in
            try self.context.finish(into: digest)
            return hashes.matches(piece, UnsafeRawBufferPointer(digest))
        }
    }

    /// Begins anew.
    func reset() {
        self.nextBlock = 0
        _ = try? self.context.finish()
    }
}

/// The SHA-1 of several pieces that are read side by side. One thread at a time.
final class PieceLanes {
    private var hasher = SHA1Lanes()

    /// Takes in `count` bytes of each lane, a multiple of 64; `input` says where they lie.
    func update(count: Int, lanes: Int, input: (_ lane: Int) -> UnsafeRawPointer) {
        self.hasher.update(count: count, lanes: lanes, input: input)
    }

    /// Whether what was taken in are the pieces; and begins anew.
    func finish(_ pieces: [Int], _ hashes: PieceHashes) -> [Bool] {
        let digests = self.hasher.finish(lanes: pieces.count)
        return digests.withUnsafeBytes { digests in
            pieces.enumerated().map { lane, piece in
                let start = lane * PieceHashes.digestLength
                let digest = digests[start..<start + PieceHashes.digestLength]
                return hashes.matches(piece, UnsafeRawBufferPointer(rebasing: digest))
            }
        }
    }
}

/// A keyed 64-bit digest of a block, SipHash with a key of this process: to compare the blocks of a piece that failed
/// with those of the same piece when it is good, and so to prove who lied. Worth nothing outside the process.
func blockDigest(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return UInt64(bitPattern: Int64(hasher.finalize()))
}
