public import PeerProtocol
public import SwarmTypes

/// What a swarm wants done. The driver does it and decides nothing.
public enum SwarmAction: Hashable, Sendable {
    case send(PeerSlot, PeerMessage)
    /// There is something to upload to the peer: take it with `nextUpload`.
    case serve(PeerSlot)
    /// The peer is forgotten already: end its connection.
    case close(PeerSlot, CloseReason)
    /// The whole info dictionary of a magnet link. Its hash is not proved: `metadataFailed` answers one that is wrong.
    case metadataReceived([UInt8])
    /// A peer asks for a piece of the info dictionary: answer with `give`.
    case giveMetadata(PeerSlot, piece: Int)
    /// A peer told of others (BEP 11).
    case heardOf([PeerAddress])
    /// A piece is there, checked and counted.
    case pieceFinished(Int)
    /// Nothing that is wanted is missing any more.
    case finished
}

/// What becomes of a block that has arrived.
public enum BlockDisposition: Hashable, Sendable {
    /// It was asked for: write it.
    case write
    /// It came too late or twice.
    case discard
}
