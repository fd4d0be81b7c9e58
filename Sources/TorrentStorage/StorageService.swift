public import EventIO

/// What all torrents share: threads, memory, open files. Everything but its parts is only for the loop, which is the
/// proof of the unchecked promise.
public final class StorageService: @unchecked Sendable {
    public struct Limits: Sendable {
        /// Of chunks that hold blocks which wait to be written, in bytes. At this the connections stop receiving.
        public var writeBackBytes = 16 << 20
        /// Of what was read for peers and may be asked for again, in bytes.
        public var readCacheBytes = 4 << 20
        public var openFiles = 256
        /// Windows that are read at a time; more wait.
        public var parallelReads = 16
        public var threadCount = DiskPool.usualThreadCount

        public init() {}
    }

    public let loop: EventLoop
    public let buffers = BufferPool()
    public let descriptors: DescriptorCache
    let limits: Limits
    let pool: DiskPool
    let readCache: ReadCache
    /// Called once memory is free again after `isOverloaded` was true.
    public var whenRelieved: (() -> Void)?
    /// Whether connections must not receive payload: what waits to be written fills its budget. False again at three
    /// quarters.
    public private(set) var isOverloaded = false
    /// Of chunks that hold blocks which wait, in bytes.
    private(set) var waitingBytes = 0
    /// Of blocks that wait in torrents that have failed, in bytes: outside the budget, so that one full disk does not
    /// stop the torrents on another, but within half of it again.
    private(set) var strandedBytes = 0
    /// Under way, of all torrents.
    var writeJobCount = 0
    /// Torrents with open pieces, by their file set.
    private var writers: [UInt64: TorrentStore] = [:]

    public init(loop: EventLoop, limits: Limits = Limits()) throws(SystemCallFailure) {
        self.loop = loop
        self.limits = limits
        self.descriptors = DescriptorCache(limit: limits.openFiles)
        self.pool = try DiskPool(loop: loop, threadCount: limits.threadCount)
        self.readCache = ReadCache(
            limit: limits.readCacheBytes, parallelReads: limits.parallelReads, pool: self.pool)
    }

    /// Ends the threads when they have nothing left to do; every torrent must have been stopped. Then, off the loop,
    /// `join` waits for them.
    public func stop() { self.pool.stop() }

    public func join() { self.pool.join() }

    /// Gives memory back that busy times have left; for a timer of a minute or so.
    public func trim() {
        self.readCache.removeAll()
        self.buffers.trim()
    }

    // MARK: The budget of blocks that wait

    private var isPressed: Bool { self.waitingBytes * 4 >= self.limits.writeBackBytes * 3 }

    func charge(_ block: PendingBlock) {
        let wasPressed = self.isPressed
        self.count(block.payload.first.chunk, 1)
        if let second = block.payload.second { self.count(second.chunk, 1) }
        if self.waitingBytes >= self.limits.writeBackBytes { self.isOverloaded = true }
        if self.isPressed, !wasPressed { self.relieve() }
    }

    /// A block is written or forgotten.
    func discharge(_ block: PendingBlock) {
        guard block.isCharged else {
            self.strandedBytes -= block.payload.count
            return
        }
        self.count(block.payload.first.chunk, -1)
        if let second = block.payload.second { self.count(second.chunk, -1) }
    }

    /// Moves a block out of the budget, or back.
    func strand(_ block: inout PendingBlock) {
        guard block.isCharged else { return }
        self.discharge(block)
        block.isCharged = false
        self.strandedBytes += block.payload.count
    }

    func rescue(_ block: inout PendingBlock) {
        guard !block.isCharged else { return }
        self.discharge(block)
        block.isCharged = true
        self.charge(block)
    }

    var isStrandFull: Bool { self.strandedBytes > self.limits.writeBackBytes / 2 }

    /// A chunk counts whole as long as one block in it waits, for so long it takes memory.
    private func count(_ chunk: PayloadChunk, _ change: Int) {
        if chunk.waitingSlices == 0 { self.waitingBytes += chunk.capacity }
        chunk.waitingSlices += change
        if chunk.waitingSlices == 0 { self.waitingBytes -= chunk.capacity }
    }

    /// After a job.
    func settle() {
        if self.isPressed { self.relieve() }
        if self.isOverloaded, !self.isPressed {
            self.isOverloaded = false
            self.whenRelieved?()
        }
    }

    /// Nothing while something is being written, which frees memory too; else whole pieces, and only when there are
    /// none parts of pieces, since the rest of them may be about to come.
    private func relieve() {
        guard self.writeJobCount == 0 else { return }
        for store in self.writers.values { store.submitGathered() }
        guard self.writeJobCount == 0 else { return }
        for store in self.writers.values { store.flush() }
    }

    func hasOpenPieces(_ store: TorrentStore, _ isWriting: Bool) {
        if isWriting { self.writers[store.files.id] = store } else { self.writers[store.files.id] = nil }
    }
}
