import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

@Suite("Renaming files")
struct RenamingTests {
    private func files(_ paths: [String]) -> [FileEntry] {
        paths.map { FileEntry(path: $0, length: 10_000) }
    }

    private func renamed(
        _ fixture: StorageFixture, _ sample: SampleTorrent, to paths: [String]
    ) async throws -> Result<Void, StorageFailure> {
        let layout = try TorrentLayout(geometry: sample.geometry, files: self.files(paths))
        let store = sample.store(in: fixture)
        return await waiting(fixture.loop) { done in store.renameFiles(to: layout, completion: done) }
    }

    private func filled(_ fixture: StorageFixture, _ paths: [String]) async throws -> SampleTorrent {
        let sample = try SampleTorrent(files: self.files(paths), pieceLength: 16384, seed: 3)
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        _ = await waiting(fixture.loop) { done in store.stop(done) }
        return sample
    }

    @Test("Files go to their new paths, and folders that are empty then go")
    func renaming() async throws {
        let fixture = try StorageFixture()
        let sample = try await self.filled(fixture, ["t/a/one", "t/a/two", "t/three"])
        try await self.renamed(fixture, sample, to: ["t/b/c/one", "t/b/two", "t/three"]).get()
        #expect(fixture.names == ["t", "t/b", "t/b/c", "t/b/c/one", "t/b/two", "t/three"])
        #expect(fixture.contents("t/b/c/one") == sample.bytes(ofFile: 0))
        #expect(fixture.contents("t/b/two") == sample.bytes(ofFile: 1))
    }

    @Test("What lies at a new path already stays, and nothing is renamed")
    func taken() async throws {
        let fixture = try StorageFixture()
        let sample = try await self.filled(fixture, ["t/one", "t/two"])
        try makeFile(fixture.directory + "/t/mine", [1, 2])
        let result = try await self.renamed(fixture, sample, to: ["t/other", "t/mine"])
        #expect(throws: StorageFailure.self) { try result.get() }
        #expect(fixture.contents("t/mine") == [1, 2])
        #expect(fixture.contents("t/one") == sample.bytes(ofFile: 0))
        #expect(fixture.contents("t/two") == sample.bytes(ofFile: 1))
    }

    @Test("Files that are not there yet, and a folder that is not, are no failure")
    func absent() async throws {
        let fixture = try StorageFixture()
        let sample = try SampleTorrent(files: self.files(["t/one", "t/two"]), pieceLength: 16384, seed: 1)
        try await self.renamed(fixture, sample, to: ["t/a", "t/b"]).get()
    }
}
