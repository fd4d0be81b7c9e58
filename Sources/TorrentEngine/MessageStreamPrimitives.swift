import Digests
import PeerProtocol

/// Message Stream Encryption's calculations, by OpenSSL.
struct MessageStreamPrimitives: EncryptionPrimitives {
    func publicKey(exponent: [UInt8]) -> [UInt8]? { try? KeyExchange.publicKey(exponent: exponent) }

    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]? {
        (try? KeyExchange.sharedSecret(exponent: exponent, with: publicKey)) ?? nil
    }

    /// Without SHA-1 nothing of this program works: then no bytes, which match nothing.
    func sha1(_ bytes: [UInt8]) -> [UInt8] { (try? digest(.sha1, of: bytes)) ?? [] }

    func cipher(key: [UInt8]) -> StreamCipher? { try? StreamCipher(key: key, discarding: 1024) }

    func apply(_ cipher: StreamCipher, to bytes: inout [UInt8]) { cipher.apply(&bytes) }
}
