import COpenSSL

public enum EncryptionFailure: Error, Hashable, Sendable {
    /// The system's OpenSSL has no legacy provider, or it does not offer RC4.
    case unavailable
    /// OpenSSL refused an operation, as without memory.
    case failed
}

/// RC4 in one direction of a connection, as Message Stream Encryption has it. Hides what is said from a cursory look;
/// no security must rest on it.
///
/// A class, because its state must never be copied: two users of one key stream would both get garbage.
public final class StreamCipher {
    private let context: OpaquePointer

    /// - Parameters:
    ///   - key: 1 to 256 bytes.
    ///   - count: How many bytes of the key stream to throw away first.
    public init(key: [UInt8], discarding count: Int = 0) throws(EncryptionFailure) {
        guard (1...256).contains(key.count) else { throw .failed }
        guard let method = LegacyAlgorithms.shared.rc4 else { throw .unavailable }
        guard let context = EVP_CIPHER_CTX_new() else { throw .failed }
        // The length of the key is set before the key.
        guard EVP_EncryptInit_ex2(context, method, nil, nil, nil) == 1,
            EVP_CIPHER_CTX_set_key_length(context, CInt(key.count)) == 1,
            EVP_EncryptInit_ex2(context, nil, key, nil, nil) == 1
        else {
            EVP_CIPHER_CTX_free(context)
            throw .failed
        }
        self.context = context
        var discarded = [UInt8](repeating: 0, count: count)
        self.apply(&discarded)
    }

    deinit { EVP_CIPHER_CTX_free(self.context) }

    /// Whether there is RC4 at all. Finds out once.
    public static var isAvailable: Bool { LegacyAlgorithms.shared.rc4 != nil }

    /// Encrypts or decrypts in place; the two are the same.
    public func apply(_ bytes: UnsafeMutableRawBufferPointer) {
        guard var position = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var left = bytes.count
        while left > 0 {
            let count = min(left, 1 << 30)
            var written: CInt = 0
            guard EVP_EncryptUpdate(self.context, position, &written, position, CInt(count)) == 1 else {
                preconditionFailure("RC4 with a key set refuses no bytes")
            }
            position += count
            left -= count
        }
    }

    public func apply(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { self.apply($0) }
    }
}

/// What OpenSSL keeps in its legacy provider, in a library context of its own, so that nothing else in the process can
/// come to use it. Loaded at the first use and kept until the process ends.
private final class LegacyAlgorithms: Sendable {
    static let shared = LegacyAlgorithms()

    // Sendable: written once here; OpenSSL allows any thread to use a fetched algorithm.
    nonisolated(unsafe) let rc4: OpaquePointer?

    private init() {
        guard let context = OSSL_LIB_CTX_new(), OSSL_PROVIDER_load(context, "legacy") != nil else {
            self.rc4 = nil
            return
        }
        self.rc4 = EVP_CIPHER_fetch(context, "RC4", nil)
    }
}
