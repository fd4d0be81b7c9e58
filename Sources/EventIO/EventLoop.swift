import CLinuxIO
import Glibc
public import SwarmTypes
import Synchronization

/// Names one scheduled action, for `cancel`.
public struct TimerToken: Hashable, Sendable {
    let id: UInt64
}

/// One thread that runs closures, Swift tasks, timers and descriptor handlers, one at a time.
///
/// An actor lives on the loop by answering `asUnownedSerialExecutor()` from its `unownedExecutor`; a task
/// by `Task(executorPreference: loop)`. Start every long-lived task that way: without the preference each
/// suspension costs two thread switches.
///
/// Closures and tasks run in the order in which they were queued. When the loop has ended, what is queued
/// still runs, on the thread that queues it and still one at a time, so that no task hangs; timers and
/// descriptors are dead then.
public final class EventLoop: SerialExecutor, TaskExecutor, Sendable {
    enum Work {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    enum TimerAction: Sendable {
        case body(@Sendable () -> Void)
        case sleeper(Sleeper)
        /// Runs when the loop ends.
        case ending(@Sendable () -> Void)
    }

    enum Phase {
        /// Nothing runs. Leaves to: running.
        case waiting
        case running
        /// `stop` was called; what is queued runs to its end. Leaves to: ended.
        case stopping
        case ended
    }

    /// Shared by all threads.
    struct Inbox {
        var phase = Phase.waiting
        var work: [Work] = []
        var timers = DeadlineQueue<TimerAction>()
        var lastTimer: UInt64 = 0
        /// The thread is in `epoll_wait`, or about to enter it, and must be woken for new work.
        var isAsleep = false
        /// After the end: a thread is running what was queued.
        var isDraining = false
    }

    public let name: String
    let inbox = Lock(Inbox())
    /// The thread that may run work now; 0 when there is none.
    private let owner = Atomic<UInt>(0)
    private let thread = Lock<pthread_t?>(nil)
    let poller: Poller

    public init(name: String) throws(SystemCallFailure) {
        self.name = name
        self.poller = try Poller()
    }

    /// Runs the loop on a thread of its own. At most one of `start` and `run` may be called, once.
    public func start() throws(SystemCallFailure) {
        let context = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let loop = Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue()
                loop.run()
                return nil
            }, context.toOpaque())
        guard code == 0 else {
            context.release()
            throw SystemCallFailure(call: "pthread_create", code: code)
        }
        weir_set_thread_name(thread, self.name)
        let started = thread
        self.thread.withLock { $0 = started }
    }

    /// Runs the loop on the calling thread until `stop` was called and nothing is queued any more.
    public func run() {
        self.inbox.withLock { inbox in
            precondition(inbox.phase == .waiting || inbox.phase == .stopping, "a loop runs once")
            if inbox.phase == .waiting { inbox.phase = .running }
        }
        self.own()
        var work: [Work] = []
        while self.takeTurn(&work) {}
        self.end()
    }

    /// Makes the loop end, from any thread: queued work runs to its end, sleepers are cancelled, other timers
    /// are dropped. Does not wait for it.
    public func stop() {
        let mustWake = self.inbox.withLock { inbox in
            guard inbox.phase == .waiting || inbox.phase == .running else { return false }
            inbox.phase = .stopping
            return inbox.wakes()
        }
        if mustWake { self.poller.wake() }
    }

    /// Blocks the calling thread until the thread of `start` has ended. Never call it on the loop.
    public func join() {
        precondition(!self.isCurrent, "a loop cannot wait for its own end")
        guard let thread = self.thread.withLock({ $0.take() }) else { return }
        pthread_join(thread, nil)
    }

    /// Lets the thread of `start` end in its own time, where nobody will `join` it: it may be held up in a system call.
    public func detach() {
        guard let thread = self.thread.withLock({ $0.take() }) else { return }
        pthread_detach(thread)
    }

    deinit { self.detach() }

    public var now: Instant { monotonicNow() }

    /// Whether the caller runs on the loop.
    public var isCurrent: Bool { self.owner.load(ordering: .acquiring) == UInt(pthread_self()) }

    /// Queues a closure, from any thread.
    public func post(_ body: @escaping @Sendable () -> Void) { self.queue(.body(body)) }

    /// Runs a closure at once when called on the loop, else queues it.
    public func perform(_ body: @escaping @Sendable () -> Void) {
        if self.isCurrent { body() } else { self.post(body) }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        // The runtime holds no reference of its own, and the job may let go of the last one, on this thread or, as soon as
        // it is queued, on the loop's.
        let held = Unmanaged.passRetained(self)
        defer { held.release() }
        self.queue(.job(UnownedJob(job)))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    public func checkIsolated() {
        precondition(self.isCurrent, "not on the event loop \(self.name)")
    }

    public func isIsolatingCurrentContext() -> Bool? { self.isCurrent }
}

extension EventLoop.Inbox {
    /// Whether the caller must wake the thread, of which only one caller is told.
    mutating func wakes() -> Bool {
        defer { self.isAsleep = false }
        return self.isAsleep
    }
}

extension EventLoop {
    private func own() { self.owner.store(UInt(pthread_self()), ordering: .releasing) }

    private func queue(_ item: Work) {
        let (mustWake, mustDrain) = self.inbox.withLock { inbox in
            inbox.work.append(item)
            guard inbox.phase == .ended else { return (inbox.wakes(), false) }
            defer { inbox.isDraining = true }
            return (false, !inbox.isDraining)
        }
        if mustWake { self.poller.wake() }
        if mustDrain {
            self.own()
            self.drain { inbox in inbox.isDraining = false }
        }
    }

    private func perform(_ item: Work) {
        switch item {
        case .body(let body):
            body()
        case .job(let job):
            job.runSynchronously(
                isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    /// Runs what is queued, then what is due, then what is ready. Answers false when the loop is to end.
    private func takeTurn(_ work: inout [Work]) -> Bool {
        let isRunning = self.inbox.withLock { inbox in
            // The emptied array goes back, so that its storage is used again.
            swap(&inbox.work, &work)
            return inbox.phase == .running
        }
        for item in work { self.perform(item) }
        work.removeAll(keepingCapacity: work.capacity <= 1024)
        guard isRunning else { return false }

        self.fireTimers()
        let milliseconds = self.inbox.withLock { inbox in
            guard inbox.phase == .running, inbox.work.isEmpty else { return 0 as Int32 }
            inbox.isAsleep = true
            return Self.milliseconds(until: inbox.timers.earliest())
        }
        let count = self.poller.wait(milliseconds: milliseconds)
        if milliseconds != 0 { self.inbox.withLock { $0.isAsleep = false } }
        for index in 0..<count {
            // Looked up one by one: a handler may remove the watch of the next.
            if let handler = self.poller.handler(at: index) { handler.call(handler.ready) }
        }
        return true
    }

    private func fireTimers() {
        let now = self.now
        // A timer set by one that fires now waits for the next turn, else two could keep the loop for ever.
        let newest = self.inbox.withLock { $0.lastTimer }
        while let action = self.inbox.withLock({ $0.timers.takeDue(at: now, insertedBefore: newest + 1) }) {
            switch action {
            case .body(let body): body()
            case .sleeper(let sleeper): sleeper.wake(.elapsed)
            case .ending: break
            }
        }
    }

    /// Rounded up, because waking early would only mean to wait again.
    private static func milliseconds(until deadline: Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let nanoseconds = max(0, deadline.nanoseconds &- monotonicNow().nanoseconds)
        return Int32(clamping: (nanoseconds &+ 999_999) / 1_000_000)
    }

    private func end() {
        for action in self.inbox.withLock({ $0.timers.takeAll() }) {
            switch action {
            case .body: break
            case .sleeper(let sleeper): sleeper.wake(.cancelled)
            case .ending(let body): body()
            }
        }
        self.drain { inbox in inbox.phase = .ended }
        self.poller.removeAll()
    }

    /// Runs what is queued until nothing is, gives the loop up, and does what `finish` says under the same lock.
    private func drain(_ finish: (inout Inbox) -> Void) {
        while true {
            let work = self.inbox.withLock { inbox in
                defer { inbox.work = [] }
                if inbox.work.isEmpty {
                    self.owner.store(0, ordering: .releasing)
                    finish(&inbox)
                }
                return inbox.work
            }
            if work.isEmpty { return }
            for item in work { self.perform(item) }
        }
    }
}
