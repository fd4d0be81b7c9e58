public import SwarmTypes

/// How an established connection is encrypted.
public enum ConnectionEncryption: String, Hashable, Sendable {
    case plain
    /// Both sides agreed, under encryption, to go on without.
    case plainAfterNegotiation
    case rc4
}

/// The calculations of Message Stream Encryption, of which this module has none.
public protocol EncryptionPrimitives {
    /// The key stream of one direction. Copies must share their state, as those of a class do.
    associatedtype Cipher

    /// 2 to the power of `exponent` modulo the protocol's prime, 96 bytes; nil when it cannot be calculated.
    func publicKey(exponent: [UInt8]) -> [UInt8]?
    /// 96 bytes; nil when `publicKey` is not between 2 and the prime less 2.
    func sharedSecret(exponent: [UInt8], with publicKey: [UInt8]) -> [UInt8]?
    /// 20 bytes.
    func sha1(_ bytes: [UInt8]) -> [UInt8]
    /// RC4 after its first 1,024 bytes; nil when the machine has none.
    func cipher(key: [UInt8]) -> Cipher?
    /// Encrypts or decrypts in place.
    func apply(_ cipher: Cipher, to bytes: inout [UInt8])
}

/// The hash by which an encrypted connection names a torrent: one way, so that only those who know the torrent can tell.
public struct ObfuscatedTorrentID: Hashable, Sendable {
    /// 20 bytes, as an info-hash is.
    private let digest: TorrentID

    /// Nil unless there are 20.
    public init?(bytes: some Collection<UInt8>) {
        guard let digest = TorrentID(bytes: bytes) else { return nil }
        self.digest = digest
    }

    /// `HASH('req2', SKEY)`; nil only when `primitives` give no SHA-1.
    public init?(of torrent: TorrentID, _ primitives: some EncryptionPrimitives) {
        self.init(bytes: primitives.sha1(Array("req2".utf8) + torrent.bytes))
    }
}

/// Finds the torrent that an incoming encrypted connection is about, in one step however many there are.
public struct ObfuscatedTorrents: Sendable {
    private var torrents: [ObfuscatedTorrentID: TorrentID] = [:]

    public init() {}

    public mutating func insert(_ torrent: TorrentID, _ primitives: some EncryptionPrimitives) {
        guard let id = ObfuscatedTorrentID(of: torrent, primitives) else { return }
        self.torrents[id] = torrent
    }

    public mutating func remove(_ torrent: TorrentID, _ primitives: some EncryptionPrimitives) {
        guard let id = ObfuscatedTorrentID(of: torrent, primitives) else { return }
        self.torrents[id] = nil
    }

    public subscript(_ id: ObfuscatedTorrentID) -> TorrentID? { self.torrents[id] }
}
