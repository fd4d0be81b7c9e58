import Foundation
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

extension TorrentStore {
    func selected(_ selection: Bitfield?) async -> Result<Void, StorageFailure> {
        await waiting(self.service.loop) { done in self.select(selection, completion: done) }
    }

    func checkpointed() async -> Result<Checkpoint, StorageFailure> {
        await waiting(self.service.loop) { done in self.checkpoint(done) }
    }
}

@Suite("Beginning and ending")
struct LifeTests {
    @Test("Preparing makes empty files, folders and links inside, and reserves space when asked to")
    func prepare() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [
                FileEntry(path: "top/data", length: 70_000, isExecutable: true),
                FileEntry(path: "top/sub/empty", length: 0),
                FileEntry(path: "top/sub/deep/link", length: 0, symlinkTarget: "top/data"),
            ], pieceLength: 16_384, seed: 1)
        let store = sample.store(in: fixture)
        try await store.prepared().get()
        #expect(fixture.contents("top/sub/empty") == [])
        #expect(fixture.contents("top/data") == nil)
        // Twice does no harm.
        try await store.prepared(reservesSpace: true).get()
        #expect(fixture.contents("top/data")?.count == 70_000)
        let events = await store.feed(sample, sample.blocks)
        #expect(events.goodPieces.count == sample.geometry.pieceCount)
        #expect(fixture.contents("top/sub/deep/link") == sample.bytes)
        #expect(access(fixture.directory + "/top/data", X_OK) == 0)
        _ = await waiting(fixture.loop) { done in store.removeFiles(done) }
        #expect(fixture.names == [])
    }

    @Test("Removing takes the torrent's files only")
    func remove() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(seed: 5)
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        try makeFile(fixture.directory + "/top/notes", [1])
        let result = await waiting(fixture.loop) { done in store.removeFiles(done) }
        #expect(throws: Never.self) { try result.get() }
        #expect(fixture.names == ["top", "top/notes"])
    }

    @Test(
        "Files that are not wanted are not made; what they share with wanted ones is kept and served",
        arguments: 0..<60 as Range<UInt64>)
    func selection(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(seed: seed)
        var selection = Bitfield(count: sample.layout.fileCount)
        for file in 0..<selection.count where Bool.random(using: &random) { selection.set(file) }
        var wanted = Set<Int>()
        for file in 0..<selection.count where selection[file] {
            wanted.formUnion(sample.layout.pieces(ofFile: file))
        }
        let store = sample.store(in: fixture, selection: selection)
        let events = await store.feed(
            sample, sample.blocks.filter { wanted.contains(Int($0.piece)) }.shuffled(using: &random))
        #expect(Set(events.goodPieces) == wanted)
        for file in 0..<selection.count where sample.layout.length(ofFile: file) > 0 {
            let isThere = fixture.contents(sample.layout.path(ofFile: file)) != nil
            #expect(isThere == (selection[file] && !sample.layout.isPad(file)))
        }
        // Peers get whole pieces, also after a start.
        let point = try await store.stopped().get()
        let next = sample.store(in: fixture, have: point.have, selection: selection)
        #expect(await next.checked().have == point.have)

        // Then the rest is wanted after all.
        try await next.selected(nil).get()
        #expect(!fixture.names.contains { $0.hasSuffix(".parts") })
        #expect(await next.checked().have == point.have)
        let rest = await next.feed(sample, sample.blocks.filter { !wanted.contains(Int($0.piece)) })
        #expect(rest.goodPieces.count == sample.geometry.pieceCount - wanted.count)
        for file in 0..<selection.count
        where !sample.layout.isPad(file) && sample.layout.length(ofFile: file) > 0 {
            #expect(fixture.contents(sample.layout.path(ofFile: file)) == sample.bytes(ofFile: file))
        }
    }

    @Test("A file that is removed while it is being written is told of, and not recorded as whole")
    func removedUnderUs() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 100_000)], pieceLength: 65_536, seed: 1)
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        truncate(fixture.directory + "/file", 10)
        let failure = StorageFailure(.sync, .fileChanged, path: fixture.directory + "/file")
        let result = await store.checkpointed()
        #expect(throws: failure) { try result.get() }
    }

    @Test("What a failed sync may have lost is saved as a claim, also of a piece that becomes whole later")
    func failedSync() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "a", length: 98_304), FileEntry(path: "b", length: 101_696)],
            pieceLength: 65_536, seed: 1)
        let store = sample.store(in: fixture)
        // Two pieces and a half.
        _ = await store.feed(sample, Array(sample.blocks[..<10]))
        let path = fixture.directory + "/" + sample.layout.path(ofFile: 0)
        truncate(path, 10)
        let failed = await store.checkpointed()
        #expect(throws: StorageFailure.self) { try failed.get() }
        try makeFile(path, sample.bytes(ofFile: 0))
        let point = try await store.checkpointed().get()
        #expect(point.unproven.map { bits in (0..<bits.count).filter { bits[$0] } } == [0, 1])
        _ = await store.feed(sample, Array(sample.blocks[10...]))
        let last = try await store.checkpointed().get()
        #expect(last.have.isComplete)
        #expect(last.unproven.map { bits in (0..<bits.count).filter { bits[$0] } } == [0, 1, 2])
    }

    @Test("A stopped download goes on with the blocks it had", arguments: 0..<60 as Range<UInt64>)
    func goesOn(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(seed: seed)
        let blocks = sample.blocks.shuffled(using: &random)
        let cut = Int.random(in: 0...blocks.count, using: &random)
        let first = await sample.store(in: fixture).feed(sample, [])
        #expect(first.isEmpty)
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, Array(blocks[..<cut]))
        let point = try await store.stopped().get()
        let savedBlocks = point.partials.reduce(0) { $0 + $1.blocks.setCount }
        let wholeBlocks = (0..<sample.geometry.pieceCount).filter { point.have[$0] }
            .reduce(0) { $0 + sample.geometry.blockCount(ofPiece: $1) }
        #expect(savedBlocks + wholeBlocks == cut)

        let next = sample.store(in: fixture, have: point.have, partials: point.partials)
        let events = await next.feed(sample, Array(blocks[cut...]))
        #expect(events.badPieces.isEmpty)
        #expect(events.goodPieces.count == sample.geometry.pieceCount - point.have.setCount)
        let report = await next.checked()
        #expect(report.have.isComplete)
    }

    @Test(
        "A piece that was complete when its record was made, but not judged, is judged at the next start",
        arguments: [65_536, 20_000] as [UInt32], [false, true])
    func judgedLater(pieceLength: UInt32, isDamaged: Bool) async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 200_000)], pieceLength: pieceLength, seed: 1)
        var bytes = sample.bytes
        if isDamaged { bytes[5] ^= 1 }
        try makeFile(fixture.directory + "/file", bytes)
        let count = sample.geometry.blockCount(ofPiece: 0)
        let verdicts = await waiting(fixture.loop) { (done: @escaping ([Bool]) -> Void) in
            let store = sample.store(
                in: fixture, partials: [PartialPiece(piece: 0, blocks: Bitfield(allSet: count))])
            store.onEvent = { event in if case .pieceHashed(let verdict) = event { done([verdict.isGood]) } }
        }
        #expect(verdicts == [!isDamaged])
    }

    @Test("A checkpoint tells what is on disk, and a stopped torrent closes its files")
    func checkpoint() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 200_000)], pieceLength: 65_536, seed: 1)
        let store = sample.store(in: fixture)
        let (before, result) = await waiting(fixture.loop) { done in
            var feeder = ChunkFeeder(fixture.service.buffers)
            for block in sample.blocks[..<6] { store.write(block, feeder.payload(sample.bytes(of: block))) }
            let before = store.hasUnsavedWrites
            store.checkpoint { done((before, $0)) }
        }
        let point = try result.get()
        #expect(before)
        // The first piece is complete, and judged or about to be.
        let blocks = Dictionary(uniqueKeysWithValues: point.partials.map { ($0.piece, $0.blocks.setCount) })
        #expect(point.have[0] || blocks[0] == 4)
        #expect(blocks[1] == 2 && !point.have[1])
        #expect(point.files.map(\.size) == [98_304])
        let unsaved = await on(fixture.loop) { store.hasUnsavedWrites }
        #expect(!unsaved)
        _ = await store.stopped()
        #expect(fixture.service.descriptors.count == 0)
        let again = await store.checkpointed()
        #expect(throws: StorageFailure.self) { try again.get() }
    }

    @Test("Killed at any moment, what was recorded is on disk, bit by bit", arguments: 0..<8)
    func killed(round: Int) async throws {
        let directory = TemporaryDirectory()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = directory.path as String, round = round as Int] in
            try await downloadUntilKilled(in: path, round: round)
        }
        let sample = try killSample()
        let record = try #require(try ResumeStore(path: directory.file("resume.db")).records().first)
        let have = record.have.bitfield(count: sample.geometry.pieceCount)
        let fixture = try StorageFixture(directory: directory.path)
        let report = await sample.store(in: fixture).checked()
        #expect(!have.hasAny(notIn: report.have))
    }
}

private func killSample() throws -> SampleTorrent {
    let files = (0..<6).map { FileEntry(path: "top/\($0)", length: 300_000) }
    return try SampleTorrent(files: files, pieceLength: 65_536, seed: 1)
}

/// Records a checkpoint after every few blocks, and is killed when so many pieces are there.
private func downloadUntilKilled(in path: String, round: Int) async throws {
    let sample = try killSample()
    let resume = try ResumeStore(path: path + "/resume.db")
    try resume.add([
        ResumeAddition(
            ResumeRecord(
                torrent: sample.id, name: "", directory: path, totalLength: sample.geometry.totalLength,
                pieceCount: sample.geometry.pieceCount, addedAt: 0))
    ])
    let fixture = try StorageFixture(directory: path)
    let store = sample.store(in: fixture)
    let fatal = 2 + round * 3
    store.onEvent = { _ in if store.have.setCount >= fatal { kill(getpid(), SIGKILL) } }
    var blocks = sample.blocks[...]
    while !blocks.isEmpty {
        let some = Carried(blocks.prefix(7))
        blocks = blocks.dropFirst(7)
        let point = try await waiting(fixture.loop) {
            (done: @escaping (Result<Checkpoint, StorageFailure>) -> Void) in
            var feeder = ChunkFeeder(fixture.service.buffers)
            for block in some.value { store.write(block, feeder.payload(sample.bytes(of: block))) }
            store.checkpoint(done)
        }.get()
        try resume.save([
            ResumeUpdate(torrent: sample.id, checkpoint: point, uploaded: 0, downloaded: 0, state: .running)
        ])
    }
}
