/// Waiting for jobs.
extension TorrentStore {
    func jobStarted() { self.jobCount += 1 }

    /// To be called last when a job has finished.
    func jobEnded() {
        self.jobCount -= 1
        guard !self.barriers.isEmpty else { return }
        let oldest = self.writeJobs.min() ?? .max
        var open: [() -> Void] = []
        self.barriers.removeAll { barrier in
            let isOpen = barrier.lastWriteJob.map { oldest > $0 } ?? (self.jobCount == 0)
            if isOpen { open.append(barrier.body) }
            return isOpen
        }
        for body in open { body() }
    }

    /// Calls `body` when the write jobs that are under way now have ended.
    func afterWriteJobs(_ body: @escaping () -> Void) {
        guard !self.writeJobs.isEmpty else { return body() }
        self.barriers.append(Barrier(lastWriteJob: self.lastWriteJob, body: body))
    }

    /// Calls `body` when no job is under way any more, those included that follow from others.
    func afterAllJobs(_ body: @escaping () -> Void) {
        guard self.jobCount > 0 else { return body() }
        self.barriers.append(Barrier(lastWriteJob: nil, body: body))
    }

    /// Runs `work` on a disk thread and `done` on the loop.
    func perform<Output: Sendable>(
        _ urgency: DiskPool.Urgency = .urgent, _ work: @escaping @Sendable (DiskWorker) -> Output,
        _ done: @escaping (Output) -> Void
    ) {
        self.jobStarted()
        let job = ClosureJob(work) { output in
            done(output)
            self.jobEnded()
        }
        self.service.pool.submit(job, urgency)
    }
}

/// For what is rare.
final class ClosureJob<Output: Sendable>: DiskJob, @unchecked Sendable {
    private let work: @Sendable (DiskWorker) -> Output
    private let done: (Output) -> Void
    private var output: Output?

    init(_ work: @escaping @Sendable (DiskWorker) -> Output, _ done: @escaping (Output) -> Void) {
        self.work = work
        self.done = done
    }

    func run(on worker: DiskWorker) { self.output = self.work(worker) }

    func finish() { if let output = self.output { self.done(output) } }
}
