import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

@Suite("Writing")
struct WritingTests {
    @Test(
        "Blocks in any order, in any layout, give the files bit by bit", arguments: 0..<200 as Range<UInt64>)
    func anyOrder(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let sample = try SampleTorrent(seed: seed)
        var limits = StorageService.Limits()
        // Some of them write under pressure all the time.
        if seed % 3 == 0 { limits.writeBackBytes = 65_536 }
        if seed % 4 == 0 { limits.openFiles = 4 }
        let fixture = try StorageFixture(limits)
        let store = sample.store(in: fixture)
        let blocks = seed % 5 == 0 ? sample.blocks : sample.blocks.shuffled(using: &random)
        let events = await store.feed(sample, blocks)
        #expect(Set(events.goodPieces) == Set(0..<sample.geometry.pieceCount))
        #expect(events.count == sample.geometry.pieceCount)
        let isComplete = await on(fixture.loop) { store.have.isComplete }
        #expect(isComplete)
        for file in 0..<sample.layout.fileCount where sample.layout.length(ofFile: file) > 0 {
            let path = sample.layout.path(ofFile: file)
            #expect(
                fixture.contents(path) == (sample.layout.isPad(file) ? nil : sample.bytes(ofFile: file)),
                "\(path)")
        }
        let waiting = await on(fixture.loop) { fixture.service.waitingBytes }
        #expect(waiting == 0)
    }

    @Test(
        "A piece with a wrong block is bad, and its blocks tell which one when it is good",
        arguments: 0..<20 as Range<UInt64>)
    func badPiece(seed: UInt64) async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 400_000)], pieceLength: 131_072, seed: seed)
        let store = sample.store(in: fixture)
        let liar = sample.blocks[Int(seed) % sample.blocks.count]
        let first = await store.feed(sample, sample.blocks, wrong: [liar])
        #expect(first.badPieces == [Int(liar.piece)])
        let hasPiece = await on(fixture.loop) { store.have[Int(liar.piece)] }
        #expect(!hasPiece)

        let second = await store.feed(sample, sample.blocks.filter { $0.piece == liar.piece })
        #expect(second.goodPieces == [Int(liar.piece)])
        func digests(_ events: [StorageEvent]) -> [UInt64] {
            for case .pieceHashed(let verdict) in events where verdict.piece == Int(liar.piece) {
                return verdict.blockDigests ?? []
            }
            return []
        }
        let differing = zip(digests(first), digests(second)).enumerated().filter { $1.0 != $1.1 }.map(
            \.offset)
        #expect(differing == [sample.geometry.number(of: liar)])
        #expect(fixture.contents("file") == sample.bytes)
    }

    @Test("What is no block, came before or comes after the end is refused")
    func refused() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 100_000)], pieceLength: 32_768, seed: 1)
        let store = sample.store(in: fixture)
        let block = sample.blocks[0]
        let answers = await on(fixture.loop) {
            var feeder = ChunkFeeder(fixture.service.buffers)
            return [
                store.write(block, feeder.payload(sample.bytes(of: block))),
                store.write(block, feeder.payload(sample.bytes(of: block))),
                store.write(block, feeder.payload([1, 2, 3])),
                store.write(
                    Block(piece: 9, offset: 0, length: 16384), feeder.payload(sample.bytes(of: block))),
                store.write(
                    Block(piece: 0, offset: 1, length: 16384), feeder.payload(sample.bytes(of: block))),
            ]
        }
        #expect(answers == [.accepted, .alreadyThere, .notABlock, .notABlock, .notABlock])
        _ = await store.stopped()
        let late = await on(fixture.loop) {
            var feeder = ChunkFeeder(fixture.service.buffers)
            return store.write(sample.blocks[1], feeder.payload(sample.bytes(of: sample.blocks[1])))
        }
        #expect(late == .stopped)
    }
}
