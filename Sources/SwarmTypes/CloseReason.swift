/// Why a connection to a peer was not made or has ended: the vocabulary of diagnosis, bans and counters.
///
/// What a peer does wrong is such a value, never an error that is thrown.
public enum CloseReason: Hashable, Sendable {
    // Never connected.
    case refused
    case unreachable
    case connectTimeout
    /// The machine could not make the connection: no descriptor, no port. The number is `errno`.
    case localFailure(code: Int32)

    // Connected, no handshake.
    case resetBeforeHandshake
    case closedBeforeHandshake
    case handshakeTimeout
    /// Not BitTorrent at all.
    case badHandshake
    case encryptionFailed(EncryptionStage)
    /// We require encryption, and the peer spoke plainly.
    case encryptionRequired
    case wrongInfoHash
    /// It asked for a torrent that we do not have, or that is stopped.
    case notInTorrent
    /// It is we.
    case ownConnection
    case duplicateConnection
    case tooManyConnections
    /// The address is banned, or a rule keeps it out.
    case banned

    // Established.
    case closedByPeer
    case resetByPeer
    case inactive
    /// A frame announced more bytes than any legal one has.
    case frameTooLong(announced: UInt32)
    /// A message had a length that its kind does not allow.
    case badLength(message: UInt8, length: UInt32)
    /// A piece number, offset or length outside the torrent.
    case outOfRange(message: UInt8)
    /// A bitfield of the wrong size, with spare bits, late or twice.
    case badBitfield
    /// Fast-extension messages from a peer that did not announce it, or the like (BEP 6).
    case unexpectedMessage(UInt8)
    case badExtensionMessage
    /// A block that we did not ask for.
    case unrequestedBlock
    case tooManyBadRequests
    /// Data that failed its hash came provably from this peer.
    case corruptData
    case badMetadata
    /// Both sides have everything.
    case bothSeeds
    /// Nothing asked or sent for long, and the place is needed.
    case notUseful
    case torrentStopped
    case torrentRemoved
    case shutDown
    /// Reading or writing the socket failed. The number is `errno`.
    case socketFailure(code: Int32)
}

/// Where in Message Stream Encryption a connection broke.
public enum EncryptionStage: String, Hashable, Sendable {
    case keyExchange, synchronisation, negotiation
}
