import CLinuxIO
import Glibc

/// A system call that failed.
public struct SystemCallFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var call: String
    /// The value of `errno`.
    public var code: Int32

    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    public var description: String {
        "\(self.call): \(String(cString: strerror(self.code))) (errno \(self.code))"
    }
}

/// What is watched of a file descriptor, and what it is ready for.
public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
    /// The other side is gone, or the descriptor has an error. Always watched, need not be asked for.
    public static let hungUp = Readiness(rawValue: 4)
}

/// An epoll set with one handler for each descriptor, and the descriptor that wakes it.
///
/// `@unchecked Sendable`: the table of watches is touched by the loop's thread alone; `wake()`, which any
/// thread may call, reads constants only.
final class Poller: @unchecked Sendable {
    private struct Watch {
        /// Tells a late event of a closed descriptor from one of its successor with the same number.
        var generation: UInt32
        var handler: @Sendable (Readiness) -> Void
    }

    private static let batch = 128

    private let epoll: Int32
    private let waker: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private var watches: [Int32: Watch] = [:]
    private var lastGeneration: UInt32 = 0

    init() throws(SystemCallFailure) {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemCallFailure(call: "epoll_create1", code: errno) }
        let waker = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard waker >= 0 else {
            let code = errno
            close(epoll)
            throw SystemCallFailure(call: "eventfd", code: code)
        }
        self.epoll = epoll
        self.waker = waker
        self.events = .allocate(capacity: Self.batch)
        // Edge-triggered: each write wakes once and need not be read back.
        var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: .max))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, waker, &event) == 0 else {
            throw SystemCallFailure(call: "epoll_ctl", code: errno)
        }
    }

    deinit {
        close(self.epoll)
        close(self.waker)
        self.events.deallocate()
    }

    /// From any thread.
    func wake() {
        var one: UInt64 = 1
        // Fails only when 2⁶⁴ wakes are pending, and then it is awake.
        _ = write(self.waker, &one, MemoryLayout<UInt64>.size)
    }

    func add(
        _ descriptor: Int32, _ interest: Readiness, _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(SystemCallFailure) {
        self.lastGeneration &+= 1
        let watch = Watch(generation: self.lastGeneration, handler: handler)
        try self.control(EPOLL_CTL_ADD, descriptor, interest, watch.generation)
        self.watches[descriptor] = watch
    }

    func modify(_ descriptor: Int32, _ interest: Readiness) throws(SystemCallFailure) {
        guard let watch = self.watches[descriptor] else {
            throw SystemCallFailure(call: "epoll_ctl", code: ENOENT)
        }
        try self.control(EPOLL_CTL_MOD, descriptor, interest, watch.generation)
    }

    func remove(_ descriptor: Int32) {
        guard self.watches.removeValue(forKey: descriptor) != nil else { return }
        // Fails when the descriptor was closed first; it is out of the set then.
        epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// Lets go of all handlers and what they hold, which may well be the loop.
    func removeAll() {
        let released = self.watches
        self.watches = [:]
        for descriptor in released.keys { epoll_ctl(self.epoll, EPOLL_CTL_DEL, descriptor, nil) }
    }

    /// Waits for events, for at most so many milliseconds (-1: without end), and answers how many came.
    func wait(milliseconds: Int32) -> Int {
        let count = epoll_wait(self.epoll, self.events, Int32(Self.batch), milliseconds)
        // An interruption by a signal is a wait without events.
        return max(0, Int(count))
    }

    /// The handler for one event of the last wait; nil for a wake and for descriptors removed since.
    func handler(at index: Int) -> (ready: Readiness, call: @Sendable (Readiness) -> Void)? {
        let event = self.events[index]
        let descriptor = Int32(truncatingIfNeeded: event.data.u64 & 0xFFFF_FFFF)
        guard let watch = self.watches[descriptor],
            watch.generation == UInt32(truncatingIfNeeded: event.data.u64 >> 32)
        else { return nil }
        var ready: Readiness = []
        if event.events & EPOLLIN.rawValue != 0 { ready.insert(.readable) }
        if event.events & EPOLLOUT.rawValue != 0 { ready.insert(.writable) }
        if event.events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { ready.insert(.hungUp) }
        return (ready, watch.handler)
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Readiness, _ generation: UInt32
    ) throws(SystemCallFailure) {
        var bits: UInt32 = 0
        if interest.contains(.readable) { bits |= EPOLLIN.rawValue }
        if interest.contains(.writable) { bits |= EPOLLOUT.rawValue }
        let key = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        var event = epoll_event(events: bits, data: epoll_data_t(u64: key))
        guard epoll_ctl(self.epoll, operation, descriptor, &event) == 0 else {
            throw SystemCallFailure(call: "epoll_ctl", code: errno)
        }
    }
}
