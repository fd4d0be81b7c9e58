public import SwarmTypes

extension EventLoop {
    /// Runs `body` on the loop at `deadline` or up to a millisecond later; from any thread.
    ///
    /// Equal deadlines fire in the order in which they were set. A timer that is pending when the loop ends
    /// never fires.
    @discardableResult
    public func schedule(at deadline: Instant, _ body: @escaping @Sendable () -> Void) -> TimerToken {
        // A loop that ends drops its timers, so one set after that may stay in the table.
        self.insert(.body(body), at: deadline).token
    }

    /// The same after so many seconds; less than zero is at once.
    @discardableResult
    public func schedule(afterSeconds seconds: Double, _ body: @escaping @Sendable () -> Void) -> TimerToken {
        self.schedule(at: Self.deadline(afterSeconds: seconds), body)
    }

    /// Forgets a timer, from any thread. Called on the loop, it makes sure that the timer does not fire any
    /// more. Harmless after the timer has fired.
    public func cancel(_ timer: TimerToken) {
        // The action is released outside the lock: what it captured may have a deinitialiser that calls us.
        _ = self.inbox.withLock { $0.timers.remove(id: timer.id) }
    }

    /// Runs `body` on the loop when it ends, before its last tasks, unless cancelled before; at once when it has
    /// ended. For what would wait for ever for a timer or a descriptor.
    public func whenEnding(_ body: @escaping @Sendable () -> Void) -> TimerToken {
        let (token, isAccepted) = self.insert(.ending(body), at: Instant(nanoseconds: .max))
        if !isAccepted { self.perform(body) }
        return token
    }

    /// Suspends the calling task, on whatever executor it runs, and throws as soon as the task is cancelled or
    /// the loop is told to stop.
    public func sleep(seconds: Double) async throws(CancellationError) {
        let sleeper = Sleeper()
        let (timer, isAccepted) = self.insert(.sleeper(sleeper), at: Self.deadline(afterSeconds: seconds))
        if !isAccepted { sleeper.wake(.cancelled) }
        let outcome = await withTaskCancellationHandler {
            await sleeper.outcome()
        } onCancel: {
            self.cancel(timer)
            sleeper.wake(.cancelled)
        }
        if outcome == .cancelled { throw CancellationError() }
    }

    private func insert(_ action: TimerAction, at deadline: Instant) -> (token: TimerToken, isAccepted: Bool)
    {
        let (id, isAccepted, mustWake) = self.inbox.withLock { inbox in
            inbox.lastTimer += 1
            let id = inbox.lastTimer
            guard inbox.phase == .waiting || inbox.phase == .running else { return (id, false, false) }
            inbox.timers.insert(action, id: id, at: deadline)
            let isEarliest = inbox.timers.earliest() == deadline
            return (id, true, isEarliest && inbox.wakes())
        }
        if mustWake { self.poller.wake() }
        return (TimerToken(id: id), isAccepted)
    }

    /// At most thirty years ahead, so that no number overflows the clock; not a number is at once.
    private static func deadline(afterSeconds seconds: Double) -> Instant {
        monotonicNow().advanced(bySeconds: seconds > 0 ? min(seconds, 1e9) : 0)
    }
}

/// A suspended task, woken once: by its timer, its cancellation or the end of its loop, whichever is first.
final class Sleeper: Sendable {
    enum Outcome { case elapsed, cancelled }

    private enum State {
        case new
        case suspended(CheckedContinuation<Outcome, Never>)
        case woken(Outcome)
    }

    private let state = Lock(State.new)

    /// To be called once.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let early: Outcome? = self.state.withLock { state in
                if case .woken(let outcome) = state { return outcome }
                state = .suspended(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    func wake(_ outcome: Outcome) {
        let waiting: CheckedContinuation<Outcome, Never>? = self.state.withLock { state in
            switch state {
            case .new:
                state = .woken(outcome)
                return nil
            case .suspended(let continuation):
                state = .woken(outcome)
                return continuation
            case .woken:
                return nil
            }
        }
        waiting?.resume(returning: outcome)
    }
}
