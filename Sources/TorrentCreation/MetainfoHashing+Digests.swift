import Digests
public import MetainfoCoding

extension MetainfoHashing {
    /// By the system's OpenSSL.
    public static let openSSL = MetainfoHashing(
        sha1: { bytes in
            bytes.withUnsafeBytes { try? digests(.sha1, of: $0, inChunksOf: max(1, $0.count)) }
        },
        sha256: { bytes, chunk in bytes.withUnsafeBytes { try? digests(.sha256, of: $0, inChunksOf: chunk) } }
    )
}

private func digests(
    _ algorithm: DigestAlgorithm, of bytes: UnsafeRawBufferPointer, inChunksOf chunk: Int
) throws(DigestFailure) -> [UInt8] {
    var context = try DigestContext(algorithm)
    return try context.digests(of: bytes, inChunksOf: chunk)
}
