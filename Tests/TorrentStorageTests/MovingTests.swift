import Foundation
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

extension TorrentStore {
    func moved(to path: String, cancelling: Bool = false) async -> TorrentMove.Answer? {
        await waiting(self.service.loop) { done in
            let move = self.move(to: path, completion: { done($0) })
            if cancelling { move?.cancel() }
            if move == nil { done(nil) }
        }
    }
}

extension TorrentMove.Answer? {
    fileprivate var isMoved: Bool { if case .moved? = self { true } else { false } }
}

/// A folder of its own on another file system than temporary files, where there is one.
private final class OtherDisk {
    let path = "/dev/shm/weir-move-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    init() { mkdir(self.path, 0o700) }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}

private func files(below path: String) -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
        var isFolder: ObjCBool = false
        let full = path + "/" + name
        if FileManager.default.fileExists(atPath: full, isDirectory: &isFolder), !isFolder.boolValue {
            found[name] = FileManager.default.contents(atPath: full).map(Array.init)
        }
    }
    return found
}

@Suite("Moving")
struct MovingTests {
    @Test("A folder is made with those above it, and what is in the way is told")
    func folders() async throws {
        let fixture = try StorageFixture()
        func prepared(_ path: String) async -> StorageFailure? {
            await waiting(fixture.loop) { done in fixture.service.prepareFolder(path) { done($0) } }
        }
        let folder = fixture.directory + "/a/b/c"
        for _ in 1...2 { #expect(await prepared(folder) == nil) }
        #expect(access(folder, F_OK) == 0)
        #expect(await prepared("/") == nil)
        #expect(FileManager.default.createFile(atPath: folder + "/file", contents: nil))
        #expect(await prepared(folder + "/file")?.reason == .notAFile)
        #expect(await prepared(folder + "/file/below")?.reason == .notAFile)
        #expect(await prepared("/proc/nothing")?.operation == .makeDirectory)
        #expect(await prepared("/proc")?.operation == (access("/proc", W_OK) == 0 ? nil : .write))
    }

    @Test(
        "In the middle of a download all files move, and it goes on in the new place",
        arguments: 0..<40 as Range<UInt64>)
    func middle(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed &+ 77)
        let sample = try SampleTorrent(seed: seed)
        let fixture = try StorageFixture()
        let (near, far) = (TemporaryDirectory(), OtherDisk())
        let target = (seed % 2 == 0 ? near.path : far.path) + "/new/place"
        var selection: Bitfield?
        if seed % 3 == 0 {
            selection = Bitfield(allSet: sample.layout.fileCount)
            selection?.clear(Int.random(in: 0..<sample.layout.fileCount, using: &random))
        }
        let store = sample.store(in: fixture, selection: selection)
        try await store.prepared().get()
        let blocks = sample.blocks.shuffled(using: &random)
        let cut = Int.random(in: 0...blocks.count, using: &random)
        _ = await store.feed(sample, Array(blocks[..<cut]))
        let before = files(below: fixture.directory)
        try makeFile(fixture.directory + "/stranger", [7])
        #expect(await store.moved(to: target).isMoved)
        #expect(store.directory == target)
        #expect(files(below: fixture.directory) == ["stranger": [7]])
        // What waited in memory may have been written meanwhile: nothing is missing.
        #expect(Set(before.keys).isSubset(of: Set(files(below: target).keys)))
        let stamps = try await store.checkpointed().get()
        _ = await store.feed(sample, Array(blocks[cut...]))
        #expect(store.have.isComplete)
        let last = try await store.stopped().get()
        #expect(last.have.isComplete)
        let next = sample.store(
            in: fixture, directory: target, have: last.have, selection: selection)
        let look = await waiting(fixture.loop) { done in
            next.quickCheck(against: last.files) { done($0) }
        }
        #expect(look == .success(.unchanged))
        #expect(stamps.files.count == last.files.count)
        let found = await waiting(fixture.loop) { done in
            if next.check(completion: { done($0.have) }) == nil { done(Bitfield(count: 0)) }
        }
        #expect(found.isComplete)
    }

    @Test(
        "A file in the way leaves the old place in force, and the new one as it was",
        arguments: [true, false])
    func inTheWay(isNear: Bool) async throws {
        let sample = try SampleTorrent(
            files: [
                FileEntry(path: "top/a", length: 40_000), FileEntry(path: "top/b/c", length: 50_000),
                FileEntry(path: "top/d", length: 3000),
            ], pieceLength: 16_384, seed: 1)
        let fixture = try StorageFixture()
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        let before = files(below: fixture.directory)
        let (near, far) = (TemporaryDirectory(), OtherDisk())
        let target = isNear ? near.path : far.path
        try makeFile(target + "/top/d", [1, 2, 3])
        guard case .failed(let failure)? = await store.moved(to: target) else {
            Issue.record("it was moved")
            return
        }
        #expect(failure.reason == .alreadyThere && failure.path == target + "/top/d")
        #expect(files(below: target) == ["top/d": [1, 2, 3]])
        #expect(files(below: fixture.directory) == before)
        #expect(store.directory == fixture.directory && store.have.isComplete)
    }

    @Test("A cancelled move leaves nothing behind; to the same place it is none; to nowhere it fails")
    func cancelled() async throws {
        let sample = try SampleTorrent(seed: 3)
        let fixture = try StorageFixture()
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        let before = files(below: fixture.directory)
        let near = TemporaryDirectory()
        guard case .cancelled? = await store.moved(to: near.path + "/x", cancelling: true) else {
            Issue.record("it was not cancelled")
            return
        }
        #expect(files(below: near.path).isEmpty)
        #expect(await store.moved(to: fixture.directory + "/.").isMoved)
        guard case .failed? = await store.moved(to: "/proc/none") else {
            Issue.record("it was moved to nowhere")
            return
        }
        #expect(files(below: fixture.directory) == before)
        #expect(await store.moved(to: near.path).isMoved)
        #expect(files(below: near.path) == before)
    }

    @Test("Copies of a move that was killed are taken, and proved when a peer first asks for them")
    func interrupted() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "a", length: 40_000), FileEntry(path: "b", length: 50_000)],
            pieceLength: 16_384,
            seed: 1)
        let fixture = try StorageFixture()
        let store = sample.store(in: fixture)
        _ = await store.feed(sample, sample.blocks)
        let near = TemporaryDirectory()
        // Of the same size and time, but with other bytes.
        try makeFile(near.path + "/a", [UInt8](repeating: 9, count: 40_000))
        var status = stat()
        #expect(stat(fixture.directory + "/a", &status) == 0)
        utimensat(AT_FDCWD, near.path + "/a", [status.st_atim, status.st_mtim], 0)
        #expect(await store.moved(to: near.path).isMoved)
        let checkpoint = try await store.checkpointed().get()
        #expect(checkpoint.unproven?.setCount == 3)
    }
}
