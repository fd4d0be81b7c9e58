import Glibc
import SwarmTypes
import TestKit
import Testing

@testable import EventIO

@Suite("Timers of the loop", .timeLimit(.minutes(1)))
struct TimerTests {
    let loop: EventLoop

    init() throws { self.loop = try EventLoop(name: "timers") }

    @Test("Timers fire by time, not by the order in which they were set, and never early")
    func firesInOrderOfTime() throws {
        let seen = Shared<[Int]>([])
        let loop = self.loop
        let start = loop.now
        for number in [3, 1, 2, 0] {
            loop.schedule(at: start.advanced(bySeconds: Double(number) * 0.004)) {
                #expect(loop.now.seconds(since: start) >= Double(number) * 0.004)
                seen.update { $0.append(number) }
                if number == 3 { loop.stop() }
            }
        }
        try loop.start()
        loop.join()
        #expect(seen.value == [0, 1, 2, 3])
    }

    @Test("A cancelled timer never fires, and a shorter one from another thread wakes the loop in time")
    func cancelAndWake() async throws {
        try self.loop.start()
        let loop = self.loop
        let fired = Shared(false)
        let long = loop.schedule(afterSeconds: 3600) { fired.update { $0 = true } }
        let soon = loop.schedule(afterSeconds: 0.02) { fired.update { $0 = true } }
        await withCheckedContinuation { continuation in
            loop.post {
                loop.cancel(soon)
                loop.schedule(afterSeconds: 0.03) { continuation.resume() }
            }
        }
        loop.cancel(long)
        loop.stop()
        loop.join()
        #expect(!fired.value)
    }

    @Test("A timer that always sets the next one leaves room for other work")
    func noStarvation() throws {
        let loop = self.loop
        let turns = Shared(0)
        @Sendable func again() {
            turns.update { $0 += 1 }
            loop.schedule(afterSeconds: -1, again)
        }
        loop.post { again() }
        loop.schedule(afterSeconds: 0.005) { loop.stop() }
        try loop.start()
        loop.join()
        #expect(turns.value > 1)
    }

    @Test("Absurd delays neither trap nor fire", arguments: [Double.infinity, 1e300, 1e10])
    func absurdDelays(seconds: Double) throws {
        let fired = Shared(false)
        self.loop.schedule(afterSeconds: seconds) { fired.update { $0 = true } }
        self.loop.schedule(afterSeconds: .nan) { [loop = self.loop] in loop.stop() }
        try self.loop.start()
        self.loop.join()
        #expect(!fired.value)
    }

    @Test("A sleep ends by time, by cancellation and by the end of the loop")
    func sleepEnds() async throws {
        let loop = self.loop
        try loop.start()
        let start = loop.now
        try await loop.sleep(seconds: 0.005)
        #expect(loop.now.seconds(since: start) >= 0.005)

        let cancelled = Task { try await loop.sleep(seconds: 3600) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }

        let preferring = Task(executorPreference: loop) { try await loop.sleep(seconds: 3600) }
        loop.schedule(afterSeconds: 0.005) { loop.stop() }
        await #expect(throws: CancellationError.self) { try await preferring.value }
        loop.join()
        await #expect(throws: CancellationError.self) { try await loop.sleep(seconds: 3600) }
        #expect(loop.inbox.withLock { $0.timers.count } == 0)
    }

    @Test("The queue of deadlines gives back what a sorted list would", arguments: 0..<200)
    func queueMatchesModel(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = DeadlineQueue<UInt64>()
        var model: [(deadline: Instant, id: UInt64)] = []
        for id in 1...UInt64(150) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !model.isEmpty:
                let victim = model.remove(at: Int.random(in: 0..<model.count, using: &random))
                #expect(queue.remove(id: victim.id) == victim.id)
                #expect(queue.remove(id: victim.id) == nil)
            case 1:
                let now = Instant(nanoseconds: Int64.random(in: 0..<40, using: &random))
                let limit = UInt64.random(in: 1...200, using: &random)
                let first = model.min { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
                let expected = first.flatMap { $0.deadline <= now && $0.id < limit ? $0.id : nil }
                #expect(queue.takeDue(at: now, insertedBefore: limit) == expected)
                model.removeAll { $0.id == expected }
            default:
                let deadline = Instant(nanoseconds: Int64.random(in: 0..<40, using: &random))
                queue.insert(id, id: id, at: deadline)
                model.append((deadline, id))
            }
            #expect(queue.earliest() == model.map(\.deadline).min())
            #expect(queue.count == model.count)
        }
        #expect(queue.takeAll() == model.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }.map(\.id))
    }

    @Test("Removed entries do not pile up")
    func removedEntriesAreDropped() {
        var queue = DeadlineQueue<Int>()
        for id in 1...UInt64(100_000) {
            queue.insert(0, id: id, at: Instant(nanoseconds: Int64(1_000_000 - id)))
            #expect(queue.remove(id: id) == 0)
        }
        #expect(queue.storedEntryCount <= 64)
    }
}
