import COpenSSL

extension DigestAlgorithm {
    /// Of a digest.
    public var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }
}

/// For bytes that lie in a buffer of the caller's, without an array.
extension DigestContext {
    public mutating func update(_ bytes: UnsafeRawBufferPointer) throws(DigestFailure) {
        guard EVP_DigestUpdate(self.context, bytes.baseAddress, bytes.count) == 1 else {
            throw .failed(self.algorithm)
        }
    }

    /// Writes the digest of everything since the last one to the front of `digest`, which must have room for it.
    public mutating func finish(into digest: UnsafeMutableRawBufferPointer) throws(DigestFailure) {
        precondition(digest.count >= self.algorithm.byteCount, "there is no room for the digest")
        let bytes = digest.bindMemory(to: UInt8.self)
        guard EVP_DigestFinal_ex(self.context, bytes.baseAddress, nil) == 1,
            EVP_DigestInit_ex2(self.context, self.method, nil) == 1
        else { throw .failed(self.algorithm) }
    }

    /// The digests of each `chunk` bytes, one after another; the last chunk is what is left. Nothing may be begun.
    public mutating func digests(
        of bytes: UnsafeRawBufferPointer, inChunksOf chunk: Int
    ) throws(DigestFailure) -> [UInt8] {
        precondition(chunk > 0, "a chunk has at least one byte")
        let size = self.algorithm.byteCount
        let count = (bytes.count + chunk - 1) / chunk
        var digests = [UInt8](repeating: 0, count: count * size)
        var failure: DigestFailure?
        digests.withUnsafeMutableBytes { digests in
            do throws(DigestFailure) {
                for index in 0..<count {
                    let start = index * chunk
                    try self.update(.init(rebasing: bytes[start..<min(start + chunk, bytes.count)]))
                    try self.finish(into: .init(rebasing: digests[(index * size)...]))
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return digests
    }
}
