import EventIO
import Foundation
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

/// A small file system in memory; only root may mount one.
final class SmallDisk: Sendable {
    static let isPossible = getuid() == 0 && (try? SmallDisk(kibibytes: 64)) != nil

    struct NotPossible: Error {}

    private let temporary = TemporaryDirectory()
    var path: String { self.temporary.path }

    init(kibibytes: Int) throws {
        try self.mount("-t", "tmpfs", "-o", "size=\(kibibytes)k", "tmpfs", self.path)
    }

    deinit { try? Self.run("/bin/umount", "-l", self.path) }

    func mount(_ arguments: String...) throws { try Self.run("/bin/mount", arguments) }

    private static func run(_ path: String, _ arguments: String...) throws { try self.run(path, arguments) }

    private static func run(_ path: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        if process.terminationStatus != 0 { throw NotPossible() }
    }
}

@Suite("Storage failures")
struct FailureTests {
    private func sample(_ length: Int64 = 600_000) throws -> SampleTorrent {
        try SampleTorrent(
            files: [FileEntry(path: "top/file", length: length)], pieceLength: 65_536, seed: 1)
    }

    @Test(
        "On a full disk writing stops and says so; once there is room it goes on, and nothing has to come again",
        .enabled(if: SmallDisk.isPossible))
    func fullDisk() async throws {
        let disk = try SmallDisk(kibibytes: 256)
        let fixture = try StorageFixture(directory: disk.path)
        let sample = try sample()
        let store = sample.store(in: fixture)
        let events = await store.feed(sample, sample.blocks)
        #expect(events.failures == [StorageFailure(.write, .full, path: disk.path + "/top/file")])
        #expect(events.count == events.goodPieces.count + 1)
        let charged = await on(fixture.loop) { (fixture.service.waitingBytes, fixture.service.strandedBytes) }
        #expect(charged.0 == 0 && charged.1 > 0)

        // Still full.
        let again = await store.retried()
        #expect(again.failures.count == 1)

        try disk.mount("-o", "remount,size=1024k", disk.path)
        let after = await store.retried()
        #expect(after.failures.isEmpty)
        #expect(
            Set(events.goodPieces + again.goodPieces + after.goodPieces)
                == Set(0..<sample.geometry.pieceCount))
        #expect(fixture.contents("top/file") == sample.bytes)
        let left = await on(fixture.loop) { (fixture.service.waitingBytes, fixture.service.strandedBytes) }
        #expect(left == (0, 0))
    }

    @Test(
        "What does not fit into memory while the disk is full is given back to be fetched again",
        .enabled(if: SmallDisk.isPossible))
    func dropping() async throws {
        let disk = try SmallDisk(kibibytes: 128)
        var limits = StorageService.Limits()
        limits.writeBackBytes = 262_144
        let fixture = try StorageFixture(limits, directory: disk.path)
        let sample = try sample(2_000_000)
        let store = sample.store(in: fixture)
        let events = await store.feed(sample, sample.blocks)
        let dropped = events.flatMap {
            if case .blocksDropped(_, let blocks) = $0 { blocks } else { [Block]() }
        }
        #expect(!dropped.isEmpty && Set(dropped).count == dropped.count)
        let stranded = await on(fixture.loop) { fixture.service.strandedBytes }
        #expect(stranded <= 131_072)

        try disk.mount("-o", "remount,size=4096k", disk.path)
        let rest = await store.retried() + store.feed(sample, dropped)
        #expect(Set(events.goodPieces + rest.goodPieces) == Set(0..<sample.geometry.pieceCount))
        #expect(fixture.contents("top/file") == sample.bytes)
    }

    @Test("A read-only file system is told of", .enabled(if: SmallDisk.isPossible))
    func readOnly() async throws {
        let disk = try SmallDisk(kibibytes: 64)
        try disk.mount("-o", "remount,ro", disk.path)
        let fixture = try StorageFixture(directory: disk.path)
        let sample = try sample(20_000)
        let store = sample.store(in: fixture)
        #expect(await store.feed(sample, sample.blocks).failures.map(\.reason) == [.readOnly])
        let prepared = await store.prepared()
        #expect(throws: Never.self) { try prepared.get() }
    }

    @Test("A missing directory, a file in a folder's place and a pipe in a file's place are told of")
    func misplaced() async throws {
        let sample = try sample(20_000)
        let absent = try StorageFixture(directory: "/nonexistent-directory")
        let store = sample.store(in: absent)
        #expect(
            await store.feed(sample, sample.blocks).failures
                == [StorageFailure(.open, .missing, path: "/nonexistent-directory")])
        _ = await store.stopped()

        let occupied = try StorageFixture()
        try makeFile(occupied.directory + "/top", [1])
        let second = sample.store(in: occupied)
        #expect(await second.feed(sample, sample.blocks).failures.map(\.reason) == [.notAFile])
        #expect(occupied.contents("top") == [1])

        let piped = try StorageFixture()
        mkdir(piped.directory + "/top", 0o755)
        mkfifo(piped.directory + "/top/file", 0o644)
        let third = sample.store(in: piped)
        #expect(await third.feed(sample, sample.blocks).failures.map(\.reason) == [.notAFile])
    }

    @Test("Without descriptors to spare, open files make room for each other")
    func fewDescriptors() async throws {
        await #expect(processExitsWith: .success) {
            let fixture = try StorageFixture()
            let files = (0..<200).map { FileEntry(path: "top/\($0)", length: 1000) }
            let sample = try SampleTorrent(files: files, pieceLength: 16_384, seed: 1)
            let store = sample.store(in: fixture)
            var usual = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &usual)
            let before = usual
            // Waits without a task: the runtime's own threads need descriptors too, and trap without.
            let done = Semaphore()
            let good = Carried<Set<Int>>([])
            fixture.loop.post {
                var few = rlimit(rlim_cur: 40, rlim_max: before.rlim_max)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &few)
                store.onEvent = { good.value.formUnion([$0].goodPieces) }
                var feeder = ChunkFeeder(fixture.service.buffers)
                for block in sample.blocks { store.write(block, feeder.payload(sample.bytes(of: block))) }
                store.flush()
                store.afterAllJobs {
                    var many = before
                    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &many)
                    done.signal()
                }
            }
            done.wait()
            try #require(good.value.count == sample.geometry.pieceCount)
            _ = try await store.stopped().get()
        }
    }

    @Test("Failures name the thing and a remedy")
    func words() {
        let failure = StorageFailure(.write, code: ENOSPC, path: "/data/a")
        #expect(failure.code == "disk_full")
        #expect(
            "\(failure)"
                == "cannot write /data/a: no space is left on the disk. Free some, then resume the torrent.")
        #expect(StorageFailure(.open, code: EMFILE, path: "").reason == .tooManyOpenFiles)
        #expect(StorageFailure(.open, code: EXDEV, path: "").code == "disk_link_escapes")
        #expect(StorageFailure(.read, code: EIO, path: "").reason == .deviceFailure)
    }
}

extension TorrentStore {
    func retried() async -> [StorageEvent] {
        await waiting(self.service.loop) { done in
            let events = Carried<[StorageEvent]>([])
            self.onEvent = { events.value.append($0) }
            self.retry()
            self.afterAllJobs { done(events.value) }
        }
    }

    func prepared(reservesSpace: Bool = false) async -> Result<Void, StorageFailure> {
        await waiting(self.service.loop) { done in
            self.prepare(reservesSpace: reservesSpace, completion: done)
        }
    }
}
