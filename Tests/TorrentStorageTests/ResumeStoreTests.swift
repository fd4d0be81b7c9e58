import EventIO
import Foundation
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

func torrentID(_ number: Int) -> TorrentID {
    let bytes = (0..<20).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) &+ UInt8($0) }
    return TorrentID(bytes: bytes) ?? { preconditionFailure("20 bytes") }()
}

private func record(_ number: Int, have: SavedPieces = .none) -> ResumeRecord {
    ResumeRecord(
        torrent: torrentID(number), name: "torrent \(number)", directory: "/data/\(number)",
        totalLength: 1 << 30,
        pieceCount: 1000, have: have, uploaded: 5, downloaded: 7, addedAt: 1_700_000_000)
}

@Suite("Resume store")
struct ResumeStoreTests {
    let directory = TemporaryDirectory()
    var path: String { self.directory.file("session/resume.db") }

    @Test("What was added is there at the next start, its metainfo and selection too")
    func roundTrip() throws {
        var selection = Bitfield(count: 5)
        selection.set(3)
        do {
            let store = try ResumeStore(path: self.path)
            try store.add([ResumeAddition(record(1, have: .all), metainfo: [1, 2, 3], selection: selection)])
            try store.add([ResumeAddition(record(2))])
            try store.setDirectory("/else", of: torrentID(2))
        }
        let store = try ResumeStore(path: self.path)
        var moved = record(2)
        moved.directory = "/else"
        #expect(Set(try store.records()) == [record(1, have: .all), moved])
        #expect(try store.metainfo(of: torrentID(1)) == [1, 2, 3])
        #expect(try store.metainfo(of: torrentID(2)) == nil)
        let details = try #require(try store.details(of: torrentID(1)))
        // A claim is not a proof.
        #expect(details.unproven == .all)
        #expect(details.selection == selection)
        #expect(details.partials.isEmpty && details.files.isEmpty)
        try store.remove(torrentID(1))
        #expect(try store.records() == [moved])
        #expect(try store.metainfo(of: torrentID(1)) == nil)
        #expect(try store.details(of: torrentID(1)) == nil)
    }

    @Test("A checkpoint comes back as it was", arguments: 0..<50 as Range<UInt64>)
    func checkpoint(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var have = Bitfield(count: 1000)
        for _ in 0..<Int.random(in: 0...2000, using: &random) {
            have.set(Int.random(in: 0..<1000, using: &random))
        }
        let partials = (0..<Int.random(in: 0...9, using: &random)).map { index in
            var blocks = Bitfield(count: Int.random(in: 1...300, using: &random))
            for block in 0..<blocks.count where Bool.random(using: &random) { blocks.set(block) }
            return PartialPiece(piece: index * 100, blocks: blocks)
        }
        let files = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            FileStamp(
                size: Int64.random(in: -1...(1 << 50), using: &random),
                changedAt: Int64(bitPattern: random.next()), isSettled: Bool.random(using: &random))
        }
        let store = try ResumeStore(path: self.path)
        try store.add([ResumeAddition(record(1))])
        let point = Checkpoint(
            torrent: torrentID(1), have: have, unproven: seed % 2 == 0 ? have : nil, partials: partials,
            files: files)
        try store.save([
            ResumeUpdate(
                torrent: torrentID(1), checkpoint: point, uploaded: 8, downloaded: 9, state: .paused,
                finishedAt: 4)
        ])
        let found = try #require(try store.records().first)
        #expect(found.have.bitfield(count: 1000) == have)
        #expect(
            found.uploaded == 8 && found.downloaded == 9 && found.state == .paused && found.finishedAt == 4)
        let details = try #require(try store.details(of: torrentID(1)))
        #expect(details.partials == partials && details.files == files)
        #expect(details.unproven == (seed % 2 == 0 ? SavedPieces(have) : .none))
    }

    @Test("Blobs of any bytes are read or refused, never more", arguments: 0..<300 as Range<UInt64>)
    func anyBytes(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        if let partials = ResumeCoding.partials(bytes, pieceCount: 50) {
            #expect(partials.allSatisfy { $0.piece < 50 && $0.blocks.count <= 320 })
        }
        if let files = ResumeCoding.files(bytes) { #expect(files.count <= 20) }
        if case .some(.some(let selection)) = ResumeCoding.selection(bytes) {
            #expect(selection.count <= 320)
        }
        if case .some(.some(let bits)) = ResumeCoding.pieces(bytes, count: 100) { #expect(bits.count == 100) }
    }

    @Test("A damaged record is refused, told of, and left as it is")
    func damaged() throws {
        do {
            let store = try ResumeStore(path: self.path)
            let metainfo = [UInt8](repeating: 1, count: 3000)
            try store.add((0..<200).map { ResumeAddition(record($0), metainfo: metainfo) })
        }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: self.path))
        bytes.removeLast(5000)
        try bytes.write(to: URL(fileURLWithPath: self.path))
        #expect {
            try ResumeStore(path: self.path)
        } throws: { error in
            let failure = error as? ResumeFailure
            return failure?.code == "database_damaged" && "\(error)".contains("left as it is")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: self.path)) == bytes)
    }

    @Test("Ten thousand torrents are listed quickly, and without their metainfo")
    func many() throws {
        let store = try ResumeStore(path: self.path)
        let metainfo = [UInt8](repeating: 1, count: 2000)
        try store.add((0..<10_000).map { ResumeAddition(record($0, have: .all), metainfo: metainfo) })
        let start = ContinuousClock.now
        var count = 0
        try store.forEachRecord { if $0.have == .all { count += 1 } }
        #expect(count == 10_000)
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test("Trackers are read from the lean row as they were added")
    func trackers() throws {
        let tiers = [["http://a/announce?passkey=1", "udp://b:1"], ["https://c/ä"]]
        var first = record(1)
        first.trackers = SavedTrackers(tiers: tiers, isPrivate: true)
        var second = record(2)
        second.trackers = SavedTrackers(tiers: [[], ["udp://x"]])
        let store = try ResumeStore(path: self.path)
        try store.add([
            ResumeAddition(first, link: "magnet:?x"), ResumeAddition(second), ResumeAddition(record(3)),
        ])
        #expect(try store.count() == 3)
        #expect(try store.record(of: torrentID(1))?.trackers.tiers == tiers)
        #expect(try store.record(of: torrentID(1))?.trackers.isPrivate == true)
        #expect(try store.record(of: torrentID(2))?.trackers.tiers == [["udp://x"]])
        #expect(try store.record(of: torrentID(2))?.trackers.isPrivate == false)
        #expect(try store.record(of: torrentID(3))?.trackers == SavedTrackers())
        #expect(try store.stored(torrentID(1))?.details.link == "magnet:?x")
        #expect(try store.stored(torrentID(2))?.details.link == nil)
        #expect(try store.stored(torrentID(4)) == nil)
    }

    @Test(
        "A column of trackers with any bytes is read as far as it goes", arguments: 0..<200 as Range<UInt64>)
    func anyTrackers(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
            UInt8.random(in: 0...(seed % 2 == 0 ? 255 : 6), using: &random)
        }
        let tiers = SavedTrackers(column: bytes).tiers
        #expect(tiers.reduce(0) { $0 + $1.count } <= bytes.count)
        let whole = SavedTrackers(tiers: [["abc", "d"], ["ef"]], isPrivate: true)
        for end in whole.bytes.indices {
            #expect(SavedTrackers(column: Array(whole.bytes[..<end])).tiers.count <= 2)
        }
    }

    @Test("The keeper hands out all rows in batches, and one torrent whole")
    func streaming() async throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        let keeper = try ResumeKeeper(path: self.path)
        let added = await withCheckedContinuation { done in
            keeper.perform(on: loop) { store throws(ResumeFailure) in
                try store.add((0..<2500).map { ResumeAddition(record($0), metainfo: [UInt8($0 % 256)]) })
            } then: {
                done.resume(returning: $0)
            }
        }
        try added.get()
        let batches = Lock<[Int]>([])
        let count = await withCheckedContinuation { done in
            keeper.stream(on: loop) { records in
                batches.withLock { $0.append(records.count) }
            } then: {
                done.resume(returning: $0)
            }
        }
        #expect(try count.get() == 2500)
        #expect(batches.withLock { $0 } == [1000, 1000, 500])
        let one = await withCheckedContinuation { done in
            keeper.load(torrentID(7), on: loop) { done.resume(returning: $0) }
        }
        #expect(try one.get()?.metainfo == [7])
        #expect(try one.get()?.record == record(7))
        keeper.stop()
        loop.stop()
        loop.join()
    }

    @Test(
        "Killed at any moment, the record holds the last save that was acknowledged, or the next",
        arguments: 0..<8)
    func killed(round: Int) async throws {
        let path = self.path
        let steps = 3 + round * 7
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, steps = steps as Int] in
            try saveUntilKilled(path, steps: steps)
        }
        let store = try ResumeStore(path: path)
        let found = try #require(try store.records().first)
        let acknowledged = Int64(
            (try? String(contentsOfFile: path + ".acknowledged", encoding: .utf8))?.count ?? 0)
        #expect((acknowledged...acknowledged + 1).contains(found.downloaded))
        // Pieces and totals are of one save.
        #expect(Int64(found.have.bitfield(count: 1000).setCount) == found.downloaded)
    }
}

/// Saves number n with n pieces, and is killed by a thread of its own somewhere in the course of it.
private func saveUntilKilled(_ path: String, steps: Int) throws {
    let store = try ResumeStore(path: path)
    var first = record(1)
    first.downloaded = 0
    try store.add([ResumeAddition(first)])
    let word = open(path + ".acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var have = Bitfield(count: 1000)
    var thread = pthread_t()
    let delay = Carried(UInt32(steps * 300))
    pthread_create(
        &thread, nil,
        { context in
            guard let context else { return nil }
            usleep(Unmanaged<Carried<UInt32>>.fromOpaque(context).takeRetainedValue().value)
            kill(getpid(), SIGKILL)
            return nil
        }, Unmanaged.passRetained(delay).toOpaque())
    for number in 1..<1000 {
        have.set(number)
        let point = Checkpoint(torrent: torrentID(1), have: have, unproven: nil, partials: [], files: [])
        try store.save([
            ResumeUpdate(
                torrent: torrentID(1), checkpoint: point, uploaded: 0, downloaded: Int64(number),
                state: .running)
        ])
        write(word, ".", 1)
    }
    pause()
}
