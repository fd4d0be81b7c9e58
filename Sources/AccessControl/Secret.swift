import Digests

/// Secrets that are shown once, and kept as digests only.
enum Secret {
    /// 256 bits from the system, as 64 hex digits.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Says of itself what it is, for those who look for leaked ones.
    static func makeKey() -> String { "weir_" + self.make() }

    /// Random secrets need no slow hash. Nil where the library has no SHA-256.
    static func digest(of secret: String) -> [UInt8]? { try? Digests.digest(.sha256, of: Array(secret.utf8)) }
}
