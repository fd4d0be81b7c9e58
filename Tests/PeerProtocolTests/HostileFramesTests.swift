import SwarmTypes
import TestKit
import Testing

@testable import PeerProtocol

@Suite("Frames of hostile peers")
struct HostileFramesTests {
    /// What the peer sends, and why it is left.
    static let misdeeds: [(name: String, bytes: [UInt8], reason: CloseReason)] = [
        ("length of all ones", [255, 255, 255, 255], .frameTooLong(announced: .max)),
        ("16 MiB", [1, 0, 0, 0], .frameTooLong(announced: 1 << 24)),
        ("1 MiB and a byte", [0, 16, 0, 1], .frameTooLong(announced: 1 << 20 + 1)),
        ("another protocol", Array("GET / HT".utf8), .frameTooLong(announced: 0x4745_5420)),
        ("long choke", [0, 0, 0, 2, 0], .badLength(message: 0, length: 2)),
        ("long haveAll", [0, 0, 0, 2, 14], .badLength(message: 14, length: 2)),
        ("short have", [0, 0, 0, 4, 4], .badLength(message: 4, length: 4)),
        ("short request", [0, 0, 0, 12, 6], .badLength(message: 6, length: 12)),
        ("long cancel", [0, 0, 0, 14, 8], .badLength(message: 8, length: 14)),
        ("short reject", [0, 0, 0, 1, 16], .badLength(message: 16, length: 1)),
        ("long port", [0, 0, 0, 5, 9], .badLength(message: 9, length: 5)),
        ("piece without data", [0, 0, 0, 9, 7], .badLength(message: 7, length: 9)),
        ("piece beyond 128 KiB", [0, 2, 0, 10, 7], .badLength(message: 7, length: 131_082)),
        ("extended without a number", [0, 0, 0, 1, 20], .badLength(message: 20, length: 1)),
        ("extended beyond 128 KiB", [0, 2, 0, 3, 20], .badLength(message: 20, length: 131_075)),
        ("have beyond the end", [0, 0, 0, 5, 4, 0, 0, 0, 100], .outOfRange(message: 4)),
        ("have of all ones", [0, 0, 0, 5, 4, 255, 255, 255, 255], .outOfRange(message: 4)),
        ("suggest beyond the end", [0, 0, 0, 5, 13, 0, 0, 1, 0], .outOfRange(message: 13)),
        ("allowed fast beyond the end", [0, 0, 0, 5, 17, 0, 0, 1, 0], .outOfRange(message: 17)),
        ("request of piece 100", request(100, 0, 16384), .outOfRange(message: 6)),
        ("request of nothing", request(1, 0, 0), .outOfRange(message: 6)),
        ("request beyond 128 KiB", request(1, 0, 131_073), .outOfRange(message: 6)),
        ("request around the end", request(1, .max - 9, 16384), .outOfRange(message: 6)),
        (
            "cancel of piece 100", PeerMessage.cancel(Block(piece: 100, offset: 0, length: 1)).bytes,
            .outOfRange(message: 8)
        ),
        (
            "reject of piece 100", PeerMessage.reject(Block(piece: 100, offset: 0, length: 1)).bytes,
            .outOfRange(message: 16)
        ),
        (
            "data of piece 100", [0, 0, 0, 10, 7, 0, 0, 0, 100, 0, 0, 0, 0, 1],
            .outOfRange(message: 7)
        ),
        (
            "data around the end", [0, 0, 0, 10, 7, 0, 0, 0, 1, 255, 255, 255, 255, 1],
            .outOfRange(message: 7)
        ),
        ("short bitfield", [0, 0, 0, 13, 5], .badBitfield),
        ("long bitfield", [0, 0, 0, 15, 5], .badBitfield),
        ("empty bitfield", [0, 0, 0, 1, 5], .badBitfield),
        (
            "spare bit", PeerMessage.bitfield([UInt8](repeating: 0, count: 12) + [0x08]).bytes,
            .badBitfield
        ),
    ]

    private static func request(_ piece: UInt32, _ offset: UInt32, _ length: UInt32) -> [UInt8] {
        PeerMessage.request(Block(piece: piece, offset: offset, length: length)).bytes
    }

    @Test("Each misdeed ends the connection with its own reason, however it is cut")
    func reasons() {
        let scanner = FrameScanner(pieceCount: SampleConversation.pieceCount, supportsFast: true)
        for misdeed in Self.misdeeds {
            let bytes = PeerMessage.choke.bytes + misdeed.bytes
            let expected: [WireEvent] = [.message(.choke), .failed(misdeed.reason)]
            for cut in 0...bytes.count {
                #expect(scan(bytes, cuts: [cut], with: scanner) == expected, "\(misdeed.name), cut at \(cut)")
            }
            #expect(
                scan(bytes + PeerMessage.unchoke.bytes, cuts: Array(1..<bytes.count), with: scanner)
                    == expected,
                "\(misdeed.name): something after the end")
        }
    }

    @Test(
        "A peer without the fast extension sends none of its messages",
        arguments: [
            PeerMessage.suggest(1), .haveAll, .haveNone, .reject(Block(piece: 1, offset: 0, length: 1)),
            .allowedFast(1),
        ])
    func fast(message: PeerMessage) {
        let scanner = FrameScanner(pieceCount: 100, supportsFast: false)
        #expect(
            scan(message.bytes, with: scanner) == [.failed(.unexpectedMessage(message.bytes[4]))])
    }

    @Test("All or nothing is said once, and before what builds on it; a bit field may come late")
    func availability() {
        let scanner = FrameScanner(pieceCount: 8, supportsFast: true)
        let statements: [PeerMessage] = [.bitfield([1]), .haveAll, .haveNone]
        let block = Block(piece: 1, offset: 0, length: 1)
        var data: [UInt8] = []
        PeerMessage.appendPieceHeader(block, to: &data)
        data.append(9)
        let openings =
            statements.map(\.bytes)
            + [PeerMessage.have(1).bytes, PeerMessage.request(block).bytes, data]
        for statement in statements {
            for opening in openings {
                let last = scan(opening + statement.bytes, with: scanner).last
                #expect(last == (statement == .bitfield([1]) ? .message(statement) : .failed(.badBitfield)))
            }
            // Clients are seen to send these first.
            for opening in [
                PeerMessage.extended(id: 0, payload: []), .port(1), .interested, .unchoke, .allowedFast(1),
                .keepAlive,
            ] {
                #expect(scan(opening.bytes + statement.bytes, with: scanner).last == .message(statement))
            }
        }
    }

    @Test("A flood of empty frames ends; as many with something between them do not")
    func zeros() {
        let scanner = FrameScanner(pieceCount: nil, supportsFast: false)
        let flood = [UInt8](repeating: 0, count: 4 * MessageLimits.keepAlivesInARow)
        let found = scan(flood + flood, with: scanner)
        #expect(found.last == .failed(.notUseful))
        #expect(found.count == MessageLimits.keepAlivesInARow + 1)
        let mixed = flood + PeerMessage.choke.bytes + flood
        #expect(scan(mixed, with: scanner).last == .message(.keepAlive))
    }

    @Test("Arbitrary bytes never trap, and mean the same however they are cut", arguments: 0..<300)
    func arbitrary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = SampleConversation(messages: 8, using: &random).bytes
        for _ in 0..<3 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let scanner = FrameScanner(pieceCount: seed % 2 == 0 ? 100 : nil, supportsFast: seed % 3 == 0)
        let whole = scan(bytes, with: scanner)
        #expect(scan(bytes, cuts: Array(1..<bytes.count), with: scanner) == whole)
        #expect(scan(bytes, cuts: [Int.random(in: 0...bytes.count, using: &random)], with: scanner) == whole)
    }
}
