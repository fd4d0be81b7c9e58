import LimitPlanning
import SwarmTypes
import Testing

@testable import UploadGovernor

/// Leaves the clients what it is told, and remembers what it hears.
private actor ScriptedSharing: CapSharing {
    var shares: [UploadLimit] = []
    private(set) var heard: [[CapUse]] = []
    private(set) var heldCount = 0

    func leave(_ shares: [UploadLimit]) { self.shares = shares }

    func shares(of trackers: [GovernedTracker], used: [CapUse]) -> [UploadLimit] {
        self.heard.append(used)
        return self.shares
    }

    func sharesHold() { self.heldCount += 1 }

    private(set) var nextLook: Instant?

    func look(at time: Instant?) { self.nextLook = time }

    private(set) var sent: [[Int64]] = []

    func clientsSent(_ totals: [Int64]) { self.sent.append(totals) }
}

@Suite("A cap that somebody else uses too")
struct CapSharingTests {
    private func world(_ sharing: ScriptedSharing) async throws -> World {
        let world = try await World(someConfiguration(), sharing: sharing)
        for number in 1...2 {
            await world.client.add(torrent(UInt8(number)), trackers: [alphaURL], rate: 800_000)
        }
        return world
    }

    private func sum(_ world: World) async -> Int64 {
        await world.client.limits().values.reduce(0) { $0 + ($1.rate?.bytesPerSecond ?? .max / 4) }
    }

    @Test("The clients' limits add up to what is left to them, and who shares hears when they hold")
    func shares() async throws {
        let sharing = ScriptedSharing()
        await sharing.leave([limit(400_000), limit(2_000_000), .unlimited])
        let world = try await self.world(sharing)
        #expect(await world.cycle().outcome == .applied(2))
        #expect(await self.sum(world) == 400_000)
        #expect(await sharing.heldCount == 1)
        let heard = await sharing.heard
        #expect(heard.first?.map(\.rate.bytesPerSecond) == [1_600_000, 0, 0])
        #expect(heard.first?.map(\.wantsMore) == [true, false, false])
    }

    @Test("A share that shrinks is kept at once, and one that grows is given between full plans too")
    func changes() async throws {
        let sharing = ScriptedSharing()
        await sharing.leave([limit(800_000), limit(2_000_000), .unlimited])
        let world = try await self.world(sharing)
        await world.cycle()
        await sharing.leave([limit(200_000), limit(2_000_000), .unlimited])
        await world.cycle(.urgent)
        #expect(await self.sum(world) == 200_000)
        await sharing.leave([limit(900_000), limit(2_000_000), .unlimited])
        #expect(await world.cycle(.urgent).outcome == .applied(2))
        #expect(await self.sum(world) == 900_000)
        #expect(await world.cycle(.urgent).outcome == .unchanged)
    }

    @Test("A share that was cut for a moment is given back, also in steps too small for each torrent")
    func regrowth() async throws {
        let sharing = ScriptedSharing()
        await sharing.leave([limit(980_000), limit(2_000_000), .unlimited])
        let world = try await self.world(sharing)
        await world.cycle()
        for share: Int64 in [600_000, 680_000, 760_000, 840_000, 920_000, 980_000] {
            await sharing.leave([limit(share), limit(2_000_000), .unlimited])
            await world.cycle(.urgent)
            #expect(await self.sum(world) == share)
        }
    }

    @Test("A share that nobody fills is no reason for a plan, and one that could not be given is given later")
    func needlessness() async throws {
        let sharing = ScriptedSharing()
        await sharing.leave([limit(400_000), limit(2_000_000), .unlimited])
        let world = try await self.world(sharing)
        await world.cycle()
        for number in 1...2 { await world.client.setRate(100_000, of: torrent(UInt8(number))) }
        await sharing.leave([limit(900_000), limit(2_000_000), .unlimited])
        #expect(await world.cycle(.urgent).outcome == .unchanged)

        await world.client.setRate(190_000, of: torrent(1))
        await world.client.script { $0.callProblem = (0, .faulty("busy")) }
        await world.cycle(.urgent)
        #expect(await self.sum(world) == 400_000)
        await world.client.script { $0.callProblem = nil }
        await world.cycle(.urgent)
        #expect(await self.sum(world) == 900_000)
    }

    @Test("Limits that could not be set are not said to hold; a preview asks nobody")
    func failures() async throws {
        let sharing = ScriptedSharing()
        await sharing.leave([limit(400_000), limit(2_000_000), .unlimited])
        let world = try await self.world(sharing)
        await world.client.script { $0.callProblem = (0, .unreachable("gone")) }
        await world.cycle()
        #expect(await sharing.heldCount == 0)
        let asked = await sharing.heard.count
        _ = await world.governor.preview()
        #expect(await sharing.heard.count == asked)
    }

    @Test("What clients have sent is told once for each poll, by tracker, and not while one cannot be read")
    func sent() async throws {
        let sharing = ScriptedSharing()
        let world = try await self.world(sharing)
        await world.client.add(torrent(3), trackers: [betaURL], rate: 500)
        await world.client.script { $0.sentInEachPoll = 1_000 }
        await world.cycle()
        await world.governor.look()
        await world.governor.look()
        #expect(await sharing.sent.last == [6_000, 3_000, 0])
        let told = await sharing.sent.count
        await world.client.script { $0.pollProblem = .unreachable("gone") }
        await world.governor.look()
        #expect(await sharing.sent.count == told)
        // A new configuration counts anew: its trackers may stand in other places.
        await world.client.script { $0.pollProblem = nil }
        await world.governor.reconfigure(
            someConfiguration(), matcher: HostMatcher(trackers: someConfiguration().trackers))
        await world.cycle()
        #expect((await sharing.sent.last?.max() ?? .max) <= 2_000)
    }
}
