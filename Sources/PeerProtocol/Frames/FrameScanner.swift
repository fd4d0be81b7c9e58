public import SwarmTypes

/// What a scanner finds in a peer's bytes.
public enum WireEvent: Hashable, Sendable {
    case message(PeerMessage)
    /// The head of a `piece`: its data follows, in as many parts as it arrives in.
    case blockBegan(Block)
    /// A part of the block's data, in the bytes of this call of `scan`.
    case blockBytes(offset: Int, count: Int)
    case blockEnded
    /// The peer broke the protocol. Nothing follows, and what comes later is ignored.
    case failed(CloseReason)
}

/// Cuts a peer's byte stream after the handshake into messages (BEP 3), without touching the data of blocks.
///
/// Keeps only the beginning of a message that the end of the input cuts, and no more of it than has arrived.
/// Except where the data of a block is cut into parts, the events do not depend on how the stream was cut.
/// Checks all that needs no more than the number of pieces; ranges inside a piece are for whoever knows the sizes.
public struct FrameScanner: Sendable {
    private enum State {
        case frames
        /// Inside a `piece`, with so much of its data to come. Leaves to: frames.
        case block(left: Int)
        /// Inside an unknown message. Leaves to: frames.
        case skipping(left: Int)
        case failed
    }

    private var state = State.frames
    /// The cut beginning of a frame, from its prefix on. Empty in every state but `frames`.
    private var pending: [UInt8] = []
    private var rules: MessageRules

    /// - Parameters:
    ///   - pieceCount: Nil while the metadata is missing. Must be more than zero.
    ///   - supportsFast: Whether both sides announced the fast extension (BEP 6).
    public init(pieceCount: Int?, supportsFast: Bool) {
        self.rules = MessageRules(pieceCount: pieceCount, supportsFast: supportsFast)
    }

    /// Holds for messages that arrive from now on.
    public mutating func setPieceCount(_ count: Int) { self.rules.pieceCount = count }

    /// Takes all of `bytes` and appends what is in them to `events`.
    public mutating func scan(_ bytes: Span<UInt8>, into events: inout [WireEvent]) {
        var position = 0
        while position < bytes.count {
            switch self.state {
            case .frames:
                position =
                    self.pending.isEmpty
                    ? self.scanFrame(bytes, from: position, into: &events)
                    : self.scanCutFrame(bytes, from: position, into: &events)
            case .block(let left):
                let count = min(left, bytes.count - position)
                events.append(.blockBytes(offset: position, count: count))
                if count == left {
                    events.append(.blockEnded)
                    self.state = .frames
                } else {
                    self.state = .block(left: left - count)
                }
                position += count
            case .skipping(let left):
                let count = min(left, bytes.count - position)
                self.state = count == left ? .frames : .skipping(left: left - count)
                position += count
            case .failed: return
            }
        }
    }

    /// Reads one frame that begins in this input, and answers where the next one begins.
    private mutating func scanFrame(
        _ bytes: Span<UInt8>, from start: Int, into events: inout [WireEvent]
    ) -> Int {
        switch self.rules.read(bytes, from: start) {
        case .needs:
            self.pending.append(copying: bytes, from: start, to: bytes.count)
            return bytes.count
        case .found(let finding, let count):
            self.enter(finding, &events)
            return start + count
        }
    }

    /// The same for a frame whose beginning is pending, which grows to exactly what is asked for next.
    private mutating func scanCutFrame(
        _ bytes: Span<UInt8>, from start: Int, into events: inout [WireEvent]
    ) -> Int {
        // Moved out, so that the rules can read it while they change themselves.
        var pending: [UInt8] = []
        swap(&pending, &self.pending)
        defer { swap(&pending, &self.pending) }
        var position = start
        while true {
            switch self.rules.read(pending.span, from: 0) {
            case .needs(let wanted):
                let end = min(bytes.count, position + wanted - pending.count)
                pending.append(copying: bytes, from: position, to: end)
                position = end
                if pending.count < wanted { return position }
            case .found(let finding, _):
                // A long message is rare: its memory is not kept.
                pending.removeAll(keepingCapacity: pending.capacity <= 64)
                self.enter(finding, &events)
                return position
            }
        }
    }

    private mutating func enter(_ finding: MessageRules.Finding, _ events: inout [WireEvent]) {
        switch finding {
        case .message(let message):
            events.append(.message(message))
        case .block(let block):
            events.append(.blockBegan(block))
            self.state = .block(left: Int(block.length))
        case .unknown(let id, let left):
            events.append(.message(.unknown(id)))
            if left > 0 { self.state = .skipping(left: left) }
        case .refused(let reason):
            events.append(.failed(reason))
            self.state = .failed
        }
    }
}

extension [UInt8] {
    /// Appends `bytes[start..<end]`.
    mutating func append(copying bytes: Span<UInt8>, from start: Int, to end: Int) {
        for index in start..<end { self.append(bytes[index]) }
    }
}
