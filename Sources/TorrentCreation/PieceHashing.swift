import Digests
import EventIO
import Glibc
import MetainfoCoding
import SwarmTypes

/// What the threads that hash the pieces of one torrent share.
final class PieceHashing: Sendable {
    let builder: TorrentBuilder
    /// As they can be opened, in the order of the builder.
    let sources: [SourceFile]
    private let progress: @Sendable (CreationProgress) -> Bool
    private let state: Lock<State>
    private let contentLength: Int64
    /// Pieces that a thread takes at a time: 4 MiB or one, so that the threads read near each other.
    private let batch: Int

    private struct State: Sendable {
        var nextPiece = 0
        var hashedLength: Int64 = 0
        var v1Hashes: [UInt8]
        var v2Hashes: [UInt8]
        var failure: CreationFailure?
    }

    init(
        _ builder: TorrentBuilder, _ sources: [SourceFile],
        progress: @escaping @Sendable (CreationProgress) -> Bool
    ) {
        self.builder = builder
        self.sources = sources
        self.progress = progress
        let count = builder.geometry.pieceCount
        self.batch = max(1, (4 << 20) / Int(builder.geometry.pieceLength))
        self.contentLength = builder.files.reduce(0) { $0 + $1.length }
        let version = builder.options.version
        self.state = Lock(
            State(
                v1Hashes: [UInt8](repeating: 0, count: version == .v2 ? 0 : count * 20),
                v2Hashes: [UInt8](repeating: 0, count: version == .v1 ? 0 : count * 32)))
    }

    /// Hashes batches until there are no more, or one fails. Called on several threads.
    func work() {
        do throws(CreationFailure) {
            var hasher = try PieceHasher(self.builder, self.sources)
            while let pieces = self.takeBatch() {
                var v1: [UInt8] = []
                var v2: [UInt8] = []
                for piece in pieces { try hasher.hash(piece, &v1, &v2) }
                self.deliver(pieces, v1, v2, hasher.takeReadLength())
            }
        } catch {
            let failure = error
            self.state.withLock { if $0.failure == nil { $0.failure = failure } }
        }
    }

    private func takeBatch() -> Range<Int>? {
        let (batch, count) = (self.batch, self.builder.geometry.pieceCount)
        return self.state.withLock { state in
            guard state.failure == nil, state.nextPiece < count else { return nil }
            let start = state.nextPiece
            state.nextPiece = min(count, start + batch)
            return start..<state.nextPiece
        }
    }

    private func deliver(_ pieces: Range<Int>, _ v1: [UInt8], _ v2: [UInt8], _ length: Int64) {
        let progress = self.state.withLock { state in
            if !v1.isEmpty {
                state.v1Hashes.replaceSubrange(pieces.lowerBound * 20..<pieces.upperBound * 20, with: v1)
            }
            if !v2.isEmpty {
                state.v2Hashes.replaceSubrange(pieces.lowerBound * 32..<pieces.upperBound * 32, with: v2)
            }
            state.hashedLength += length
            return CreationProgress(hashedLength: state.hashedLength, totalLength: self.contentLength)
        }
        guard !self.progress(progress) else { return }
        self.state.withLock { if $0.failure == nil { $0.failure = .cancelled } }
    }

    func results() throws(CreationFailure) -> (v1: [UInt8], v2: [UInt8]) {
        let (failure, v1, v2) = self.state.withLock { ($0.failure, $0.v1Hashes, $0.v2Hashes) }
        if let failure { throw failure }
        return (v1, v2)
    }
}

/// One thread's part: a buffer, two digests and the file that was read last.
private struct PieceHasher: ~Copyable {
    /// A multiple of BEP 52's leaves of 16 KiB.
    private static let bufferLength = 256 << 10

    private let builder: TorrentBuilder
    private let sources: [SourceFile]
    private var sha1: DigestContext
    private var sha256: DigestContext
    private let buffer: UnsafeMutableRawBufferPointer
    private var file: (index: Int, descriptor: Int32)?
    private var readLength: Int64 = 0

    init(_ builder: TorrentBuilder, _ sources: [SourceFile]) throws(CreationFailure) {
        // All that can fail first: a half-made value could not be undone.
        let sha1 = try makeDigest(.sha1)
        let sha256 = try makeDigest(.sha256)
        self.builder = builder
        self.sources = sources
        self.sha1 = sha1
        self.sha256 = sha256
        self.buffer = .allocate(byteCount: Self.bufferLength, alignment: 64)
    }

    deinit {
        self.buffer.deallocate()
        if let file = self.file { close(file.descriptor) }
    }

    /// Since it was asked last.
    mutating func takeReadLength() -> Int64 {
        defer { self.readLength = 0 }
        return self.readLength
    }

    /// Appends the digests that the torrent's version asks for.
    mutating func hash(_ piece: Int, _ v1: inout [UInt8], _ v2: inout [UInt8]) throws(CreationFailure) {
        let version = self.builder.options.version
        var leaves: [UInt8] = []
        var hasLayer = false
        for segment in self.builder.segments(ofPiece: piece) {
            if let file = segment.file {
                hasLayer = self.builder.hasPieceLayer(file: file)
                try self.read(file, segment.offset, segment.length, version, &leaves)
            } else if version == .hybrid {
                try self.hashZeros(segment.length)
            }
        }
        do throws(DigestFailure) {
            if version != .v2 { v1 += try self.sha1.finish() }
        } catch {
            throw .system("SHA-1 failed")
        }
        guard version != .v1 else { return }
        // A file of one piece has a tree of its own height; a longer one has the height of a piece at each of them.
        let root = merkleRoot(
            ofLayer: leaves[...], covering: 16 << 10,
            spanning: hasLayer ? Int(self.builder.geometry.pieceLength) : 0, hashing: .openSSL)
        guard let root else { throw .system("SHA-256 failed") }
        v2 += root
    }

    private mutating func read(
        _ file: Int, _ offset: Int64, _ length: Int64, _ version: TorrentVersion, _ leaves: inout [UInt8]
    ) throws(CreationFailure) {
        let descriptor = try self.open(file)
        var done: Int64 = 0
        while done < length {
            let wanted = Int(min(Int64(Self.bufferLength), length - done))
            var filled = 0
            while filled < wanted {
                let count = pread(
                    descriptor, self.buffer.baseAddress?.advanced(by: filled), wanted - filled,
                    Int(offset + done) + filled)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw .unreadable(path: self.sources[file].path, errno: errno) }
                guard count > 0 else { throw .changed(path: self.sources[file].path) }
                filled += count
            }
            let bytes = UnsafeRawBufferPointer(rebasing: self.buffer[..<wanted])
            do throws(DigestFailure) {
                if version != .v2 { try self.sha1.update(bytes) }
                if version != .v1 { leaves += try self.sha256.digests(of: bytes, inChunksOf: 16 << 10) }
            } catch {
                throw .system("a digest failed")
            }
            done += Int64(wanted)
        }
        self.readLength += length
    }

    private mutating func hashZeros(_ length: Int64) throws(CreationFailure) {
        _ = self.buffer.initializeMemory(as: UInt8.self, repeating: 0)
        var left = length
        while left > 0 {
            let count = Int(min(Int64(Self.bufferLength), left))
            do throws(DigestFailure) {
                try self.sha1.update(UnsafeRawBufferPointer(rebasing: self.buffer[..<count]))
            } catch {
                throw .system("SHA-1 failed")
            }
            left -= Int64(count)
        }
    }

    private mutating func open(_ file: Int) throws(CreationFailure) -> Int32 {
        if let open = self.file, open.index == file { return open.descriptor }
        if let open = self.file { close(open.descriptor) }
        self.file = nil
        let path = self.sources[file].path
        // Never waits: what was a file may be a pipe by now.
        let descriptor = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        self.file = (file, descriptor)
        return descriptor
    }
}

private func makeDigest(_ algorithm: DigestAlgorithm) throws(CreationFailure) -> DigestContext {
    do throws(DigestFailure) {
        return try DigestContext(algorithm)
    } catch {
        throw .system("OpenSSL offers no \(algorithm.rawValue) here")
    }
}
