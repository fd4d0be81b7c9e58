public import SwarmTypes

extension PeerMessage {
    /// The length of what goes before a block's data: prefix, kind, piece and offset.
    public static let pieceHeaderLength = 13

    /// Appends the frame. An `unknown` kind becomes a frame without content.
    ///
    /// A bitfield or payload must be shorter than 4 GiB.
    public func append(to bytes: inout [UInt8]) {
        switch self {
        case .keepAlive: bytes.appendWord(0)
        case .choke: bytes.appendFrame(1, MessageID.choke)
        case .unchoke: bytes.appendFrame(1, MessageID.unchoke)
        case .interested: bytes.appendFrame(1, MessageID.interested)
        case .notInterested: bytes.appendFrame(1, MessageID.notInterested)
        case .haveAll: bytes.appendFrame(1, MessageID.haveAll)
        case .haveNone: bytes.appendFrame(1, MessageID.haveNone)
        case .unknown(let id): bytes.appendFrame(1, id)
        case .have(let piece): bytes.appendFrame(MessageID.have, piece)
        case .suggest(let piece): bytes.appendFrame(MessageID.suggest, piece)
        case .allowedFast(let piece): bytes.appendFrame(MessageID.allowedFast, piece)
        case .request(let block): bytes.appendFrame(MessageID.request, block)
        case .cancel(let block): bytes.appendFrame(MessageID.cancel, block)
        case .reject(let block): bytes.appendFrame(MessageID.reject, block)
        case .port(let port):
            bytes.appendFrame(3, MessageID.port)
            bytes.append(UInt8(port >> 8))
            bytes.append(UInt8(truncatingIfNeeded: port))
        case .bitfield(let bits):
            bytes.appendFrame(UInt32(bits.count) + 1, MessageID.bitfield)
            bytes.append(contentsOf: bits)
        case .extended(let id, let payload):
            bytes.appendFrame(UInt32(payload.count) + 2, MessageID.extended)
            bytes.append(id)
            bytes.append(contentsOf: payload)
        }
    }

    /// The frame alone.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        self.append(to: &bytes)
        return bytes
    }

    /// Appends what goes before the data of a `piece`: 13 bytes. The data, `block.length` bytes, must follow.
    public static func appendPieceHeader(_ block: Block, to bytes: inout [UInt8]) {
        bytes.appendFrame(block.length &+ 9, MessageID.piece)
        bytes.appendWord(block.piece)
        bytes.appendWord(block.offset)
    }
}

/// Not `ByteCoding`'s generic form: these run for every block, and a generic of another module is not specialised.
extension [UInt8] {
    fileprivate mutating func appendWord(_ word: UInt32) {
        self.append(UInt8(truncatingIfNeeded: word >> 24))
        self.append(UInt8(truncatingIfNeeded: word >> 16))
        self.append(UInt8(truncatingIfNeeded: word >> 8))
        self.append(UInt8(truncatingIfNeeded: word))
    }

    fileprivate mutating func appendFrame(_ length: UInt32, _ id: UInt8) {
        self.appendWord(length)
        self.append(id)
    }

    fileprivate mutating func appendFrame(_ id: UInt8, _ piece: UInt32) {
        self.appendFrame(5, id)
        self.appendWord(piece)
    }

    fileprivate mutating func appendFrame(_ id: UInt8, _ block: Block) {
        self.appendFrame(13, id)
        self.appendWord(block.piece)
        self.appendWord(block.offset)
        self.appendWord(block.length)
    }
}
