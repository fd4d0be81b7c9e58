import EventIO

/// Notices what others have written into the database, at the next question that anybody asks: a key that a command took back
/// opens nothing any more.
///
/// From any thread, one at a time.
final class AccessWatch: Sendable {
    /// Touched with the lock only, which is the proof of the unchecked promise.
    private struct State: @unchecked Sendable {
        let store: AccessStore
        var number: Int64
    }

    private let state: Lock<State>

    init(path: String) throws(AccessFailure) {
        let store = try AccessStore(watching: path)
        self.state = Lock(State(store: store, number: try store.changeNumber()))
    }

    /// Calls `take` with all users and keys, when something was changed since the last call, also by this process; and not when
    /// the database cannot be read now: then what was known counts. Nobody else's question is answered before it returns.
    func refresh(_ take: (_ users: [String: String], _ keys: [[UInt8]: AccessKey]) -> Void) {
        self.state.withLock { state in
            // Read after the number: what is written between them is news once more.
            guard let number = try? state.store.changeNumber(), number != state.number,
                let users = try? state.store.users(), let keys = try? state.store.keys()
            else { return }
            state.number = number
            take(users, keys)
        }
    }
}
