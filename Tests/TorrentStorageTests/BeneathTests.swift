import Foundation
import Glibc
import SwarmTypes
import Synchronization
import TestKit
import Testing

@testable import TorrentStorage

@Suite("Staying below the directory")
struct BeneathTests {
    private let outside = TemporaryDirectory()

    private func victim() throws -> String {
        try makeFile(self.outside.file("victim/file"), [1, 2, 3])
        return self.outside.file("victim")
    }

    @Test(
        "A link that is there already does not lead out, whether it is the folder or the file",
        arguments: [true, false])
    func links(isFolder: Bool) async throws {
        let victim = try self.victim()
        let fixture = try StorageFixture()
        if isFolder {
            symlink(victim, fixture.directory + "/top")
        } else {
            mkdir(fixture.directory + "/top", 0o755)
            symlink("../../../../../../../../" + victim + "/file", fixture.directory + "/top/file")
        }
        let sample = try SampleTorrent(
            files: [
                FileEntry(path: "top/file", length: 50_000),
                FileEntry(path: "top/empty", length: 0),
            ],
            pieceLength: 16_384, seed: 1)
        let store = sample.store(in: fixture)
        let events = await store.feed(sample, sample.blocks)
        #expect(events.failures.map(\.reason) == [.escapesDirectory])
        _ = await store.prepared()
        _ = await waiting(fixture.loop) { done in store.removeFiles(done) }
        #expect(FileManager.default.contents(atPath: victim + "/file").map(Array.init) == [1, 2, 3])
        #expect(try FileManager.default.contentsOfDirectory(atPath: victim) == ["file"])
    }

    @Test("Nor does one that another program swaps in and out all the time", arguments: [true, false])
    func swapping(byKernel: Bool) throws {
        let victim = try self.victim()
        let directory = TemporaryDirectory()
        mkdir(directory.file("real"), 0o755)
        symlink(victim, directory.file("link"))
        let swapper = Carried(pthread_t())
        final class Swapper: Sendable {
            let path: String
            let ends = Atomic(false)
            init(_ path: String) { self.path = path }
        }
        let work = Swapper(directory.path)
        pthread_create(
            &swapper.value, nil,
            { context in
                guard let context else { return nil }
                let work = Unmanaged<Swapper>.fromOpaque(context).takeRetainedValue()
                while !work.ends.load(ordering: .relaxed) {
                    rename(work.path + "/real", work.path + "/top")
                    rename(work.path + "/top", work.path + "/real")
                    rename(work.path + "/link", work.path + "/top")
                    rename(work.path + "/top", work.path + "/link")
                }
                return nil
            }, Unmanaged.passRetained(work).toOpaque())
        let root = open(directory.path, O_RDONLY | O_DIRECTORY)
        for number in 0..<3000 {
            let flags = O_RDWR | O_CREAT
            let path = "top/\(number)"
            let file =
                byKernel
                ? Beneath.open(root, path, flags, mode: 0o644)
                : Beneath.openStepByStep(root, path, flags | O_CLOEXEC, mode: 0o644)
            if file >= 0 { close(file) }
        }
        close(root)
        work.ends.store(true, ordering: .relaxed)
        pthread_join(swapper.value, nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: victim) == ["file"])
    }

    @Test("Layouts refuse names that are none")
    func names() throws {
        let geometry = try #require(PieceGeometry(totalLength: 5, pieceLength: 16_384))
        for path in ["", ".", "..", "a/..", "a//b", "/a", "a/", "a/./b", "a\0b"] {
            #expect(throws: LayoutFailure.unsafePath(file: 0)) {
                try TorrentLayout(geometry: geometry, files: [FileEntry(path: path, length: 5)])
            }
            #expect(throws: LayoutFailure.unsafePath(file: 1)) {
                try TorrentLayout(
                    geometry: geometry,
                    files: [
                        FileEntry(path: "a", length: 5),
                        FileEntry(path: "b", length: 0, symlinkTarget: path),
                    ])
            }
        }
        #expect(throws: LayoutFailure.lengthMismatch) {
            try TorrentLayout(geometry: geometry, files: [FileEntry(path: "a", length: 4)])
        }
        #expect(throws: LayoutFailure.lengthMismatch) {
            try TorrentLayout(
                geometry: geometry,
                files: [FileEntry(path: "a", length: .max), FileEntry(path: "b", length: .max)])
        }
        #expect(throws: LayoutFailure.negativeLength(file: 0)) {
            try TorrentLayout(geometry: geometry, files: [FileEntry(path: "a", length: -5)])
        }
    }

    @Test("Names up to the file system's limits work, and longer ones are told of")
    func longNames() async throws {
        let fixture = try StorageFixture()
        let folders = String(repeating: String(repeating: "x", count: 200) + "/", count: 15)
        for (path, isFine) in [
            (String(repeating: "n", count: 255), true), (String(repeating: "n", count: 256), false),
            (folders + "file", true), (folders + folders + "file", false),
            ("a/\u{301}b/\u{301}", true),
            (String(repeating: "d/", count: 99) + "file", true),
        ] {
            let sample = try SampleTorrent(
                files: [FileEntry(path: path, length: 100)], pieceLength: 16_384, seed: 1)
            let events = await sample.store(in: fixture).feed(sample, sample.blocks)
            #expect(events.failures.map(\.reason) == (isFine ? [] : [.nameTooLong]), "\(path.utf8.count)")
        }
    }
}
