public import SwarmTypes

/// A message between peers after the handshake (BEP 3, 5, 6, 10), all but `piece`, whose data is no value here.
public enum PeerMessage: Hashable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    case have(UInt32)
    /// As on the wire: its length and spare bits are checked once the number of pieces is known.
    case bitfield([UInt8])
    case request(Block)
    case cancel(Block)
    /// The UDP port of the peer's DHT node (BEP 5).
    case port(UInt16)
    case suggest(UInt32)
    case haveAll
    case haveNone
    case reject(Block)
    case allowedFast(UInt32)
    /// With the receiver's own number for it; 0 is the extension handshake (BEP 10).
    case extended(id: UInt8, payload: [UInt8])
    /// A kind that we do not know. Its content is dropped.
    case unknown(UInt8)
}

/// The number of each kind on the wire.
enum MessageID {
    static let choke: UInt8 = 0
    static let unchoke: UInt8 = 1
    static let interested: UInt8 = 2
    static let notInterested: UInt8 = 3
    static let have: UInt8 = 4
    static let bitfield: UInt8 = 5
    static let request: UInt8 = 6
    static let piece: UInt8 = 7
    static let cancel: UInt8 = 8
    static let port: UInt8 = 9
    static let suggest: UInt8 = 13
    static let haveAll: UInt8 = 14
    static let haveNone: UInt8 = 15
    static let reject: UInt8 = 16
    static let allowedFast: UInt8 = 17
    static let extended: UInt8 = 20
}
