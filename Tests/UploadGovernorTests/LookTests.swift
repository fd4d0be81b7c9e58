import LimitPlanning
import SwarmTypes
import Synchronization
import Testing

@testable import UploadGovernor

/// Time that goes from one timer of the governor to the next.
private final class TimerWorld: Sendable {
    private struct State {
        var now = 1_000.0
        var timers: [(due: Double, body: @Sendable () -> Void)] = []
        var timerCount = 0
    }

    private let state = Mutex(State())
    /// Longer timers only watch over a poll.
    private static let longestPause = 9.0

    var now: Double { self.state.withLock(\.now) }
    /// How often the governor went to sleep.
    var timerCount: Int { self.state.withLock(\.timerCount) }

    func after(_ seconds: Double, _ body: @escaping @Sendable () -> Void) {
        guard seconds < Self.longestPause else { return }
        self.state.withLock { state in
            state.timers.append((state.now + seconds, body))
            state.timerCount += 1
        }
    }

    /// Wakes the governor whenever it sleeps.
    func run(until end: Double) async throws {
        while self.now < end {
            let body = self.state.withLock { state -> (@Sendable () -> Void)? in
                guard let next = state.timers.popLast() else { return nil }
                state.now = max(state.now, next.due)
                return next.body
            }
            if let body { body() } else { try await Task.sleep(nanoseconds: 1_000_000) }
        }
    }
}

/// Wants to be told again a quarter of a second after each time.
private actor CuriousSharing: CapSharing {
    private let time: TimerWorld
    private(set) var heardAt: [Double] = []

    init(_ time: TimerWorld) { self.time = time }

    func shares(of trackers: [GovernedTracker], used: [CapUse]) -> [UploadLimit] { trackers.map(\.cap) }
    func sharesHold() {}
    func clientsSent(_ totals: [Int64]) { self.heardAt.append(self.time.now) }

    var nextLook: Instant? {
        Instant(nanoseconds: Int64(((self.heardAt.last ?? self.time.now) + 0.25) * 1e9))
    }
}

@Suite("Looks between cycles", .timeLimit(.minutes(5)))
struct LookTests {
    private func governor(
        _ time: TimerWorld, _ client: ScriptedClient, _ sharing: CuriousSharing
    ) async throws -> Governor {
        var environment = GovernorEnvironment(
            now: { Instant(nanoseconds: Int64(time.now * 1e9)) },
            secondsSince1970: { 1_800_000_000 },
            after: { time.after($0, $1) },
            rolloutBucket: { UInt8($0.bytes[0]) % 100 })
        environment.sharing = sharing
        let configuration = someConfiguration { $0.pollSeconds = 5 }
        let governor = Governor(
            executor: QueueExecutor(), environment: environment,
            journal: ScriptedJournal(disk: JournalDisk()),
            clients: [client], matcher: HostMatcher(trackers: configuration.trackers),
            configuration: configuration)
        try await governor.load()
        await client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        return governor
    }

    @Test("What the clients send is read whenever who shares asks for it, also in the second after a cycle")
    func times() async throws {
        let (time, client) = (TimerWorld(), ScriptedClient())
        let sharing = CuriousSharing(time)
        let governor = try await self.governor(time, client, sharing)
        let loop = Task { await governor.run() }
        try await time.run(until: 1_012)
        await governor.stop()
        await loop.value
        let times = await sharing.heardAt
        #expect(times.count >= 40)
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect((gaps.max() ?? 1) < 0.26, "\(gaps)")
    }

    @Test("While a client does not answer, nobody looks in a tight loop")
    func lost() async throws {
        let (time, client) = (TimerWorld(), ScriptedClient())
        let sharing = CuriousSharing(time)
        let governor = try await self.governor(time, client, sharing)
        let loop = Task { await governor.run() }
        try await time.run(until: 1_006)
        await client.script { $0.pollProblem = .unreachable("gone") }
        try await time.run(until: 1_008)
        let (before, requests) = (time.timerCount, await client.requestCount())
        try await time.run(until: 1_013)
        #expect(time.timerCount - before < 130)
        #expect(await client.requestCount() - requests < 5)
        await governor.stop()
        await loop.value
    }
}
