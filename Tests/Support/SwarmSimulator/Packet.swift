public import PeerProtocol
public import SwarmTypes

/// What stands for a block's payload: which host sent it, and whether it is the right one.
public struct PayloadMark: Hashable, Sendable {
    public let sender: Int
    /// Zero is right; every other number is another wrong payload.
    public let version: UInt64

    public init(sender: Int, version: UInt64) {
        self.sender = sender
        self.version = version
    }

    public var isRight: Bool { self.version == 0 }
}

/// What travels at once over a connection.
public enum Packet: Sendable {
    /// As bytes: an opening, or frames that only a scanner can judge.
    case bytes([UInt8])
    case messages([PeerMessage])
    case block(Block, PayloadMark)

    /// On the wire, without the headers of lower layers.
    var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .messages(let messages): messages.reduce(0) { $0 + $1.wireLength }
        case .block(let block, _): PeerMessage.pieceHeaderLength + Int(block.length)
        }
    }

    var payloadCount: Int {
        if case .block(let block, _) = self { Int(block.length) } else { 0 }
    }
}

extension PeerMessage {
    /// As long as `bytes`, without making them.
    public var wireLength: Int {
        switch self {
        case .keepAlive: 4
        case .choke, .unchoke, .interested, .notInterested, .haveAll, .haveNone, .unknown: 5
        case .port: 7
        case .have, .suggest, .allowedFast: 9
        case .request, .cancel, .reject: 17
        case .bitfield(let bytes): 5 + bytes.count
        case .extended(_, let payload): 6 + payload.count
        }
    }
}
