import COpenSSL

/// The Diffie-Hellman exchange of Message Stream Encryption: generator 2, a prime of 768 bits, numbers in big-endian
/// order. Too short to be secure today; it only has to differ from connection to connection.
public enum KeyExchange {
    /// Of a public key and of the shared secret.
    public static let byteCount = 96

    /// The one prime that every client uses.
    private static let prime =
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
        + "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563"

    /// - Parameter exponent: Ours and secret, 20 bytes by chance.
    public static func publicKey(exponent: [UInt8]) throws(EncryptionFailure) -> [UInt8] {
        var numbers = try Numbers()
        return try numbers.power(of: [2], exponent)
    }

    /// What both sides come to; nil when the other's public key is one that nobody has who follows the rules, and
    /// which would make the secret known to all.
    public static func sharedSecret(
        exponent: [UInt8], with publicKey: [UInt8]
    ) throws(EncryptionFailure) -> [UInt8]? {
        var numbers = try Numbers()
        guard try numbers.isPublicKey(publicKey) else { return nil }
        return try numbers.power(of: publicKey, exponent)
    }

    /// OpenSSL's numbers for one calculation.
    private struct Numbers: ~Copyable {
        private let context: OpaquePointer
        private let prime: OpaquePointer

        init() throws(EncryptionFailure) {
            guard let context = BN_CTX_new() else { throw .failed }
            var prime: OpaquePointer?
            guard BN_hex2bn(&prime, KeyExchange.prime) > 0, let prime else {
                BN_CTX_free(context)
                throw .failed
            }
            self.context = context
            self.prime = prime
        }

        deinit {
            BN_free(self.prime)
            BN_CTX_free(self.context)
        }

        /// Whether it is above 1 and below the prime less 1.
        mutating func isPublicKey(_ bytes: [UInt8]) throws(EncryptionFailure) -> Bool {
            guard bytes.count == KeyExchange.byteCount else { return false }
            let number = BN_bin2bn(bytes, CInt(bytes.count), nil)
            let highest = BN_dup(self.prime)
            defer {
                BN_free(number)
                BN_free(highest)
            }
            guard let number, let highest, BN_sub_word(highest, 1) == 1 else { throw .failed }
            return BN_is_zero(number) == 0 && BN_is_one(number) == 0 && BN_cmp(number, highest) < 0
        }

        mutating func power(of base: [UInt8], _ exponent: [UInt8]) throws(EncryptionFailure) -> [UInt8] {
            let base = BN_bin2bn(base, CInt(base.count), nil)
            let power = BN_bin2bn(exponent, CInt(exponent.count), nil)
            let result = BN_new()
            defer {
                BN_free(base)
                BN_clear_free(power)
                BN_clear_free(result)
            }
            guard let base, let power, let result else { throw .failed }
            BN_set_flags(power, BN_FLG_CONSTTIME)
            var bytes = [UInt8](repeating: 0, count: KeyExchange.byteCount)
            guard BN_mod_exp(result, base, power, self.prime, self.context) == 1,
                BN_bn2binpad(result, &bytes, CInt(bytes.count)) == CInt(bytes.count)
            else { throw .failed }
            return bytes
        }
    }
}
