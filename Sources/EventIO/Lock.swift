import Glibc

/// A value behind a pthread mutex: the shape of Synchronization's `Mutex`, on a lock that the thread
/// sanitizer understands.
///
/// Keep what runs inside short, and never call out of it: decide inside, act outside.
public struct Lock<Value: ~Copyable>: ~Copyable {
    // Both on the heap, because a mutex must not move.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    public init(_ value: consuming sending Value) {
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(self.mutex, nil)
        self.value = .allocate(capacity: 1)
        self.value.initialize(to: value)
    }

    deinit {
        self.value.deinitialize(count: 1)
        self.value.deallocate()
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Calls `body` with the value while no other thread has it. Not recursive.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.value.pointee)
    }
}

// The pointers are private and the value is reached only under the mutex; `sending` lets no reference to
// it in or out.
extension Lock: @unchecked Sendable where Value: ~Copyable {}
