import CLinuxIO
import Digests
public import EventIO
import Glibc

/// Blocking work: made on the loop, run on a disk thread, finished on the loop.
///
/// One thread has a job at a time, and the pool's locks hand it over; that is the proof of each job's unchecked
/// `Sendable`.
protocol DiskJob: AnyObject, Sendable {
    /// On a disk thread.
    func run(on worker: DiskWorker)
    /// On the loop, after `run`.
    func finish()
}

/// A fixed number of threads for what blocks: reading, writing, hashing. Nothing else touches payload.
///
/// The queue is bounded by those who fill it: a piece has one write job, reads and checks are counted.
public final class DiskPool: Sendable {
    enum Urgency { case urgent, background }

    private struct Queue {
        var urgent = JobFIFO()
        var background = JobFIFO()
        var isStopping = false
        var threads: [UInt] = []
    }

    /// Two keep two cores busy with hashes and are what a spinning disk bears.
    public static let usualThreadCount = 2

    let loop: EventLoop
    public let threadCount: Int
    private let queue = Lock(Queue())
    /// What has run and is to be finished. The loop is woken when it ceases to be empty.
    private let finished = Lock<[any DiskJob]>([])
    private let available: Semaphore

    public init(loop: EventLoop, threadCount: Int = DiskPool.usualThreadCount) throws(SystemCallFailure) {
        self.loop = loop
        self.threadCount = max(1, threadCount)
        self.available = Semaphore()
        for number in 0..<self.threadCount {
            do {
                try self.startThread(number)
            } catch {
                self.stop()
                throw error
            }
        }
    }

    private func startThread(_ number: Int) throws(SystemCallFailure) {
        let context = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<DiskPool>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemCallFailure(call: "pthread_create", code: code)
        }
        weir_set_thread_name(thread, "weir-disk-\(number)")
        let handle = UInt(thread)
        self.queue.withLock { $0.threads.append(handle) }
    }

    func submit(_ job: some DiskJob, _ urgency: Urgency = .urgent) {
        self.queue.withLock { queue in
            switch urgency {
            case .urgent: queue.urgent.append(job)
            case .background: queue.background.append(job)
            }
        }
        self.available.signal()
    }

    /// Makes the threads end when nothing is queued any more. Does not wait for it.
    public func stop() {
        self.queue.withLock { $0.isStopping = true }
        for _ in 0..<self.threadCount { self.available.signal() }
    }

    var isStopping: Bool { self.queue.withLock(\.isStopping) }

    /// Waits for the threads' end, after `stop`. Not on the loop, and not on a disk thread.
    public func join() {
        let threads = self.queue.withLock { queue in
            defer { queue.threads = [] }
            return queue.threads
        }
        for thread in threads { pthread_join(pthread_t(thread), nil) }
    }

    /// Nobody waited for the threads, which hold on to the pool: they have ended, or one of them is about to.
    deinit {
        for thread in self.queue.withLock({ $0.threads }) { pthread_detach(pthread_t(thread)) }
    }

    private func work() {
        let worker = DiskWorker()
        while true {
            self.available.wait()
            let (job, isStopping) = self.queue.withLock { queue -> ((any DiskJob)?, Bool) in
                (queue.urgent.popFirst() ?? queue.background.popFirst(), queue.isStopping)
            }
            guard let job else {
                if isStopping { return }
                continue
            }
            job.run(on: worker)
            let mustWake = self.finished.withLock { finished in
                finished.append(job)
                return finished.count == 1
            }
            if mustWake { self.loop.post { self.finishAll() } }
        }
    }

    private func finishAll() {
        let jobs = self.finished.withLock { finished in
            defer { finished = [] }
            return finished
        }
        for job in jobs { job.finish() }
    }
}

/// What a disk thread keeps between jobs. One thread only.
final class DiskWorker {
    /// Half of a core's second-level cache, so that what is read is hashed from there.
    static let bufferCount = 256 * 1024
    /// IOV_MAX on Linux.
    static let partCount = 1024

    /// For reading what is only to be hashed or copied.
    let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: DiskWorker.bufferCount, alignment: 4096)
    /// For gathering writes.
    private var hasher: PieceHasher?
    /// Nil where the processor has no instructions for it.
    let lanes = SHA1Lanes.isAvailable ? PieceLanes() : nil
    let parts = UnsafeMutablePointer<iovec>.allocate(capacity: DiskWorker.partCount)

    /// Made when it is first needed; who uses it leaves it as new.
    func pieceHasher() throws(DigestFailure) -> PieceHasher {
        if let hasher = self.hasher { return hasher }
        let hasher = try PieceHasher()
        self.hasher = hasher
        return hasher
    }

    deinit {
        self.buffer.deallocate()
        self.parts.deallocate()
    }
}

/// A counting semaphore. The pointer is written once; `sem_t` is made for many threads.
final class Semaphore: @unchecked Sendable {
    private let value = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(self.value, 0, 0) }

    deinit {
        sem_destroy(self.value)
        self.value.deallocate()
    }

    func signal() { sem_post(self.value) }

    func wait() { while sem_wait(self.value) != 0 {} }
}

/// First in, first out.
private struct JobFIFO {
    private var jobs: [(any DiskJob)?] = []
    private var head = 0

    mutating func append(_ job: any DiskJob) { self.jobs.append(job) }

    mutating func popFirst() -> (any DiskJob)? {
        guard self.head < self.jobs.count else { return nil }
        let job = self.jobs[self.head].take()
        self.head += 1
        if self.head == self.jobs.count {
            self.jobs.removeAll(keepingCapacity: self.jobs.capacity <= 1024)
            self.head = 0
        } else if self.head >= 1024, self.head * 2 >= self.jobs.count {
            self.jobs.removeFirst(self.head)
            self.head = 0
        }
        return job
    }
}
