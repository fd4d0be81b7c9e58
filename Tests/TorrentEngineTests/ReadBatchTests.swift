import SwarmCore
import SwarmTypes
import TestKit
import Testing

@testable import TorrentEngine

@Suite("Reading of fast peers in batches")
struct ReadBatchTests {
    private let fast = ByteRate(bytesPerSecond: 100 << 20)

    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test("A fast peer of which much is awaited is read in batches, and its last blocks as they come")
    func lastBlocks() {
        var batch = ReadBatch()
        #expect(batch.read(asked: 64 << 20, rate: self.fast, at: self.at(5000)) == ReadBatch.bytes)
        #expect(batch.read(asked: 64 << 20, rate: self.fast, at: self.at(5001)) == nil)
        #expect(batch.read(asked: ReadBatch.leastAsked - 1, rate: self.fast, at: self.at(5002)) == 1)
    }

    @Test("A slow peer is read as its bytes come")
    func slow() {
        var batch = ReadBatch()
        let rate = ByteRate(bytesPerSecond: ReadBatch.leastRate.bytesPerSecond - 1)
        #expect(batch.read(asked: 64 << 20, rate: rate, at: self.at(5000)) == nil)
        #expect(batch.lowWater == 1)
    }

    @Test("A fast peer that falls silent is read at once, and not in batches for a second")
    func silence() {
        var batch = ReadBatch()
        _ = batch.read(asked: 64 << 20, rate: self.fast, at: self.at(5000))
        #expect(batch.timerFired(at: self.at(5049)) == nil)
        #expect(batch.timerFired(at: self.at(5050)) == 1)
        #expect(batch.timerFired(at: self.at(5100)) == nil)
        #expect(batch.read(asked: 64 << 20, rate: self.fast, at: self.at(6049)) == nil)
        #expect(batch.read(asked: 64 << 20, rate: self.fast, at: self.at(6050)) == ReadBatch.bytes)
    }

    @Test("It batches only what is fast and awaited, and says each change once", arguments: 0..<200)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var batch = ReadBatch()
        var told = 1
        var now = Instant(nanoseconds: 10_000_000_000)
        for _ in 0..<200 {
            now = now.advanced(byNanoseconds: Int64.random(in: 0..<80_000_000, using: &random))
            let asked = Int.random(in: 0..<2 * ReadBatch.leastAsked, using: &random)
            let rate = ByteRate(bytesPerSecond: Int64.random(in: 0..<64 << 20, using: &random))
            let answer =
                Bool.random(using: &random)
                ? batch.read(asked: asked, rate: rate, at: now) : batch.timerFired(at: now)
            #expect(answer != told)
            told = answer ?? told
            #expect(told == batch.lowWater)
            if answer == ReadBatch.bytes {
                #expect(asked >= ReadBatch.leastAsked && rate >= ReadBatch.leastRate)
            }
        }
    }
}

@Suite("Blocks on their way out")
struct SendingTests {
    @Test("What the socket has taken counts as uploaded at once, without heads, each byte once")
    func payload() {
        let blocks = (0..<3 as Range<UInt32>).map { Block(piece: 1, offset: $0 * 100, length: 100) }
        let whole = 3 * 113
        for step in [1, 7, 13, 14, 50, 113, 200, whole] {
            var sending = Sending(UploadRun(blocks: blocks, length: 300), data: [])
            var counted = 0
            while !sending.isDone {
                sending.sent = min(whole, sending.sent + step)
                counted += sending.takePayload()
                let expected = (0..<sending.sent).reduce(0) { $0 + ($1 % 113 >= 13 ? 1 : 0) }
                #expect(counted == expected)
            }
            #expect(counted == 300 && sending.takePayload() == 0)
        }
    }
}
