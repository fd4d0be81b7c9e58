import Digests
import EventIO
import Foundation
import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import TorrentStorage

/// Runs `body` on the loop and waits for what it answers.
func on<Output>(_ loop: EventLoop, _ body: @escaping () -> Output) async -> Output {
    await waiting(loop) { done in done(body()) }
}

/// Runs `body` on the loop and waits until it calls back.
func waiting<Output>(
    _ loop: EventLoop, _ body: @escaping (_ done: @escaping (Output) -> Void) -> Void
) async -> Output {
    let work = Carried(body)
    // Made here, so that the continuation carries nothing.
    let box = Carried<Output?>(nil)
    await withCheckedContinuation { continuation in
        loop.post {
            work.value { output in
                box.value = output
                continuation.resume()
            }
        }
    }
    guard let output = box.value else { preconditionFailure("the value was set before") }
    return output
}

/// Carries a value between the test and the loop. Behind a mutex, which the thread sanitizer understands where it does
/// not see through a continuation.
final class Carried<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var held: Value

    init(_ value: Value) {
        pthread_mutex_init(self.mutex, nil)
        self.held = value
        // So that who reads it first waits for who made it.
        self.value = value
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    var value: Value {
        get {
            pthread_mutex_lock(self.mutex)
            defer { pthread_mutex_unlock(self.mutex) }
            return self.held
        }
        set {
            pthread_mutex_lock(self.mutex)
            defer { pthread_mutex_unlock(self.mutex) }
            self.held = newValue
        }
    }
}

/// A loop, a service and a directory.
final class StorageFixture: @unchecked Sendable {
    let loop: EventLoop
    let service: StorageService
    let directory: String
    private let temporary: TemporaryDirectory?

    init(_ limits: StorageService.Limits = .init(), directory: String? = nil) throws {
        let temporary = directory == nil ? TemporaryDirectory() : nil
        self.temporary = temporary
        self.directory = directory ?? temporary?.path ?? ""
        self.loop = try EventLoop(name: "test")
        self.service = try StorageService(loop: self.loop, limits: limits)
        try self.loop.start()
    }

    deinit {
        self.service.stop()
        self.service.join()
        self.loop.stop()
        // A loop cannot wait for its own end.
        guard self.loop.isCurrent else { return self.loop.join() }
        let loop = self.loop
        Thread.detachNewThread { loop.join() }
    }

    func contents(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: self.directory + "/" + path).map(Array.init)
    }

    /// Every file below the directory, hidden ones too.
    var names: Set<String> {
        Set(FileManager.default.enumerator(atPath: self.directory)?.compactMap { $0 as? String } ?? [])
    }
}

/// A torrent of random bytes in random files.
struct SampleTorrent {
    var layout: TorrentLayout
    var bytes: [UInt8]
    var hashes: PieceHashes
    let id = TorrentID(bytes: 0..<20) ?? { preconditionFailure("20 bytes") }()

    init(files: [FileEntry], pieceLength: UInt32, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let total = files.reduce(0) { $0 + $1.length }
        let geometry = try #require(PieceGeometry(totalLength: total, pieceLength: pieceLength))
        self.layout = try TorrentLayout(geometry: geometry, files: files)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(total))
        for file in files {
            if file.isPad {
                bytes += [UInt8](repeating: 0, count: Int(file.length))
            } else {
                var word = random.next()
                for index in 0..<Int(file.length) {
                    if index % 8 == 0 { word = random.next() }
                    bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8)))
                }
            }
        }
        self.bytes = bytes
        var digests: [UInt8] = []
        for piece in 0..<geometry.pieceCount {
            let start = piece * Int(pieceLength)
            digests += try digest(
                .sha1, of: Array(bytes[start..<start + Int(geometry.length(ofPiece: piece))]))
        }
        self.hashes = try #require(PieceHashes(sha1: digests, pieceCount: geometry.pieceCount))
    }

    /// Up to nine files of up to 150 KB in one folder, some empty, some pads, some in sub-folders; small odd pieces.
    init(seed: UInt64) throws {
        var random = SplitMix64(seed: seed &* 7919)
        var files: [FileEntry] = []
        for index in 0..<Int.random(in: 1...9, using: &random) {
            let length = [0, 1, 5000, 16384, 40_000, 150_000][Int.random(in: 0..<6, using: &random)]
            let folder = index % 3 == 0 ? "top/sub\(index)/deep" : "top"
            files.append(FileEntry(path: "\(folder)/file \(index)", length: Int64(length)))
            if Bool.random(using: &random) {
                let pad = Int64.random(in: 1...20_000, using: &random)
                files.append(FileEntry(path: "top/.pad/\(index)", length: pad, isPad: true))
            }
        }
        files.append(FileEntry(path: "top/last", length: Int64.random(in: 1...60_000, using: &random)))
        let length = [16_384, 32_768, 65_536, 40_000, 20_000][Int.random(in: 0..<5, using: &random)]
        try self.init(files: files, pieceLength: UInt32(length), seed: seed)
    }

    var geometry: PieceGeometry { self.layout.geometry }

    var blocks: [Block] {
        (0..<self.geometry.pieceCount).flatMap { piece in
            (0..<self.geometry.blockCount(ofPiece: piece)).map { self.geometry.block($0, ofPiece: piece) }
        }
    }

    func bytes(of block: Block) -> ArraySlice<UInt8> {
        let start = Int(self.geometry.position(of: block))
        return self.bytes[start..<start + Int(block.length)]
    }

    func bytes(ofFile file: Int) -> [UInt8] {
        let start = Int(self.layout.start(ofFile: file))
        return Array(self.bytes[start..<start + Int(self.layout.length(ofFile: file))])
    }

    func store(
        in fixture: StorageFixture, directory: String? = nil, have: Bitfield? = nil,
        partials: [PartialPiece] = [],
        selection: Bitfield? = nil
    ) -> TorrentStore {
        TorrentStore(
            torrent: self.id, layout: self.layout, directory: directory ?? fixture.directory,
            service: fixture.service,
            hashes: self.hashes, have: have, partials: partials, selection: selection)
    }
}

/// Cuts payload from chunks as a connection does: with other bytes between, across the ends of chunks.
struct ChunkFeeder {
    private let pool: BufferPool
    private let size: BufferPool.Size
    private var chunk: PayloadChunk
    private var used: Int

    init(_ pool: BufferPool, _ size: BufferPool.Size = .small) {
        self.pool = pool
        self.size = size
        self.chunk = pool.take(size)
        self.used = 0
    }

    mutating func payload(_ bytes: some Collection<UInt8>) -> BlockPayload {
        self.used = min(self.used + 13, self.chunk.capacity)
        var slices: [PayloadSlice] = []
        var rest = Array(bytes)[...]
        repeat {
            if self.used == self.chunk.capacity {
                self.chunk = self.pool.take(self.size)
                self.used = 0
            }
            let space = self.chunk.space(after: self.used)
            let part = rest.prefix(space.count)
            UnsafeMutableRawBufferPointer(rebasing: space[..<part.count]).copyBytes(from: part)
            slices.append(self.chunk.slice(at: self.used, count: part.count))
            self.used += part.count
            rest = rest.dropFirst(part.count)
        } while !rest.isEmpty
        return BlockPayload(slices[0], slices.count > 1 ? slices[1] : nil)
    }
}

extension TorrentStore {
    /// Writes blocks and waits until every piece that is complete was judged and what waits is written.
    func feed(_ sample: SampleTorrent, _ blocks: [Block], wrong: Set<Block> = []) async -> [StorageEvent] {
        await waiting(self.service.loop) { done in
            let events = Carried<[StorageEvent]>([])
            self.onEvent = { events.value.append($0) }
            var feeder = ChunkFeeder(self.service.buffers)
            for block in blocks {
                var bytes = Array(sample.bytes(of: block))
                if wrong.contains(block) { bytes[bytes.count / 2] ^= 1 }
                _ = self.write(block, feeder.payload(bytes))
            }
            self.flush()
            self.afterAllJobs { done(events.value) }
        }
    }

    func stopped() async -> Result<Checkpoint, StorageFailure> {
        await waiting(self.service.loop) { done in self.stop(done) }
    }
}

extension [StorageEvent] {
    var goodPieces: [Int] {
        self.compactMap {
            if case .pieceHashed(let verdict) = $0, verdict.isGood { verdict.piece } else { nil }
        }
    }
    var badPieces: [Int] {
        self.compactMap {
            if case .pieceHashed(let verdict) = $0, !verdict.isGood { verdict.piece } else { nil }
        }
    }
    var failures: [StorageFailure] {
        self.compactMap { if case .failed(let failure) = $0 { failure } else { nil } }
    }
}
