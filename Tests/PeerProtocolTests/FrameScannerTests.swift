import SwarmTypes
import TestKit
import Testing

@testable import PeerProtocol

@Suite("The frame scanner")
struct FrameScannerTests {
    private let scanner = FrameScanner(pieceCount: SampleConversation.pieceCount, supportsFast: true)

    @Test("What one side encodes, the other finds, also when every byte comes alone", arguments: 0..<200)
    func roundTrip(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let sample = SampleConversation(messages: 30, using: &random)
        #expect(scan(sample.bytes, with: self.scanner) == sample.events)
        #expect(scan(sample.bytes, cuts: Array(1..<sample.bytes.count), with: self.scanner) == sample.events)
    }

    @Test("A cut anywhere changes nothing", arguments: 0..<5)
    func everyCut(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let sample = SampleConversation(messages: 12, using: &random)
        for cut in 0...sample.bytes.count {
            #expect(scan(sample.bytes, cuts: [cut], with: self.scanner) == sample.events, "cut at \(cut)")
        }
    }

    @Test("Data of a block is reported where it lies in the input, in parts as it arrives")
    func parts() {
        var head: [UInt8] = []
        PeerMessage.appendPieceHeader(Block(piece: 7, offset: 32768, length: 5), to: &head)
        var scanner = self.scanner
        var events: [WireEvent] = []
        scanner.scan((head + [1, 2]).span, into: &events)
        #expect(
            events == [
                .blockBegan(Block(piece: 7, offset: 32768, length: 5)), .blockBytes(offset: 13, count: 2),
            ])
        events = []
        scanner.scan([3, 4, 5, 0, 0].span, into: &events)
        #expect(events == [.blockBytes(offset: 0, count: 3), .blockEnded])
        events = []
        scanner.scan([0, 0].span, into: &events)
        #expect(events == [.message(.keepAlive)])
    }

    @Test("The bytes of BEP 3's and BEP 6's messages are these")
    func vectors() {
        let block = Block(piece: 1, offset: 0x4000, length: 0x4000)
        #expect(PeerMessage.keepAlive.bytes == [0, 0, 0, 0])
        #expect(PeerMessage.choke.bytes == [0, 0, 0, 1, 0])
        #expect(PeerMessage.notInterested.bytes == [0, 0, 0, 1, 3])
        #expect(PeerMessage.have(258).bytes == [0, 0, 0, 5, 4, 0, 0, 1, 2])
        #expect(PeerMessage.bitfield([0x80]).bytes == [0, 0, 0, 2, 5, 0x80])
        #expect(
            PeerMessage.request(block).bytes == [0, 0, 0, 13, 6, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 0x40, 0])
        #expect(PeerMessage.cancel(block).bytes[4] == 8)
        #expect(PeerMessage.port(6881).bytes == [0, 0, 0, 3, 9, 0x1A, 0xE1])
        #expect(PeerMessage.suggest(3).bytes == [0, 0, 0, 5, 13, 0, 0, 0, 3])
        #expect(PeerMessage.haveAll.bytes == [0, 0, 0, 1, 14])
        #expect(PeerMessage.haveNone.bytes == [0, 0, 0, 1, 15])
        #expect(PeerMessage.reject(block).bytes[4] == 16)
        #expect(PeerMessage.allowedFast(3).bytes == [0, 0, 0, 5, 17, 0, 0, 0, 3])
        #expect(PeerMessage.extended(id: 0, payload: [0x64, 0x65]).bytes == [0, 0, 0, 4, 20, 0, 0x64, 0x65])
        var head: [UInt8] = []
        PeerMessage.appendPieceHeader(block, to: &head)
        #expect(head == [0, 0, 0x40, 9, 7, 0, 0, 0, 1, 0, 0, 0x40, 0])
        #expect(head.count == PeerMessage.pieceHeaderLength)
    }

    @Test("A message that is not finished is kept, and nothing is said about it")
    func unfinished() {
        #expect(scan([0, 0, 0, 13, 6, 0, 0, 0, 1], with: self.scanner) == [])
        #expect(scan([0, 0], with: self.scanner) == [])
    }

    @Test("Before the number of pieces is known any bitfield passes, afterwards only the right one")
    func lateCount() {
        let bitfield = PeerMessage.bitfield([0xFF, 0xFF])
        var scanner = FrameScanner(pieceCount: nil, supportsFast: true)
        #expect(scan(bitfield.bytes, with: scanner) == [.message(bitfield)])
        let far = PeerMessage.allowedFast(4_000_000)
        #expect(scan(far.bytes, with: scanner) == [.message(far)])
        scanner.setPieceCount(12)
        #expect(scan(bitfield.bytes, with: scanner) == [.failed(.badBitfield)])
        #expect(scan(far.bytes, with: scanner) == [.failed(.outOfRange(message: 17))])
        let right = PeerMessage.bitfield([0xFF, 0xF0])
        #expect(scan(right.bytes, with: scanner) == [.message(right)])
    }

    @Test("The longest messages of their kinds pass")
    func longest() {
        let bits = [UInt8](repeating: 0, count: Int(MessageLimits.frame) - 1)
        let scanner = FrameScanner(pieceCount: nil, supportsFast: false)
        let payload = [UInt8](repeating: 1, count: Int(MessageLimits.extended))
        for message in [PeerMessage.bitfield(bits), .extended(id: 3, payload: payload)] {
            #expect(scan(message.bytes, cuts: [3, 9, 70_000], with: scanner) == [.message(message)])
        }
        let block = Block(piece: 0, offset: 0, length: MessageLimits.block)
        var bytes: [UInt8] = []
        PeerMessage.appendPieceHeader(block, to: &bytes)
        bytes += [UInt8](repeating: 0, count: Int(block.length))
        let found: [WireEvent] = [
            .blockBegan(block), .blockBytes(offset: 13, count: Int(block.length)), .blockEnded,
        ]
        #expect(scan(bytes, cuts: [100, 100_000], with: scanner) == found)
    }
}
