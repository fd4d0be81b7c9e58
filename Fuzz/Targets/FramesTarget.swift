import PeerProtocol
import SwarmTypes

/// What a scanner finds does not depend on where the stream is cut; a block's data are as long as its head says; nothing
/// follows a failure; and a message that was found is found again when it is encoded.
///
/// The first byte says what the scanner knows (bit 0: the number of pieces, bit 1: the fast extension) and, from 4 on,
/// that each byte comes alone; the next two where the stream is cut in two otherwise; the rest is the stream.
let framesTarget = FuzzTarget(name: "frames") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let choice = reader.byte()
    let place = reader.twoBytes()
    let stream = Array(reader.rest)
    let scanner = FrameScanner(pieceCount: choice & 1 != 0 ? 100 : nil, supportsFast: choice & 2 != 0)
    let cuts = choice >= 4 ? Array(stream.indices.dropFirst()) : [place % (stream.count + 1)]
    let whole = scan(stream, cuts: [], scanner)
    try require(scan(stream, cuts: cuts, scanner) == whole, "other events when cut")

    var left: Int?
    for (index, event) in whole.enumerated() {
        switch event {
        case .blockBegan(let block):
            try require(
                left == nil && block.length <= MessageLimits.block, "a block within a block, or too long")
            left = Int(block.length)
        case .blockBytes(let offset, let count):
            try require(count > 0 && offset >= 0 && offset + count <= stream.count, "data outside the stream")
            try require((left ?? 0) >= count, "more data than the block has")
            left = (left ?? 0) - count
        case .blockEnded:
            try require(left == 0, "a block ends with \(left ?? -1) bytes to come")
            left = nil
        case .failed:
            try require(index == whole.count - 1, "something follows a failure")
        case .message(let message):
            try require(left == nil, "a message within a block")
            try require(
                scan(message.bytes, cuts: [], scanner) == [event] || message.isUnknown,
                "\(message) is another one after encoding")
        }
    }
}

extension PeerMessage {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}

/// The events, with the parts of a block's data joined, and their offsets from the start of the stream.
private func scan(_ stream: [UInt8], cuts: [Int], _ scanner: FrameScanner) -> [WireEvent] {
    var scanner = scanner
    var events: [WireEvent] = []
    var start = 0
    for end in cuts + [stream.count] {
        var found: [WireEvent] = []
        scanner.scan(stream.span.extracting(start..<end), into: &found)
        for event in found {
            guard case .blockBytes(let offset, let count) = event else {
                events.append(event)
                continue
            }
            if case .blockBytes(let first, let before) = events.last, first + before == start + offset {
                events[events.count - 1] = .blockBytes(offset: first, count: before + count)
            } else {
                events.append(.blockBytes(offset: start + offset, count: count))
            }
        }
        start = end
    }
    return events
}
