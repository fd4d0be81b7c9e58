import SwarmTypes

/// A piece of which some blocks have come. Only on the loop.
final class OpenPiece {
    let number: Int
    /// Blocks that have come, written or not.
    private(set) var arrived: Bitfield
    /// Blocks that are on disk.
    var written: Bitfield
    /// What has come and is neither written nor in a job; by number.
    private(set) var pending: [PendingBlock] = []
    private(set) var pendingBytes = 0
    /// Nil until the first job, and while a job has it.
    var hasher: PieceHasher?
    /// A job is under way; there is one at a time, so that the hash goes on in order.
    var isBusy = false
    /// Everything is to be written as soon as the job that is under way ends.
    var mustFlush = false
    /// All blocks before it have come.
    private(set) var runEnd = 0
    /// What `runEnd` was at the last job.
    private var submittedEnd = 0

    init(number: Int, blockCount: Int) {
        self.number = number
        self.arrived = Bitfield(count: blockCount)
        self.written = Bitfield(count: blockCount)
    }

    /// As it was left by an earlier run: these blocks are on disk.
    init(number: Int, written: Bitfield) {
        self.number = number
        self.arrived = written
        self.written = written
        self.extendRun()
        self.submittedEnd = self.runEnd
    }

    var isComplete: Bool { self.arrived.isComplete }

    /// Nothing of it is written, hashed or in a job.
    var isWholeInMemory: Bool { self.pending.count == self.arrived.count && self.hasher?.nextBlock ?? 0 == 0 }

    /// Blocks in order that no job has had.
    var runLength: Int { self.runEnd - self.submittedEnd }

    /// False when the block had come before.
    func insert(_ block: PendingBlock) -> Bool {
        guard self.arrived.set(block.number) else { return false }
        if block.number == self.runEnd { self.extendRun() }
        self.add(block)
        return true
    }

    private func add(_ block: PendingBlock) {
        self.pendingBytes += block.payload.count
        var place = self.pending.count
        while place > 0, self.pending[place - 1].number > block.number { place -= 1 }
        if place == self.pending.count {
            self.pending.append(block)
        } else {
            self.pending.insert(block, at: place)
        }
    }

    private func extendRun() {
        while self.runEnd < self.arrived.count, self.arrived[self.runEnd] { self.runEnd += 1 }
    }

    /// Takes what a job is to write: all, or only what is in order, so that the rest can still be hashed from memory.
    func takePending(onlyInOrder: Bool) -> [PendingBlock] {
        self.submittedEnd = self.runEnd
        var taken: [PendingBlock] = []
        if !onlyInOrder || self.pending.last.map({ $0.number < self.runEnd }) ?? true {
            swap(&taken, &self.pending)
            self.pendingBytes = 0
        } else {
            let count = self.pending.firstIndex { $0.number >= self.runEnd } ?? self.pending.count
            taken = Array(self.pending[..<count])
            self.pending.removeFirst(count)
            self.pendingBytes -= taken.reduce(0) { $0 + $1.payload.count }
        }
        return taken
    }

    func forEachPending(_ body: (inout PendingBlock) -> Void) {
        for index in self.pending.indices { body(&self.pending[index]) }
    }

    /// Takes back what a job could not write.
    func restore(_ blocks: some Sequence<PendingBlock>) { for block in blocks { self.add(block) } }

    /// Forgets what is pending and begins the hash anew; answers what was forgotten.
    func dropPending() -> [PendingBlock] {
        let dropped = self.takePending(onlyInOrder: false)
        for block in dropped { self.arrived.clear(block.number) }
        self.runEnd = 0
        self.extendRun()
        self.submittedEnd = self.runEnd
        self.hasher?.reset()
        return dropped
    }
}
