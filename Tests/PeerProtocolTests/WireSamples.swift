import SwarmTypes
import TestKit

@testable import PeerProtocol

/// Feeds a scanner with an input cut at the given places, and answers what it finds, with the parts of a block's
/// data joined and placed by their offset in the whole input.
func scan(_ input: [UInt8], cuts: [Int] = [], with scanner: FrameScanner) -> [WireEvent] {
    var scanner = scanner
    var events: [WireEvent] = []
    var start = 0
    for end in cuts + [input.count] {
        var found: [WireEvent] = []
        scanner.scan(input.span.extracting(start..<end), into: &found)
        for event in found {
            guard case .blockBytes(let offset, let count) = event else {
                events.append(event)
                continue
            }
            if case .blockBytes(let before, let length) = events.last {
                precondition(before + length == start + offset, "a gap in a block")
                events[events.count - 1] = .blockBytes(offset: before, count: length + count)
            } else {
                events.append(.blockBytes(offset: start + offset, count: count))
            }
        }
        start = end
    }
    return events
}

/// A legal conversation of a torrent with 100 pieces: its bytes, and what a scanner must find in them.
struct SampleConversation {
    static let pieceCount = 100

    var bytes: [UInt8] = []
    var events: [WireEvent] = []

    init(messages: Int, using random: inout SplitMix64) {
        self.append(
            [
                .haveAll, .haveNone, .bitfield([UInt8](repeating: 0xA0, count: 12) + [0xF0]), .interested,
            ].randomElement(using: &random) ?? .choke)
        for _ in 0..<messages {
            if Int.random(in: 0..<3, using: &random) == 0 {
                self.appendBlock(length: UInt32.random(in: 1...300, using: &random), using: &random)
            } else {
                self.append(Self.message(using: &random))
            }
        }
    }

    private mutating func append(_ message: PeerMessage) {
        message.append(to: &self.bytes)
        self.events.append(.message(message))
    }

    private mutating func appendBlock(length: UInt32, using random: inout SplitMix64) {
        let block = Block(piece: UInt32.random(in: 0..<100, using: &random), offset: 16384, length: length)
        PeerMessage.appendPieceHeader(block, to: &self.bytes)
        self.events += [
            .blockBegan(block), .blockBytes(offset: self.bytes.count, count: Int(length)), .blockEnded,
        ]
        for _ in 0..<length { self.bytes.append(UInt8.random(in: 0...255, using: &random)) }
    }

    static func message(using random: inout SplitMix64) -> PeerMessage {
        let piece = UInt32.random(in: 0..<100, using: &random)
        let block = Block(
            piece: piece, offset: UInt32.random(in: 0...1_000_000, using: &random),
            length: UInt32.random(in: 1...MessageLimits.block, using: &random))
        let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        let kinds: [PeerMessage] = [
            .keepAlive, .choke, .unchoke, .interested, .notInterested, .have(piece), .request(block),
            .cancel(block), .port(UInt16.random(in: 0...65535, using: &random)), .suggest(piece),
            .reject(block), .allowedFast(piece), .unknown(21),
            .extended(id: UInt8.random(in: 0...255, using: &random), payload: payload),
        ]
        return kinds[Int.random(in: 0..<kinds.count, using: &random)]
    }
}
