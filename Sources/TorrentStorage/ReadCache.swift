import EventIO
import SwarmTypes

/// What was read for peers: kept a while, because others ask for the same; and what is being read, so that it is read
/// once for all. Only on the loop.
final class ReadCache {
    struct Key: Hashable {
        var owner: UInt64
        var piece: UInt32
        /// In the piece, in `ReadWindow.length`.
        var window: UInt32
    }

    private struct Entry {
        var window: ReadWindow
        var lastUse: UInt64
    }

    private let limit: Int
    private let parallelReads: Int
    private let pool: DiskPool
    private var entries: [Key: Entry] = [:]
    private var bytes = 0
    private var clock: UInt64 = 0
    private var reading: [Key: ReadJob] = [:]
    private var active = 0
    /// Jobs that wait for a place; `head` is the first of them.
    private var waiting: [ReadJob] = []
    private var head = 0

    /// Of one service, in windows: 4,096 are a gibibyte of answers to come.
    static let longestQueue = 4096

    init(limit: Int, parallelReads: Int, pool: DiskPool) {
        self.limit = limit
        self.parallelReads = max(1, parallelReads)
        self.pool = pool
    }

    func find(_ key: Key) -> ReadWindow? {
        guard let place = self.entries.index(forKey: key) else { return nil }
        self.clock += 1
        self.entries.values[place].lastUse = self.clock
        return self.entries.values[place].window
    }

    func insert(_ window: ReadWindow, for key: Key) {
        self.clock += 1
        self.remove(key)
        self.entries[key] = Entry(window: window, lastUse: self.clock)
        self.bytes += window.chunk.capacity
        while self.bytes > self.limit,
            let oldest = self.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
        {
            self.remove(oldest)
        }
    }

    private func remove(_ key: Key) {
        guard let old = self.entries.removeValue(forKey: key) else { return }
        self.bytes -= old.window.chunk.capacity
    }

    func removeAll() {
        self.entries = [:]
        self.bytes = 0
    }

    func removeAll(of owner: UInt64) {
        for key in self.entries.keys where key.owner == owner { self.remove(key) }
    }

    func removeAll(of owner: UInt64, piece: UInt32) {
        for key in self.entries.keys where key.owner == owner && key.piece == piece { self.remove(key) }
    }

    // MARK: Reading

    /// Adds one more who waits for a window that is being read; false when it is not.
    func join(_ key: Key, _ token: UInt64) -> Bool {
        guard let job = self.reading[key] else { return false }
        job.tokens.append(token)
        return true
    }

    var isFull: Bool { self.reading.count >= Self.longestQueue }

    func start(_ job: ReadJob) {
        self.reading[job.key] = job
        self.waiting.append(job)
        self.startWaiting()
    }

    func finished(_ job: ReadJob) {
        self.reading[job.key] = nil
        self.active -= 1
        self.startWaiting()
    }

    private func startWaiting() {
        while self.active < self.parallelReads, self.head < self.waiting.count {
            self.active += 1
            self.pool.submit(self.waiting[self.head])
            self.head += 1
        }
        if self.head == self.waiting.count {
            self.waiting.removeAll(keepingCapacity: true)
            self.head = 0
        } else if self.head > 256 {
            self.waiting.removeFirst(self.head)
            self.head = 0
        }
    }
}

/// Reads one window; before that, of a torrent that is trusted, proves the piece.
final class ReadJob: DiskJob, @unchecked Sendable {
    let key: ReadCache.Key
    let store: TorrentStore
    /// Who waits for it. Only on the loop.
    var tokens: [UInt64]
    private let files: FileSet
    private let offset: Int
    private let count: Int
    private let buffers: BufferPool
    /// Nil when the piece needs no proof.
    private let hashes: PieceHashes?

    // Left by the disk thread.
    private(set) var result: Result<ReadWindow, StorageFailure>?

    var provesPiece: Bool { self.hashes != nil }

    init(
        store: TorrentStore, key: ReadCache.Key, offset: Int, count: Int, token: UInt64,
        proving hashes: PieceHashes?
    ) {
        self.store = store
        self.key = key
        self.tokens = [token]
        self.files = store.files
        self.offset = offset
        self.count = count
        self.buffers = store.service.buffers
        self.hashes = hashes
    }

    func finish() { self.store.finished(self) }

    func run(on worker: DiskWorker) {
        do throws(StorageFailure) {
            let piece = Int(self.key.piece)
            if let hashes = self.hashes {
                guard try PieceCheck(self.files, hashes, worker).isGood(piece) else {
                    throw StorageFailure(.read, .fileChanged, path: self.files.path(ofPiece: piece))
                }
            }
            let chunk = self.buffers.take(atLeast: self.count)
            let block = Block(
                piece: self.key.piece, offset: UInt32(truncatingIfNeeded: self.offset),
                length: UInt32(truncatingIfNeeded: self.count))
            let buffer = UnsafeMutableRawBufferPointer(start: chunk.base, count: self.count)
            try self.files.read(into: buffer, at: self.files.layout.geometry.position(of: block))
            self.result = .success(
                ReadWindow(piece: piece, offset: self.offset, count: self.count, chunk: chunk))
        } catch {
            self.result = .failure(error)
        }
    }
}
