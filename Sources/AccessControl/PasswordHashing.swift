import CArgon2

/// Hashes of passwords: argon2id (RFC 9106) in its PHC text.
enum PasswordHashing {
    static let minimumCharacters = 8
    static let maximumBytes = 1024
    private static let passes: UInt32 = 3
    private static let kibibytes: UInt32 = 64 * 1024
    private static let lanes: UInt32 = 2
    private static let hashBytes = 32

    /// A hash that is no password's, so that a name that nobody has takes as long as one that somebody has: zeros as the salt,
    /// and as the hash what nothing can be found for. Its parameters are those above.
    static let nobodys =
        "$argon2id$v=19$m=65536,t=3,p=2$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    /// Takes some 100 ms and 64 MiB. Nil when there is no such memory.
    static func hash(_ password: String) -> String? {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
        let bytes = Array(password.utf8)
        let length = argon2_encodedlen(
            self.passes, self.kibibytes, self.lanes, UInt32(salt.count), UInt32(self.hashBytes), Argon2_id)
        var text = [CChar](repeating: 0, count: length)
        let status = argon2id_hash_encoded(
            self.passes, self.kibibytes, self.lanes, bytes, bytes.count, salt, salt.count, self.hashBytes,
            &text,
            text.count)
        guard status == ARGON2_OK.rawValue else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Takes as long for a wrong password as for the right one.
    static func verify(_ password: String, against hash: String) -> Bool {
        let bytes = Array(password.utf8)
        return argon2id_verify(hash, bytes, bytes.count) == ARGON2_OK.rawValue
    }
}
