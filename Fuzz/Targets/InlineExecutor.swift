/// Runs tasks on the thread that asks for their results, so that an input always takes the same way and no
/// thread has to be woken.
///
/// `@unchecked Sendable`: each instance is made, fed and emptied by one call of `runInline`, on its thread;
/// what runs there waits for nothing outside.
private final class InlineExecutor: TaskExecutor, @unchecked Sendable {
    private var jobs: [UnownedJob] = []

    func enqueue(_ job: consuming ExecutorJob) { self.jobs.append(UnownedJob(job)) }

    func runAll() {
        while !self.jobs.isEmpty {
            self.jobs.removeFirst().runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}

/// `@unchecked Sendable`: used on one thread only, as `InlineExecutor`.
private final class ResultBox<Result>: @unchecked Sendable {
    var result: Result?
}

/// Throws when the body waits for something that never happens.
func runInline<Result: Sendable>(
    _ body: @escaping @Sendable () async -> Result
) throws(BrokenInvariant) -> Result {
    let executor = InlineExecutor()
    let box = ResultBox<Result>()
    Task(executorPreference: executor) { box.result = await body() }
    executor.runAll()
    guard let result = box.result else { throw BrokenInvariant("it waits for ever") }
    return result
}
