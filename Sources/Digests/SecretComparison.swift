import COpenSSL

/// Whether two secrets are equal, in a time that depends on their lengths only.
public func secretsAreEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return CRYPTO_memcmp(left, right, left.count) == 0
}

public func secretsAreEqual(_ left: String, _ right: String) -> Bool {
    secretsAreEqual(Array(left.utf8), Array(right.utf8))
}
