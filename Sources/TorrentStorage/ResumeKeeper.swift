public import EventIO
import SQLiteStore

/// The owner of a `ResumeStore`: a thread on which all its calls run, in the order in which they were asked for.
///
/// From any thread. The store is touched only on that thread, which is the proof of the unchecked promise.
public final class ResumeKeeper: @unchecked Sendable {
    private let thread: EventLoop
    private let store: ResumeStore

    /// Blocks until the record is open; call it before the loop runs.
    public init(path: String) throws(ResumeFailure) {
        self.store = try ResumeStore(path: path)
        do {
            self.thread = try EventLoop(name: "weir-resume")
            try self.thread.start()
        } catch {
            throw ResumeFailure(store: .init(.cannotOpen("\(error)"), path: path))
        }
    }

    /// Runs `work` with the store on its thread, then `done` on `loop`.
    public func perform<Output: Sendable>(
        on loop: EventLoop, _ work: @escaping @Sendable (ResumeStore) throws(ResumeFailure) -> Output,
        then done: @escaping @Sendable (Result<Output, ResumeFailure>) -> Void
    ) {
        self.thread.post {
            let result: Result<Output, ResumeFailure>
            do throws(ResumeFailure) {
                result = .success(try work(self.store))
            } catch {
                result = .failure(error)
            }
            loop.post { done(result) }
        }
    }

    /// Ends the thread after what was asked for, and waits for it. Not on the loop that waits for an answer.
    public func stop() {
        self.thread.stop()
        self.thread.join()
    }
}
