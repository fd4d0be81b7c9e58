import SwarmTypes
import TestKit
import Testing

@testable import AccessControl

@Suite struct AttemptGuardTests {
    let start = Instant(nanoseconds: 1_000_000_000)

    @Test("The first failures cost nothing, each further one twice as long, up to a quarter of an hour")
    func backsOff() {
        var attempts = AttemptGuard()
        var now = self.start
        var waits: [Double] = []
        for _ in 0..<20 {
            attempts.failed("a", at: now)
            let wait = attempts.wait(for: "a", at: now) ?? 0
            waits.append(wait)
            now = now.advanced(bySeconds: wait)
        }
        #expect(waits.prefix(4).allSatisfy { $0 == 0 })
        #expect(waits[4] == 2)
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 || $0 > 300 })
        #expect(waits.max() ?? 0 <= AttemptGuard.longestWaitSeconds)
        #expect(attempts.wait(for: "b", at: now) == nil)
    }

    @Test("Failures are forgiven with time, and by a success")
    func forgives() {
        var attempts = AttemptGuard()
        for _ in 0..<5 { attempts.failed("a", at: self.start) }
        #expect(attempts.wait(for: "a", at: self.start) != nil)
        let later = self.start.advanced(bySeconds: 5 * AttemptGuard.forgivingSeconds)
        attempts.failed("a", at: later)
        #expect(attempts.wait(for: "a", at: later) == nil)
        for _ in 0..<9 { attempts.failed("a", at: later) }
        attempts.succeeded("a")
        #expect(attempts.wait(for: "a", at: later) == nil)
    }

    @Test("Addresses without end take memory with one")
    func isBounded() {
        var attempts = AttemptGuard()
        for number in 0..<10_000 {
            attempts.failed("\(number)", at: self.start.advanced(bySeconds: Double(number) / 1000))
        }
        #expect(attempts.addressCount <= AttemptGuard.maximumAddresses)
    }
}

@Suite struct SessionTableTests {
    @Test("A session lives while it is used, and not for ever")
    func ends() {
        var sessions = SessionTable()
        var now = Instant(nanoseconds: 0)
        sessions.begin([1], user: "a", from: "a", at: now)
        for _ in 0..<40 {
            now = now.advanced(bySeconds: SessionTable.idleSeconds * 0.7)
            let isYoung = now.seconds(since: Instant(nanoseconds: 0)) < SessionTable.longestSeconds
            #expect((sessions.use([1], at: now) != nil) == isYoung)
            if !isYoung { break }
        }
        sessions.begin([2], user: "a", from: "a", at: now)
        #expect(sessions.use([2], at: now.advanced(bySeconds: SessionTable.idleSeconds + 1)) == nil)
    }

    @Test("A changed password ends all sessions of its user and no other")
    func endsAll() {
        var sessions = SessionTable()
        let now = Instant(nanoseconds: 0)
        sessions.begin([1], user: "a", from: "a", at: now)
        sessions.begin([2], user: "b", from: "a", at: now)
        sessions.endAll(of: "a")
        #expect(sessions.use([1], at: now) == nil)
        #expect(sessions.use([2], at: now) == "b")
    }
}
