import EventIO
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

extension TorrentStore {
    /// Reads a window, at once or later.
    func window(ofPiece piece: Int, containing offset: Int) async -> Result<ReadWindow, StorageFailure>? {
        await waiting(self.service.loop) { done in
            switch self.readWindow(ofPiece: piece, containing: offset, for: 77) {
            case .ready(let window): done(.success(window))
            case .refused: done(nil)
            case .pending:
                self.onEvent = { event in
                    if case .readFinished(token: 77, let result) = event { done(result) }
                }
            }
        }
    }

    /// All bytes of the torrent, through windows.
    func allBytes() async -> [UInt8] {
        var bytes: [UInt8] = []
        for piece in 0..<self.geometry.pieceCount {
            let length = Int(self.geometry.length(ofPiece: piece))
            var offset = 0
            while offset < length {
                guard case .success(let window) = await self.window(ofPiece: piece, containing: offset),
                    let slice = window.slice(at: offset, count: length - offset)
                else { return bytes }
                bytes += slice.bytes
                offset += slice.count
            }
        }
        return bytes
    }
}

extension StorageFixture {
    /// Puts the torrent's files where they belong.
    func fill(_ sample: SampleTorrent) throws {
        for file in 0..<sample.layout.fileCount where !sample.layout.isPad(file) {
            let path = self.directory + "/" + sample.layout.path(ofFile: file)
            try makeFile(path, sample.bytes(ofFile: file))
        }
    }
}

func makeFile(_ path: String, _ bytes: [UInt8]) throws {
    var folder = ""
    for part in path.split(separator: "/").dropLast() {
        folder += "/" + part
        mkdir(folder, 0o755)
    }
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    try #require(file >= 0)
    defer { close(file) }
    var done = 0
    while done < bytes.count {
        done += bytes.withUnsafeBytes { write(file, $0.baseAddress?.advanced(by: done), bytes.count - done) }
    }
}

@Suite("Reading")
struct ReadingTests {
    @Test("Windows give the bytes of any layout", arguments: 0..<100 as Range<UInt64>)
    func anyLayout(seed: UInt64) async throws {
        let sample = try SampleTorrent(seed: seed)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        let store = sample.store(in: fixture, have: Bitfield(allSet: sample.geometry.pieceCount))
        let cold = await store.allBytes()
        #expect(cold == sample.bytes)
        await on(fixture.loop) { fixture.service.trim() }
        // The files are open now, so that the loop reads them itself.
        let warm = await store.allBytes()
        #expect(warm == sample.bytes)
    }

    @Test("Many who ask for one window cause one read")
    func coalescing() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 1_000_000)], pieceLength: 524_288, seed: 3)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        let store = sample.store(in: fixture, have: Bitfield(allSet: 2))
        let tokens = await waiting(fixture.loop) { (done: @escaping ([UInt64]) -> Void) in
            let answered = Carried<[UInt64]>([])
            store.onEvent = { event in
                guard case .readFinished(let token, .success(let window)) = event else { return }
                #expect(window.offset == 262_144 && window.count == 262_144)
                answered.value.append(token)
                if answered.value.count == 8 { done(answered.value) }
            }
            for token in 0..<8 as Range<UInt64> {
                guard case .pending = store.readWindow(ofPiece: 0, containing: 300_000, for: token) else {
                    return done([])
                }
            }
            #expect(store.jobCount == 1)
        }
        #expect(tokens == Array(0..<8))
        // Then it is in memory.
        let isReady = await on(fixture.loop) {
            if case .ready = store.readWindow(ofPiece: 0, containing: 262_144, for: 9) { true } else { false }
        }
        #expect(isReady)
    }

    @Test("A piece that is not had, or a place outside, is refused")
    func refused() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 100_000)], pieceLength: 65_536, seed: 3)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        var have = Bitfield(count: 2)
        have.set(1)
        let store = sample.store(in: fixture, have: have)
        for (piece, offset) in [(0, 0), (2, 0), (-1, 0), (1, 34_464), (1, -1)] {
            #expect(await store.window(ofPiece: piece, containing: offset) == nil)
        }
        #expect(await store.window(ofPiece: 1, containing: 34_463) != nil)
    }

    @Test("A trusted torrent proves each piece before it is sent, and loses the one that is wrong")
    func trusted() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 300_000)], pieceLength: 65_536, seed: 4)
        let fixture = try StorageFixture()
        var bytes = sample.bytes
        bytes[70_000] ^= 1
        try makeFile(fixture.directory + "/file", bytes)
        let store = sample.store(in: fixture)
        await on(fixture.loop) { store.assumeComplete() }
        let good = await store.window(ofPiece: 0, containing: 0)
        #expect(
            try good?.get().slice(at: 0, count: 65_536)?.bytes.elementsEqual(sample.bytes[..<65_536]) == true)
        let bad = await store.window(ofPiece: 1, containing: 0)
        #expect(throws: StorageFailure(.read, .fileChanged, path: fixture.directory + "/file")) {
            try bad?.get()
        }
        #expect(await store.window(ofPiece: 1, containing: 0) == nil)
        let (have, unproven) = await on(fixture.loop) { (store.have, store.unproven) }
        #expect(have.setCount == 4 && !have[1])
        #expect(unproven?.setCount == 3)
    }

    @Test("A file that was cut short under us is told of, and its piece is lost")
    func cutShort() async throws {
        let sample = try SampleTorrent(
            files: [FileEntry(path: "file", length: 300_000)], pieceLength: 65_536, seed: 5)
        let fixture = try StorageFixture()
        try fixture.fill(sample)
        let store = sample.store(in: fixture, have: Bitfield(allSet: 5))
        _ = await store.window(ofPiece: 0, containing: 0)
        truncate(fixture.directory + "/file", 100_000)
        let result = await store.window(ofPiece: 3, containing: 0)
        #expect(throws: StorageFailure(.read, .fileChanged, path: fixture.directory + "/file")) {
            try result?.get()
        }
        let have = await on(fixture.loop) { store.have }
        #expect(!have[3] && have.setCount == 4)
    }
}
