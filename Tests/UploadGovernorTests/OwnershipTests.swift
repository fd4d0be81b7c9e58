import LimitPlanning
import SwarmTypes
import Testing

@testable import UploadGovernor

private func governedWorld(
    _ configuration: GovernorConfiguration = someConfiguration(),
    originals: [UploadLimit] = [.unlimited, .unlimited]
) async throws -> World {
    let world = try await World(configuration)
    for (number, original) in originals.enumerated() {
        await world.client.add(
            torrent(UInt8(number + 1)), trackers: [alphaURL], rate: 800_000, limit: original)
    }
    await world.cycle()
    return world
}

@Suite("Whose limit it is")
struct OwnershipTests {
    @Test("Rollback gives the limit from before the first touch, whatever happened since")
    func originalNotLast() async throws {
        let world = try await governedWorld(originals: [limit(777), .unlimited])
        await world.client.add(torrent(3), trackers: [alphaURL], rate: 800_000)
        await world.cycle()
        let report = await world.governor.rollBack()
        #expect(report.restored == 3)
        #expect(report.remaining == 0)
        let limits = await world.client.limits()
        #expect(limits == [torrent(1): limit(777), torrent(2): .unlimited, torrent(3): .unlimited])
    }

    @Test("A second rollback changes nothing")
    func once() async throws {
        let world = try await governedWorld(originals: [limit(777)])
        _ = await world.governor.rollBack()
        await world.client.setByHand(limit(999), on: torrent(1))
        await world.client.forgetCalls()
        #expect(await world.governor.rollBack().restored == 0)
        #expect(await world.client.calls.isEmpty)
    }

    @Test("After a rollback Weir keeps its hands off until it is resumed, also over a restart")
    func pausedAfterRollback() async throws {
        let world = try await governedWorld()
        _ = await world.governor.rollBack()
        #expect(await world.cycle().outcome == .paused(.rolledBack))
        let second = try await World(someConfiguration(), clients: world.clients, disk: world.disk)
        #expect(await second.cycle().outcome == .paused(.rolledBack))
        try await second.governor.setPaused(false)
        #expect(await second.cycle().outcome == .applied(2))
        #expect(await second.client.limit(of: torrent(1)) == limit(500_000))
    }

    @Test("A rollback that could not reach a client is completed when it is back")
    func completesRollback() async throws {
        let clients = [ScriptedClient(name: "home"), ScriptedClient(name: "colo")]
        let world = try await World(someConfiguration(), clients: clients)
        for client in clients {
            await client.add(torrent(1), trackers: [alphaURL], rate: 800_000, limit: limit(42))
        }
        await world.cycle()
        await clients[1].script { $0.pollProblem = .unreachable("gone") }
        let report = await world.governor.rollBack()
        #expect(report.restored == 1)
        #expect(report.remaining == 1)
        await clients[1].script { $0.pollProblem = nil }
        world.clock.seconds += 120
        await world.cycle()
        #expect(await clients[1].limit(of: torrent(1)) == limit(42))
    }

    @Test("A limit that another hand set is respected, counted and left alone by a rollback")
    func respected() async throws {
        let world = try await governedWorld()
        await world.client.setByHand(limit(123_456), on: torrent(1))
        let report = await world.cycle()
        #expect(report.drift[.respected] == 1)
        #expect(await world.client.limit(of: torrent(1)) == limit(123_456))
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
        #expect(await world.cycle().drift.isEmpty)
        _ = await world.governor.rollBack()
        #expect(await world.client.limit(of: torrent(1)) == limit(123_456))
    }

    @Test("Lifting a respected limit hands the torrent back to Weir")
    func handedBack() async throws {
        let world = try await governedWorld()
        await world.client.setByHand(limit(123_456), on: torrent(1))
        await world.cycle()
        await world.client.setByHand(.unlimited, on: torrent(1))
        await world.cycle()
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
    }

    @Test(
        "A foreign limit above the cap, or none at all, is put right",
        arguments: [limit(5_000_000), .unlimited])
    func neverAboveTheCap(foreign: UploadLimit) async throws {
        let world = try await governedWorld()
        await world.client.setByHand(foreign, on: torrent(1))
        await world.cycle()
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
    }

    @Test("What was lowered elsewhere or lost in a crash is put right at once, not with the next full plan")
    func putRightAtOnce() async throws {
        let world = try await governedWorld(someConfiguration { $0.onForeignChange = .enforce })
        await world.client.setByHand(limit(1_000), on: torrent(1))
        #expect(await world.cycle(.urgent).drift == [.enforced: 1])
        #expect(await world.client.limit(of: torrent(1)) == limit(500_000))
        await world.client.restart(losing: [torrent(1): limit(2_000), torrent(2): limit(3_000)])
        #expect(await world.cycle(.urgent).drift == [.lost: 2])
        #expect(await world.client.limit(of: torrent(1)) == limit(500_000))
        #expect(await world.client.limit(of: torrent(2)) == limit(500_000))
    }

    @Test("With `enforce` every foreign limit is put right and reported")
    func enforced() async throws {
        let world = try await governedWorld(someConfiguration { $0.onForeignChange = .enforce })
        await world.client.setByHand(limit(900_000), on: torrent(1))
        let report = await world.cycle()
        #expect(report.drift[.enforced] == 1)
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
    }

    @Test("A dry run writes nothing by any route")
    func dryRun() async throws {
        let world = try await World(someConfiguration { $0.isDryRun = true })
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000, limit: limit(5_000_000))
        #expect(await world.cycle().outcome == .simulated(1))
        #expect(await world.cycle().outcome == .unchanged)
        #expect(await world.governor.rollBack().isDryRun)
        #expect(await world.governor.resetLimits(everTouched: true, endsClaims: true).isDryRun)
        await world.governor.stop()
        #expect(await world.client.calls.isEmpty)
        #expect(world.disk.batches.isEmpty)
        #expect(world.box.simulated.count == 1)
    }

    @Test("Going live after a dry run applies the limits")
    func dryRunThenLive() async throws {
        let world = try await World(someConfiguration { $0.isDryRun = true })
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        await world.cycle()
        let live = someConfiguration()
        await world.governor.reconfigure(live, matcher: HostMatcher(trackers: live.trackers))
        #expect(await world.cycle().outcome == .applied(1))
    }

    @Test("Lowering the rollout gives the torrents that leave it their original limits back")
    func rollout() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(10), trackers: [alphaURL], rate: 800_000, limit: limit(4242))
        await world.client.add(torrent(80), trackers: [alphaURL], rate: 800_000, limit: limit(4343))
        await world.cycle()
        try await world.governor.setRollout(50)
        await world.cycle()
        #expect(await world.client.limit(of: torrent(80)) == limit(4343))
        #expect(await world.client.limit(of: torrent(10)) == limit(1_000_000))
        let second = try await World(someConfiguration(), clients: world.clients, disk: world.disk)
        #expect(await second.governor.status().configuration.rolloutPercentage == 50)
    }

    @Test("A torrent whose tracker loses its cap gets its original limit back, and the user's own stays")
    func uncapped() async throws {
        let world = try await governedWorld(originals: [limit(777)])
        await world.client.add(
            torrent(5), trackers: ["https://other.example/a"], rate: 9, limit: limit(50_000))
        let open = someConfiguration { $0.trackers[0].cap = .unlimited }
        await world.governor.reconfigure(open, matcher: HostMatcher(trackers: open.trackers))
        await world.cycle()
        #expect(await world.client.limit(of: torrent(1)) == limit(777))
        #expect(await world.client.limit(of: torrent(5)) == limit(50_000))
    }

    @Test("What stays behind when Weir stops is what the policy says", arguments: StopPolicy.allCases)
    func stopPolicies(policy: StopPolicy) async throws {
        let world = try await World(someConfiguration { $0.onStop = policy })
        for number in 1...4 as ClosedRange<UInt8> {
            await world.client.add(torrent(number), trackers: [alphaURL], rate: number == 1 ? 900_000 : 0)
        }
        await world.cycle()
        let before = await world.client.limits()
        await world.governor.stop()
        let after = await world.client.limits()
        switch policy {
        case .keep: #expect(after == before)
        case .restore: #expect(after.values.allSatisfy { $0 == .unlimited })
        case .relax: #expect(after.values.allSatisfy { $0 == limit(250_000) })
        }
    }

    @Test("Stopped torrents get their limits back as well")
    func stoppedTorrents() async throws {
        let world = try await governedWorld(originals: [limit(777)])
        await world.client.add(torrent(1), trackers: [alphaURL], limit: limit(1_000_000), canUpload: false)
        #expect(await world.governor.rollBack().restored == 1)
        #expect(await world.client.limit(of: torrent(1)) == limit(777))
    }

    @Test("A reset removes the limits of what Weir touched, and of nothing else")
    func reset() async throws {
        let world = try await governedWorld(originals: [limit(777)])
        await world.client.add(torrent(5), trackers: ["https://other.example/a"], limit: limit(50_000))
        await world.cycle()
        let report = await world.governor.resetLimits(everTouched: false, endsClaims: false)
        #expect(report.restored == 1)
        #expect(await world.client.limit(of: torrent(1)) == .unlimited)
        #expect(await world.client.limit(of: torrent(5)) == limit(50_000))
        #expect(await world.cycle().outcome == .paused(.reset))
        _ = await world.governor.rollBack()
        #expect(await world.client.limit(of: torrent(1)) == limit(777))
    }
}

@Suite("Cycles")
struct CycleTests {
    @Test("Two cycles asked for at once run one after the other, and the second finds nothing to do")
    func noOverlap() async throws {
        let world = try await World(someConfiguration())
        for number in 1...20 as ClosedRange<UInt8> {
            await world.client.add(torrent(number), trackers: [alphaURL], rate: 50_000)
        }
        let governor = world.governor
        async let first = governor.runCycle(.full)
        async let second = governor.runCycle(.full)
        let outcomes = await [first.outcome, second.outcome]
        #expect(outcomes.contains(.applied(20)))
        #expect(outcomes.contains(.unchanged))
        #expect(world.disk.batches.count == 1)
    }

    @Test("A preview is what the next cycle does, and asks nothing of any client")
    func preview() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        world.disk.failsBegin = true
        await world.cycle()
        let requests = await world.client.requestCount()
        let plan = try #require(await world.governor.preview())
        #expect(await world.client.requestCount() == requests)
        world.disk.failsBegin = false
        let report = await world.cycle()
        #expect(report.plan?.changes == plan.changes)
    }

    @Test("A quiet cycle costs one request")
    func quietCycle() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        await world.cycle()
        let report = await world.cycle()
        #expect(report.outcome == .unchanged)
        #expect(report.requests == 1)
    }

    @Test("A newcomer is limited by an urgent cycle")
    func newcomer() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        await world.cycle()
        await world.client.add(torrent(2), trackers: [alphaURL], rate: 100_000)
        await world.cycle(.urgent)
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
    }
}
