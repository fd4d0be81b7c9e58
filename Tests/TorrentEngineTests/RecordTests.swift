import Digests
import EventIO
import Foundation
import MetainfoCoding
import SwarmTypes
import TestKit
import Testing
import TorrentStorage
import TrackerProtocol

@testable import TorrentEngine

/// A torrent of one file of random bytes.
private struct Sample {
    var bytes: [UInt8]
    let metainfo: Metainfo

    init(seed: UInt64, pieces: Int = 8) throws {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<pieces * 16_384).map { _ in UInt8.random(in: 0...255, using: &random) }
        self.bytes = bytes
        var hashes: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 16_384) {
            hashes += try digest(.sha1, of: Array(bytes[start..<start + 16_384]))
        }
        var info = Array(
            "d6:lengthi\(bytes.count)e4:name1:f12:piece lengthi16384e6:pieces\(hashes.count):".utf8)
        info += hashes + Array("e".utf8)
        let announce = "http://127.0.0.1:1/announce"
        let torrent =
            Array("d8:announce\(announce.utf8.count):\(announce)4:info".utf8) + info + Array("e".utf8)
        self.metainfo = try Metainfo(torrentFile: torrent, hashing: .openSSL)
    }
}

private final class Heard: Sendable {
    let events = Lock<[EngineEvent]>([])
}

/// One session of an engine with a record, from its first torrent to its end.
private final class Session: Sendable {
    let loop: EventLoop
    let engine: TorrentEngine
    let heard = Heard()

    init(record path: String) throws {
        self.loop = try EventLoop(name: "engine")
        try self.loop.start()
        self.engine = try TorrentEngine(EngineSettings(), loop: self.loop)
        let keeper = try ResumeKeeper(path: path)
        self.loop.post { [engine, heard] in
            engine.assumeIsolated { engine in
                engine.keepRecord(by: keeper)
                engine.observe { event in heard.events.withLock { $0.append(event) } }
            }
        }
    }

    func add(_ metainfo: Metainfo, _ options: AddOptions) async {
        await self.engine.added(metainfo, options)
    }

    /// Waits until an event is there; the loop goes on meanwhile.
    func wait(_ isIt: @escaping @Sendable (EngineEvent) -> Bool) async -> Bool {
        for _ in 0..<2000 {
            if self.heard.events.withLock({ $0.contains(where: isIt) }) { return true }
            await withCheckedContinuation { done in
                self.loop.post { [loop = self.loop] in
                    _ = loop.schedule(afterSeconds: 0.01) { done.resume() }
                }
            }
        }
        return false
    }

    func progress(_ id: TorrentID) async -> TorrentProgress? { await self.engine.progress(of: id) }

    func stop(removing: Bool = false) async {
        await withCheckedContinuation { done in
            self.loop.post { [engine] in
                engine.assumeIsolated { $0.stop(removingRecord: removing) { done.resume() } }
            }
        }
        self.loop.stop()
        self.loop.join()
    }
}

extension TorrentEngine {
    fileprivate func added(_ metainfo: Metainfo, _ options: AddOptions) {
        _ = try? self.add(.metainfo(metainfo), options)
    }

    fileprivate func wasComplete(_ id: TorrentID) -> Bool? { self.torrents[id]?.recorded.wasComplete }

    fileprivate func left(_ id: TorrentID) -> UInt64? {
        self.torrents[id].flatMap { self.facts(of: $0).left }
    }

    /// Until all rows are there.
    fileprivate func restored(_ options: AddOptions) async {
        await withCheckedContinuation { done in
            self.restoreRecorded(options, { _ in }, then: { _ in done.resume() })
        }
    }
}

@Suite("The record of a session")
struct RecordTests {
    let directory = TemporaryDirectory()
    var record: String { self.directory.file("session.sqlite") }

    @Test("A torrent that was complete and lost a piece since is fetched again without being completed again")
    func lostPiece() async throws {
        var sample = try Sample(seed: 5)
        let id = sample.metainfo.id
        let path = URL(fileURLWithPath: self.directory.file("f"))
        try Data(sample.bytes).write(to: path)
        for isFirst in [true, false] {
            let session = try Session(record: self.record)
            await session.add(sample.metainfo, AddOptions(directory: self.directory.path))
            #expect(await session.wait { isFirst ? $0 == .finished(id) : $0 == .running(id) })
            #expect(await session.engine.wasComplete(id) == !isFirst)
            #expect(await session.engine.left(id) == (isFirst ? 0 : 16_384))
            await session.stop()
            sample.bytes[20_000] ^= 1
            try Data(sample.bytes).write(to: path)
        }
    }

    @Test(
        "Who trusts the data goes on with files that were written to since, and waits for those that are too short"
    )
    func trusted() async throws {
        let sample = try Sample(seed: 6)
        let id = sample.metainfo.id
        let path = URL(fileURLWithPath: self.directory.file("f"))
        try Data(sample.bytes).write(to: path)
        var options = AddOptions(directory: self.directory.path)
        options.knowledge = .trusted
        for round in 0..<3 {
            let session = try Session(record: self.record)
            await session.add(sample.metainfo, options)
            #expect(
                await session.wait { event in
                    if round < 2 { return event == .running(id) }
                    guard case .interrupted(id, _) = event else { return false }
                    return true
                })
            await session.stop()
            try Data(round == 0 ? sample.bytes : Array(sample.bytes.dropLast(20_000))).write(to: path)
        }
    }

    @Test("A magnet link of version 2 alone is refused, also where the torrent might have version 1 hashes")
    func version2() async throws {
        let session = try Session(record: self.record)
        let link = try MagnetLink("magnet:?xt=urn:btmh:1220" + String(repeating: "ab", count: 32))
        await #expect(throws: AddFailure.onlyVersion2) {
            _ = try await session.engine.add(.magnet(link), AddOptions(directory: self.directory.path))
        }
        await session.stop()
    }

    @Test(
        "A session comes back without its torrent files, with its totals, trackers and what was found of its files"
    )
    func comesBack() async throws {
        let sample = try Sample(seed: 1)
        let id = sample.metainfo.id
        try Data(sample.bytes).write(to: URL(fileURLWithPath: self.directory.file("f")))
        do {
            let session = try Session(record: self.record)
            await session.add(sample.metainfo, AddOptions(directory: self.directory.path))
            #expect(await session.wait { $0 == .finished(id) })
            await session.stop()
        }
        do {
            let store = try ResumeStore(path: self.record)
            let stored = try #require(try store.stored(id))
            #expect(stored.record.state == .running && stored.record.have == .all)
            #expect(stored.record.trackers.tiers == [["http://127.0.0.1:1/announce"]])
            #expect(stored.details.files.count == 1 && stored.details.files[0].isSettled)
            #expect(stored.metainfo == Array(sample.metainfo.bytes))
            try store.save([ResumeUpdate(torrent: id, uploaded: 77, downloaded: 88, state: .running)])
        }
        let session = try Session(record: self.record)
        // It sleeps, and nobody looks at its files before a peer asks.
        await session.engine.restored(AddOptions(directory: "/nowhere"))
        let progress = try #require(await session.progress(id))
        #expect(progress.totalUploaded == 77 && progress.totalDownloaded == 88 && progress.isFinished)
        #expect(progress.isDormant)
        #expect(await session.engine.wake(id))
        #expect(await session.wait { $0 == .finished(id) })
        let awake = try #require(await session.progress(id))
        #expect(awake.totalUploaded == 77 && awake.totalDownloaded == 88 && !awake.isDormant)
        await session.stop(removing: true)
        let left = try FileManager.default.contentsOfDirectory(atPath: self.directory.path)
        #expect(left == ["f"])
    }

    @Test(
        "Of files that were changed meanwhile only what is still right counts",
        arguments: 0..<12 as Range<UInt64>)
    func changed(seed: UInt64) async throws {
        let sample = try Sample(seed: seed)
        let id = sample.metainfo.id
        let path = self.directory.file("f")
        try Data(sample.bytes).write(to: URL(fileURLWithPath: path))
        do {
            let session = try Session(record: self.record)
            await session.add(sample.metainfo, AddOptions(directory: self.directory.path))
            #expect(await session.wait { $0 == .finished(id) })
            await session.stop()
        }
        var bytes = sample.bytes
        var random = SplitMix64(seed: seed &+ 100)
        let cut = Int.random(in: 1..<bytes.count, using: &random)
        if seed % 2 == 0 { bytes.removeLast(cut) } else { bytes[cut] ^= 1 }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let right = (0..<8).count { piece in
            let range = piece * 16_384..<(piece + 1) * 16_384
            return range.upperBound <= bytes.count && bytes[range] == sample.bytes[range]
        }
        let session = try Session(record: self.record)
        await session.add(sample.metainfo, AddOptions(directory: self.directory.path))
        #expect(await session.wait { $0 == .running(id) })
        #expect(await session.progress(id)?.piecesHad == right)
        await session.stop()
    }

    @Test("A torrent whose first check was cut off is checked again")
    func unfinishedCheck() async throws {
        let sample = try Sample(seed: 3)
        let id = sample.metainfo.id
        try Data(sample.bytes).write(to: URL(fileURLWithPath: self.directory.file("f")))
        do {
            // As a kill in the first check leaves it.
            let store = try ResumeStore(path: self.record)
            let record = ResumeRecord(
                torrent: id, name: "f", directory: self.directory.path, state: .needsCheck,
                totalLength: Int64(sample.bytes.count), pieceCount: 8, addedAt: 1)
            try store.add([ResumeAddition(record, metainfo: Array(sample.metainfo.bytes))])
        }
        let session = try Session(record: self.record)
        await session.add(sample.metainfo, AddOptions(directory: self.directory.path))
        #expect(await session.wait { $0 == .finished(id) })
        await session.stop()
    }

    @Test("Data that is gone interrupts a seed, which goes on where it is back")
    func missing() async throws {
        let sample = try Sample(seed: 4)
        let id = sample.metainfo.id
        var options = AddOptions(directory: self.directory.path)
        options.knowledge = .complete
        let path = self.directory.file("f")
        try Data(sample.bytes).write(to: URL(fileURLWithPath: path))
        for isThere in [true, false] {
            if !isThere { try FileManager.default.removeItem(atPath: path) }
            let session = try Session(record: self.record)
            await session.add(sample.metainfo, options)
            #expect(
                await session.wait { event in
                    if case .interrupted(id, let words) = event { return !isThere && words.contains(path) }
                    return isThere && event == .finished(id)
                })
            if isThere {
                // Its first look at the files is recorded with it.
                await session.engine.savedNow()
            }
            await session.stop()
        }
        let store = try ResumeStore(path: self.record)
        #expect(try store.record(of: id)?.have == .all)
    }
}

extension TorrentEngine {
    fileprivate func savedNow() { for torrent in self.torrents.values { self.mustSave(torrent) } }
}
