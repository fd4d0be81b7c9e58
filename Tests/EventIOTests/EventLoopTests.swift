import EventIO
import Glibc
import SwarmTypes
import Testing

private actor Counter {
    private let loop: EventLoop
    private(set) var value = 0

    init(loop: EventLoop) { self.loop = loop }

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    /// Answers whether it ran on the loop.
    func add(_ amount: Int) -> Bool {
        self.value += amount
        return self.loop.isCurrent
    }

    func addSlowly() async throws {
        let before = self.value
        try await self.loop.sleep(seconds: 0)
        self.value = max(self.value, before) + 1
    }
}

/// A value that several threads write in a test.
final class Shared<Value: Sendable>: Sendable {
    private let lock: Lock<Value>

    init(_ value: Value) { self.lock = Lock(value) }

    var value: Value { self.lock.withLock { $0 } }

    func update(_ body: @Sendable (inout Value) -> Void) { self.lock.withLock { body(&$0) } }
}

/// Runs `body` on so many threads of its own and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Start: Sendable {
        let index: Int
        let body: @Sendable (Int) -> Void
        init(index: Int, body: @escaping @Sendable (Int) -> Void) { (self.index, self.body) = (index, body) }
    }
    var threads: [pthread_t] = []
    for index in 0..<count {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(index: index, body: body))
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.body(start.index)
                return nil
            }, start.toOpaque())
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

@Suite("The event loop", .timeLimit(.minutes(1)))
struct EventLoopTests {
    let loop: EventLoop

    init() throws { self.loop = try EventLoop(name: "test") }

    private func finish() {
        self.loop.stop()
        self.loop.join()
    }

    @Test("An actor on the loop runs on the loop, whoever calls it")
    func actorStaysOnLoop() async throws {
        try self.loop.start()
        defer { self.finish() }
        let counter = Counter(loop: self.loop)
        for _ in 0..<100 { #expect(await counter.add(1)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { try await counter.addSlowly() } }
            try await group.waitForAll()
        }
        #expect(await counter.value == 150)
    }

    @Test("A callback on the loop enters an actor without waiting")
    func assumeIsolated() async throws {
        try self.loop.start()
        defer { self.finish() }
        let counter = Counter(loop: self.loop)
        let answer = await withCheckedContinuation { continuation in
            self.loop.post { [loop = self.loop] in
                #expect(loop.isIsolatingCurrentContext() == true)
                continuation.resume(returning: counter.assumeIsolated { $0.add(7) })
            }
        }
        #expect(answer)
        #expect(self.loop.isIsolatingCurrentContext() == false)
        #expect(await counter.value == 7)
    }

    @Test("A task that prefers the loop never leaves it, also after suspensions")
    func taskStaysOnLoop() async throws {
        try self.loop.start()
        defer { self.finish() }
        let loop = self.loop
        let places = try await Task(executorPreference: loop) {
            var places = [loop.isCurrent]
            try await loop.sleep(seconds: 0.001)
            places.append(loop.isCurrent)
            await Task.yield()
            places.append(loop.isCurrent)
            await withCheckedContinuation { continuation in
                loop.schedule(afterSeconds: 0) { continuation.resume() }
            }
            places.append(loop.isCurrent)
            async let child = loop.isCurrent
            places.append(await child)
            return places
        }.value
        #expect(places == [true, true, true, true, true])
    }

    @Test("Closures run in the order in which they were posted, also those posted before the start")
    func orderOfPosts() throws {
        let seen = Shared<[Int]>([])
        for number in 0..<100 { self.loop.post { seen.update { $0.append(number) } } }
        try self.loop.start()
        for number in 100..<1000 { self.loop.post { seen.update { $0.append(number) } } }
        self.finish()
        #expect(seen.value == Array(0..<1000))
    }

    @Test("No closure of many threads is lost, and each thread's own order is kept")
    func manyThreads() throws {
        try self.loop.start()
        let seen = Shared<[[Int]]>(Array(repeating: [], count: 8))
        onThreads(8) { [loop = self.loop] thread in
            for number in 0..<5000 {
                loop.post { seen.update { $0[thread].append(number) } }
                if number % 500 == 0 { loop.schedule(afterSeconds: 0) {} }
            }
        }
        self.finish()
        #expect(seen.value.allSatisfy { $0 == Array(0..<5000) })
    }

    @Test("What a closure posts runs after what was queued, and perform runs at once on the loop")
    func nestedPosts() throws {
        let seen = Shared<[String]>([])
        self.loop.post { [loop = self.loop] in
            loop.post { seen.update { $0.append("posted") } }
            loop.perform { seen.update { $0.append("performed") } }
        }
        self.loop.post { seen.update { $0.append("queued") } }
        try self.loop.start()
        self.finish()
        #expect(seen.value == ["performed", "queued", "posted"])
    }

    @Test("The loop can run on the caller's thread until it is stopped")
    func runsOnCallersThread() {
        let loop = self.loop
        let seen = Shared(false)
        loop.schedule(afterSeconds: 0.001) {
            seen.update { $0 = loop.isCurrent }
            loop.stop()
        }
        onThreads(1) { _ in loop.run() }
        #expect(seen.value)
    }

    @Test("Work queued before the stop runs, and later work still runs once the loop has ended")
    func stopWithPendingWork() async throws {
        let seen = Shared<[Int]>([])
        let loop = self.loop
        try loop.start()
        let counter = Counter(loop: loop)
        loop.post {
            loop.stop()
            loop.post { seen.update { $0.append(1) } }
        }
        loop.join()
        loop.post {
            #expect(loop.isCurrent)
            loop.post { seen.update { $0.append(3) } }
            seen.update { $0.append(2) }
        }
        #expect(seen.value == [1, 2, 3])
        #expect(!loop.isCurrent)
        // An actor call must not hang.
        #expect(await counter.add(1))
    }

    @Test("Who asked for it is told of the end, once, on the loop")
    func whenEnding() throws {
        let loop = self.loop
        let seen = Shared<[Int]>([])
        for number in 1...3 {
            let token = loop.whenEnding {
                #expect(loop.isCurrent)
                loop.post { seen.update { $0.append(number) } }
            }
            if number == 2 { loop.cancel(token) }
        }
        try loop.start()
        self.finish()
        _ = loop.whenEnding { seen.update { $0.append(4) } }
        #expect(seen.value == [1, 3, 4])
    }

    @Test("After the end, work of many threads still runs one at a time")
    func drainsAfterEnd() throws {
        final class Unguarded: @unchecked Sendable { var value = 0 }
        let counter = Unguarded()
        try self.loop.start()
        self.finish()
        onThreads(4) { [loop = self.loop] _ in
            for _ in 0..<2000 { loop.post { counter.value += 1 } }
        }
        // The last drainer may be another thread than the last poster; all have been joined.
        #expect(counter.value == 8000)
    }

    @Test("A stop before the start ends the loop at once, after what was queued")
    func stopBeforeStart() throws {
        let seen = Shared(0)
        self.loop.post { seen.update { $0 += 1 } }
        self.loop.stop()
        try self.loop.start()
        self.loop.join()
        #expect(seen.value == 1)
    }

    @Test("A loop that has ended lets go of its timers, and is freed")
    func isFreed() throws {
        weak var weakLoop: EventLoop?
        do {
            let other = try EventLoop(name: "short-lived")
            weakLoop = other
            other.schedule(afterSeconds: 3600) { other.stop() }
            try other.start()
            other.stop()
            other.join()
        }
        #expect(weakLoop == nil)
    }
}
