import LibraryPolicy
import LimitPlanning
import SwarmTypes
import TestKit
import Testing

@testable import UploadGovernor

/// The engine below one cap, and the division of it, as the service joins them.
private actor EngineModel: CapSharing {
    private var shared: SharedCap
    private var demand = 0.0
    private var rate = 0.0
    private(set) var sent = 0.0
    private var seconds = 0.0

    init(cap: Int64) { self.shared = SharedCap(cap: ByteRate(bytesPerSecond: cap)) }

    func want(_ demand: Double) { self.demand = demand }

    private var limit: Double { Double(self.shared.engine(at: self.now).bytesPerSecond) }
    private var now: Instant { Instant(nanoseconds: Int64(self.seconds * 1e9)) }

    private var use: EngineUse {
        EngineUse(
            limit: .bytesPerSecond(Int64(self.limit)), rate: ByteRate(bytesPerSecond: Int64(self.rate)),
            sent: Int64(self.sent), peersWaiting: self.demand > self.limit ? 1 : 0)
    }

    /// Uploads for a moment.
    func run(seconds: Double, to now: Double) {
        let flow = min(self.limit, self.demand)
        self.sent += flow * seconds
        // As `CounterMeter` follows a flow.
        self.rate += (flow - self.rate) * seconds / (seconds + 2)
        self.seconds = now
    }

    func shares(of trackers: [GovernedTracker], used: [CapUse]) -> [UploadLimit] {
        self.shared.divide(
            self.use, instances: used[0].rate, instancesWantMore: used[0].wantsMore, at: self.now)
        return [.atMost(self.shared.instances)] + trackers.dropFirst().map(\.cap)
    }

    func sharesHold() { self.shared.instancesObey() }

    var nextLook: Instant? { self.now.advanced(bySeconds: 1.5) }

    func clientsSent(_ totals: [Int64]) {
        self.shared.observe(self.use, total: totals[0], lent: 0, at: self.now)
    }
}

/// Torrents of a client that obey their limits, and show their rates as libtorrent does.
private struct TorrentsModel {
    var demands: [Double]
    private var shown: [Double]
    private(set) var sent = 0.0
    private var sentUntilPoll = 0.0

    init(count: Int) {
        self.demands = Array(repeating: 0, count: count)
        self.shown = self.demands
    }

    /// Uploads for a moment, below limits by number.
    mutating func run(seconds: Double, below limits: [Double]) {
        for (number, demand) in self.demands.enumerated() {
            let flow = min(demand, limits[number])
            self.sent += flow * seconds
            // Of half a second, four fifths a second.
            self.shown[number] += (flow - self.shown[number]) * (1 - 0.8.squareRoot()) * seconds / 0.5
        }
    }

    /// Lets the client show what was sent since it was polled, once.
    mutating func tell(_ client: ScriptedClient) async {
        let (shown, sent) = (self.shown, (self.sent - self.sentUntilPoll) / Double(self.demands.count))
        await client.script { client in
            for (number, rate) in shown.enumerated() {
                client.setRate(Int64(rate), of: torrent(UInt8(number)))
            }
            client.sentInEachPoll = Int64(sent)
        }
        self.sentUntilPoll = self.sent
    }
}

/// The governor, its client, the engine and their one cap, in time of their own.
private struct SharedWorld {
    let world: World
    let engine: EngineModel
    var torrents: TorrentsModel
    let cap: Int64
    let pollSeconds: Double
    private var limits: [Double]
    private var nextCycle = 0.0
    private var nextLook = 0.0

    init(cap: Int64, torrents count: Int, pollSeconds: Double, strategy: AllocationStrategy) async throws {
        self.cap = cap
        self.pollSeconds = pollSeconds
        self.torrents = TorrentsModel(count: count)
        self.limits = Array(repeating: .infinity, count: count)
        self.engine = EngineModel(cap: cap)
        var configuration = GovernorConfiguration(trackers: [
            GovernedTracker(id: "alpha", cap: limit(cap)), GovernedTracker(id: "rest", cap: .unlimited),
        ])
        configuration.planning.strategy = strategy
        configuration.planning.weighsBursts = strategy == .adaptive
        self.world = try await World(configuration, sharing: self.engine)
        for number in 0..<count {
            await self.world.client.add(torrent(UInt8(number)), trackers: [alphaURL])
        }
    }

    /// Lets time pass; answers what the engine and the client have sent of the cap.
    mutating func run(seconds: Double) async -> (engine: Double, client: Double) {
        let (engineBefore, clientBefore) = (await self.engine.sent, self.torrents.sent)
        let end = self.world.clock.seconds + seconds
        while self.world.clock.seconds < end {
            self.world.clock.seconds += 0.5
            let now = self.world.clock.seconds
            await self.engine.run(seconds: 0.5, to: now)
            self.torrents.run(seconds: 0.5, below: self.limits)
            guard now >= min(self.nextCycle, self.nextLook) else { continue }
            await self.torrents.tell(self.world.client)
            if now >= self.nextCycle {
                self.nextCycle = now + self.pollSeconds
                // A full plan every five minutes would mend everything.
                await self.world.governor.runCycle(.urgent)
                let limits = await self.world.client.limits()
                self.limits = self.limits.indices.map { number in
                    limits[torrent(UInt8(number))]?.rate.map { Double($0.bytesPerSecond) } ?? .infinity
                }
            } else {
                await self.world.governor.look()
            }
            self.nextLook = now + 1.5
        }
        let bytes = Double(self.cap) * seconds
        return (
            (await self.engine.sent - engineBefore) / bytes, (self.torrents.sent - clientBefore) / bytes
        )
    }

    var sumOfLimits: Double { self.limits.reduce(0, +) }
}

@Suite("A cap that the engine and a client use together, over time")
struct SharedCapSimulationTests {
    private func world(_ seed: UInt64, _ random: inout SplitMix64) async throws -> SharedWorld {
        try await SharedWorld(
            cap: [100_000, 1_000_000, 2_000_000, 30_000_000].randomElement(using: &random) ?? 1_000_000,
            torrents: [1, 2, 3, 20].randomElement(using: &random) ?? 1,
            pollSeconds: [1, 5].randomElement(using: &random) ?? 5,
            strategy: [.equal, .weighted, .soft, .adaptive][Int(seed % 4)])
    }

    @Test(
        "Whatever was before: when the engine rests the client has 0.95 of the cap within a minute, and back",
        arguments: 0..<200 as Range<UInt64>)
    func rest(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        var world = try await self.world(seed, &random)
        let cap = Double(world.cap)
        let context: Comment = "\(world.cap) \(world.torrents.demands.count) \(world.pollSeconds)"
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            await world.engine.want([0, cap / 5, cap / 2, 2 * cap].randomElement(using: &random) ?? 0)
            for place in world.torrents.demands.indices {
                world.torrents.demands[place] =
                    [0, cap / 20, cap, 2 * cap].randomElement(using: &random) ?? 0
            }
            _ = await world.run(seconds: Double(Int.random(in: 2...40, using: &random)))
        }
        // Enough torrents want all they can get.
        for place in world.torrents.demands.indices { world.torrents.demands[place] = 2 * cap }
        await world.engine.want(0)
        _ = await world.run(seconds: 60)
        let rest = await world.run(seconds: 10)
        #expect(rest.client >= 0.95 && rest.client <= 1.001, context)
        #expect(world.sumOfLimits <= cap, context)

        await world.engine.want(3 * cap)
        _ = await world.run(seconds: 40)
        let both = await world.run(seconds: 20)
        #expect(both.client >= 0.42 && both.engine >= 0.42, "\(both) \(context)")
        // A twenty-fifth is kept free beside waves.
        #expect(abs(both.client + both.engine - 0.96) < 0.03, "\(both) \(context)")

        for place in world.torrents.demands.indices { world.torrents.demands[place] = 0 }
        _ = await world.run(seconds: 30)
        let alone = await world.run(seconds: 10)
        #expect(alone.engine >= 0.97 && alone.engine <= 1.01, "\(alone) \(context)")
    }
}
