import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

extension TorrentStore {
    func checked() async -> CheckReport {
        await waiting(self.service.loop) { done in self.check(completion: done) }
    }

    func quickChecked(_ stamps: [FileStamp]) async -> Result<QuickCheck, StorageFailure> {
        await waiting(self.service.loop) { done in self.quickCheck(against: stamps, completion: done) }
    }
}

@Suite("Checking")
struct CheckingTests {
    @Test("A check finds exactly the pieces that are whole", arguments: 0..<100 as Range<UInt64>)
    func findsPieces(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let sample = try SampleTorrent(seed: seed)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        var bad = Set<Int>()
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let file = Int.random(in: 0..<sample.layout.fileCount, using: &random)
            guard !sample.layout.isPad(file), sample.layout.length(ofFile: file) > 0 else { continue }
            var bytes = sample.bytes(ofFile: file)
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] ^= 0x40
            try makeFile(fixture.directory + "/" + sample.layout.path(ofFile: file), bytes)
            bad.insert((Int(sample.layout.start(ofFile: file)) + place) / Int(sample.geometry.pieceLength))
        }
        let store = sample.store(in: fixture)
        let report = await store.checked()
        let found = Set((0..<sample.geometry.pieceCount).filter { !report.have[$0] })
        // A byte may have been turned twice.
        #expect(found.isSubset(of: bad))
        #expect(report.unreadable == nil && !report.wasCancelled)
        let have = await on(fixture.loop) { store.have }
        #expect(have == report.have)
    }

    @Test("Missing and short files are missing pieces, no failure")
    func missing() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "a", length: 65_536), FileEntry(path: "b", length: 65_536)],
            pieceLength: 16_384, seed: 1)
        let fixture = try StorageFixture()
        try makeFile(fixture.directory + "/a", Array(sample.bytes[..<40_000]))
        let report = await sample.store(in: fixture).checked()
        #expect((0..<8).filter { report.have[$0] } == [0, 1])
        #expect(report.unreadable == nil)
    }

    @Test("A cancelled check says so and changes nothing")
    func cancelled() async throws {
        let sample = try SampleTorrent(seed: 8)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        let store = sample.store(in: fixture)
        let report = await waiting(fixture.loop) { done in
            store.check(completion: done)?.cancel()
        }
        #expect(report.wasCancelled)
        let have = await on(fixture.loop) { store.have }
        #expect(have.isEmpty)
    }

    private func firstSix() -> Bitfield {
        var have = Bitfield(count: 8)
        for piece in 0..<6 { have.set(piece) }
        return have
    }

    @Test("A look at sizes and times finds what was changed while we were away")
    func quick() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "a", length: 65_536), FileEntry(path: "b", length: 65_536)],
            pieceLength: 16_384, seed: 1)
        let fixture = try StorageFixture()
        let store = sample.store(in: fixture)
        #expect(await store.quickChecked([]) == .success(.unchanged))
        // All of the first file, the first half of the second.
        _ = await store.feed(sample, Array(sample.blocks[..<6]))
        let stamps = try await store.stopped().get().files
        #expect(stamps.map(\.isSettled) == [true, false])
        let next = sample.store(in: fixture)
        #expect(await next.quickChecked(stamps) == .success(.unchanged))
        #expect(
            await next.quickChecked([])
                == .success(.changed(path: fixture.directory + "/a", .appeared, files: [0, 1])))
        // A download that went on after the checkpoint, until it was killed.
        try makeFile(fixture.directory + "/b", Array(sample.bytes[65_536..<130_000]))
        var later = Bitfield(count: 8)
        for piece in [6, 7] { later.set(piece) }
        let resumed = sample.store(in: fixture, have: self.firstSix())
        #expect(await resumed.quickChecked(stamps) == .success(.goneOn(pieces: later, files: [1])))
        try makeFile(fixture.directory + "/b", [1])
        #expect(
            await next.quickChecked(stamps)
                == .success(.changed(path: fixture.directory + "/b", .size(was: 32_768, is: 1), files: [1])))
        try makeFile(fixture.directory + "/a", sample.bytes(ofFile: 0))
        guard case .success(.changed(_, let difference, let files)) = await next.quickChecked(stamps) else {
            Issue.record("the change was not seen")
            return
        }
        #expect(difference == .changedLater && files == [0, 1])
    }
}
