import SwarmTypes

/// Reads one message from the front of bytes and holds it against the rules of BEP 3 and 6.
struct MessageRules: Sendable {
    enum Step {
        /// So many bytes from the start of the frame are needed to say more; there are fewer.
        case needs(Int)
        /// Something that takes so many bytes.
        case found(Finding, count: Int)
    }

    enum Finding {
        case message(PeerMessage)
        case block(Block)
        case unknown(UInt8, left: Int)
        case refused(CloseReason)
    }

    var pieceCount: Int?
    let supportsFast: Bool
    private var keepAlivesInARow = 0
    /// Whether a `bitfield`, `haveAll` or `haveNone` may still come: once, and before anything that builds on it.
    private var mayStateAvailability = true

    init(pieceCount: Int?, supportsFast: Bool) {
        self.pieceCount = pieceCount
        self.supportsFast = supportsFast
    }

    mutating func read(_ bytes: Span<UInt8>, from start: Int) -> Step {
        let available = bytes.count - start
        guard available >= 4 else { return .needs(4) }
        let length = word(bytes, start)
        if length == 0 { return .found(self.keepAlive(), count: 4) }
        guard length <= MessageLimits.frame else { return refusal(.frameTooLong(announced: length)) }
        guard available >= 5 else { return .needs(5) }
        let id = bytes[start + 4]
        guard let rest = self.restNeeded(id, length) else {
            let isBitfield = id == MessageID.bitfield
            return refusal(isBitfield ? .badBitfield : .badLength(message: id, length: length))
        }
        if (MessageID.suggest...MessageID.allowedFast).contains(id), !self.supportsFast {
            return refusal(.unexpectedMessage(id))
        }
        guard available >= 5 + rest else { return .needs(5 + rest) }
        self.keepAlivesInARow = 0
        return .found(self.finding(id, length, bytes, start + 5), count: 5 + rest)
    }

    private mutating func keepAlive() -> Finding {
        self.keepAlivesInARow += 1
        guard self.keepAlivesInARow <= MessageLimits.keepAlivesInARow else { return .refused(.notUseful) }
        return .message(.keepAlive)
    }

    /// How many bytes after the kind must have arrived; nil when no message of the kind has that length.
    private func restNeeded(_ id: UInt8, _ length: UInt32) -> Int? {
        let isValid: Bool
        switch id {
        case MessageID.piece: return length > 9 && length <= 9 + MessageLimits.block ? 8 : nil
        case MessageID.request, MessageID.cancel, MessageID.reject: isValid = length == 13
        case MessageID.have, MessageID.suggest, MessageID.allowedFast: isValid = length == 5
        case MessageID.choke...MessageID.notInterested, MessageID.haveAll, MessageID.haveNone:
            isValid = length == 1
        case MessageID.port: isValid = length == 3
        case MessageID.bitfield: isValid = self.pieceCount.map { Int(length) == 1 + ($0 + 7) / 8 } ?? true
        case MessageID.extended: isValid = length >= 2 && length <= 2 + MessageLimits.extended
        default: return 0
        }
        return isValid ? Int(length) - 1 : nil
    }

    /// `position` is behind the kind.
    private mutating func finding(
        _ id: UInt8, _ length: UInt32, _ bytes: Span<UInt8>, _ position: Int
    ) -> Finding {
        switch id {
        case MessageID.piece:
            self.mayStateAvailability = false
            let block = Block(
                piece: word(bytes, position), offset: word(bytes, position + 4), length: length - 9)
            return self.mayExist(block) ? .block(block) : .refused(.outOfRange(message: id))
        case MessageID.request, MessageID.cancel, MessageID.reject:
            self.mayStateAvailability = false
            let block = Block(
                piece: word(bytes, position), offset: word(bytes, position + 4),
                length: word(bytes, position + 8))
            guard self.mayExist(block) else { return .refused(.outOfRange(message: id)) }
            if id == MessageID.request { return .message(.request(block)) }
            return .message(id == MessageID.cancel ? .cancel(block) : .reject(block))
        case MessageID.have, MessageID.suggest, MessageID.allowedFast:
            let piece = word(bytes, position)
            guard self.mayExist(piece) else { return .refused(.outOfRange(message: id)) }
            if id == MessageID.allowedFast { return .message(.allowedFast(piece)) }
            if id == MessageID.suggest { return .message(.suggest(piece)) }
            self.mayStateAvailability = false
            return .message(.have(piece))
        case MessageID.bitfield: return self.bitfield(bytes, position, Int(length) - 1)
        case MessageID.haveAll: return self.availability(.haveAll)
        case MessageID.haveNone: return self.availability(.haveNone)
        case MessageID.choke: return .message(.choke)
        case MessageID.unchoke: return .message(.unchoke)
        case MessageID.interested: return .message(.interested)
        case MessageID.notInterested: return .message(.notInterested)
        case MessageID.port:
            return .message(.port(UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])))
        case MessageID.extended:
            var payload: [UInt8] = []
            payload.reserveCapacity(Int(length) - 2)
            payload.append(copying: bytes, from: position + 1, to: position + Int(length) - 1)
            return .message(.extended(id: bytes[position], payload: payload))
        default:
            return .unknown(id, left: Int(length) - 1)
        }
    }

    private mutating func bitfield(_ bytes: Span<UInt8>, _ position: Int, _ count: Int) -> Finding {
        if let pieceCount = self.pieceCount, pieceCount % 8 != 0 {
            guard bytes[position + count - 1] << UInt8(pieceCount % 8) == 0 else {
                return .refused(.badBitfield)
            }
        }
        var bits: [UInt8] = []
        bits.reserveCapacity(count)
        bits.append(copying: bytes, from: position, to: position + count)
        // Also late, and again: aria2 sends one in place of many `have`s.
        self.mayStateAvailability = false
        return .message(.bitfield(bits))
    }

    private mutating func availability(_ message: PeerMessage) -> Finding {
        guard self.mayStateAvailability else { return .refused(.badBitfield) }
        self.mayStateAvailability = false
        return .message(message)
    }

    private func mayExist(_ piece: UInt32) -> Bool {
        guard let pieceCount = self.pieceCount else { return piece <= UInt32(Int32.max) }
        return Int(piece) < pieceCount
    }

    private func mayExist(_ block: Block) -> Bool {
        self.mayExist(block.piece) && block.length > 0 && block.length <= MessageLimits.block
            && !block.offset.addingReportingOverflow(block.length).overflow
    }
}

private func refusal(_ reason: CloseReason) -> MessageRules.Step { .found(.refused(reason), count: 0) }

private func word(_ bytes: Span<UInt8>, _ position: Int) -> UInt32 {
    UInt32(bytes[position]) << 24 | UInt32(bytes[position + 1]) << 16 | UInt32(bytes[position + 2]) << 8
        | UInt32(bytes[position + 3])
}
