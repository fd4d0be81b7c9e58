public import SwarmTypes

/// What a handshake asks its driver to do.
public enum HandshakeAction: Hashable, Sendable {
    case send([UInt8])
    /// Find the torrent, and call `identified(as:into:)` before more bytes are fed.
    case lookUp(TorrentLookUp)
    /// The end: messages follow, the first of them perhaps in the introduction.
    case established(Introduction)
    /// The end: close, and dial again with encryption off. What the peer did looks like that of one without encryption.
    case redialPlain(after: CloseReason)
    /// The end: close.
    case failed(CloseReason)
}

/// What an incoming connection says about the torrent that it is for.
public enum TorrentLookUp: Hashable, Sendable {
    case infoHash(TorrentID)
    case obfuscated(ObfuscatedTorrentID)
}

/// What two peers know of each other after their handshakes.
public struct Introduction: Hashable, Sendable {
    public var infoHash: TorrentID
    public var peerID: PeerID
    /// Of these three: whether both sides announced it.
    public var supportsFast: Bool
    public var supportsExtensions: Bool
    public var supportsDHT: Bool
    public var encryption: ConnectionEncryption
    /// Bytes that came behind the handshake, decrypted.
    public var leftover: [UInt8]

    public init(
        infoHash: TorrentID, peerID: PeerID, supportsFast: Bool, supportsExtensions: Bool, supportsDHT: Bool,
        encryption: ConnectionEncryption, leftover: [UInt8] = []
    ) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.supportsFast = supportsFast
        self.supportsExtensions = supportsExtensions
        self.supportsDHT = supportsDHT
        self.encryption = encryption
        self.leftover = leftover
    }
}
