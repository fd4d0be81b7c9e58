import COpenSSL

public enum DigestAlgorithm: String, Sendable {
    /// Broken for security; only for values that other programs define by it.
    case md5 = "MD5"
    case sha1 = "SHA1"
    case sha256 = "SHA256"
}

public enum DigestFailure: Error, Hashable, Sendable {
    /// The system's OpenSSL does not offer it, as MD5 in FIPS mode.
    case unavailable(DigestAlgorithm)
    /// OpenSSL refused an operation, as without memory.
    case failed(DigestAlgorithm)
}

/// A digest of bytes as they arrive. Reusable: `finish` makes it ready for the next input, so that looking up
/// the algorithm is paid once.
public struct DigestContext: ~Copyable {
    public let algorithm: DigestAlgorithm
    let context: OpaquePointer
    let method: OpaquePointer

    public init(_ algorithm: DigestAlgorithm) throws(DigestFailure) {
        guard let method = EVP_MD_fetch(nil, algorithm.rawValue, nil) else {
            throw .unavailable(algorithm)
        }
        // Freeing nil is allowed.
        let context = EVP_MD_CTX_new()
        guard let context, EVP_DigestInit_ex2(context, method, nil) == 1 else {
            EVP_MD_CTX_free(context)
            EVP_MD_free(method)
            throw .failed(algorithm)
        }
        self.algorithm = algorithm
        self.context = context
        self.method = method
    }

    deinit {
        EVP_MD_CTX_free(self.context)
        EVP_MD_free(self.method)
    }

    public mutating func update(_ bytes: [UInt8]) throws(DigestFailure) {
        guard EVP_DigestUpdate(self.context, bytes, bytes.count) == 1 else { throw .failed(self.algorithm) }
    }

    /// The digest of everything since the last one.
    public mutating func finish() throws(DigestFailure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard EVP_DigestFinal_ex(self.context, &digest, &count) == 1,
            EVP_DigestInit_ex2(self.context, self.method, nil) == 1
        else { throw .failed(self.algorithm) }
        digest.removeLast(digest.count - Int(count))
        return digest
    }
}

/// The digest of one piece of bytes.
public func digest(_ algorithm: DigestAlgorithm, of bytes: [UInt8]) throws(DigestFailure) -> [UInt8] {
    var context = try DigestContext(algorithm)
    try context.update(bytes)
    return try context.finish()
}
