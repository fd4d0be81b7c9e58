import LimitPlanning
import SwarmTypes
import TestKit
import Testing

@testable import UploadGovernor

private let mine = (1...4).map { torrent(UInt8($0)) }

private func governedWorld(
    _ change: @escaping (inout GovernorConfiguration) -> Void = { $0.onForeignChange = .enforce }
) async throws -> World {
    let world = try await World(someConfiguration(change))
    for id in mine { await world.client.add(id, trackers: [alphaURL], rate: 800_000) }
    await world.cycle()
    return world
}

/// Another hand that sets these limits again after each cycle.
private func contest(_ world: World, _ ids: [TorrentID], cycles: Int) async {
    for cycle in 0..<cycles {
        for id in ids { await world.client.setByHand(limit(50_000 + Int64(cycle % 2)), on: id) }
        await world.cycle(.urgent)
    }
}

@Suite("Two that set the same limits")
struct ContestTests {
    @Test(
        "Limits that another hand sets again and again are left to it, and it is said; the others are governed"
    )
    func oneTorrent() async throws {
        let world = try await governedWorld()
        await contest(world, [mine[0]], cycles: 8)
        #expect(await world.client.limit(of: mine[0]) == limit(50_001))
        await world.client.forgetCalls()
        await contest(world, [mine[0]], cycles: 20)
        #expect(await !world.client.calls.contains { $0.ids.contains(mine[0]) })
        let status = await world.governor.status()
        #expect(status.instances[0].contested == 1)
        #expect(!status.instances[0].isContested)
        let news = world.box.events.compactMap { event -> Int? in
            if case .contested(_, let torrents, _) = event { torrents } else { nil }
        }
        #expect(news == [1])
        // What the other hand gives counts against the cap.
        #expect(await sumOfLimits(world.client, mine) <= 1_000_000)
        await world.client.setByHand(limit(1), on: mine[1])
        await world.cycle(.urgent)
        #expect(await world.client.limit(of: mine[1]) != limit(1))
    }

    @Test("When several torrents are contested the whole instance is left alone")
    func instance() async throws {
        let world = try await governedWorld()
        await contest(world, Array(mine[..<3]), cycles: 8)
        #expect(await world.governor.status().instances[0].isContested)
        await world.client.forgetCalls()
        await world.client.add(torrent(9), trackers: [alphaURL], rate: 100)
        await contest(world, Array(mine[..<3]), cycles: 10)
        #expect(await world.client.calls.isEmpty)
        #expect(world.disk.remembered.values.allSatisfy { !$0.isForeign })
    }

    @Test("Two governors of one client with different caps come to rest", arguments: [true, false])
    func twoGovernors(enforce: Bool) async throws {
        let client = ScriptedClient()
        for id in mine { await client.add(id, trackers: [alphaURL], rate: 800_000) }
        let worlds = [
            try await World(
                someConfiguration { $0.onForeignChange = enforce ? .enforce : .respect }, clients: [client]),
            try await World(
                someConfiguration {
                    $0.onForeignChange = enforce ? .enforce : .respect
                    $0.trackers[0].cap = limit(400_000)
                }, clients: [client]),
        ]
        for _ in 0..<20 { for world in worlds { await world.cycle(.urgent) } }
        await client.forgetCalls()
        for _ in 0..<60 { for world in worlds { await world.cycle(.urgent) } }
        #expect(await client.calls.isEmpty)
        // At least one of them says so.
        var says = 0
        for world in worlds {
            let instance = await world.governor.status().instances[0]
            if instance.isContested || instance.takenOver > 0 { says += 1 }
        }
        #expect(says > 0)
    }

    @Test("When the other hand is quiet Weir goes on, and waits longer each time it begins again")
    func over() async throws {
        let world = try await governedWorld()
        await contest(world, mine, cycles: 8)
        world.clock.seconds += LimitContest.quietSeconds - 60
        await world.cycle(.urgent)
        #expect(await world.governor.status().instances[0].isContested)
        world.clock.seconds += 120
        await world.cycle(.urgent)
        await world.cycle()
        #expect(await !world.governor.status().instances[0].isContested)
        #expect(await world.client.limit(of: mine[0]) == limit(250_000))
        #expect(world.box.events.contains { if case .contestOver = $0 { true } else { false } })

        await contest(world, mine, cycles: 8)
        world.clock.seconds += LimitContest.quietSeconds + 60
        await world.cycle(.urgent)
        #expect(await world.governor.status().instances[0].isContested)
        world.clock.seconds += LimitContest.quietSeconds
        await world.cycle(.urgent)
        #expect(await !world.governor.status().instances[0].isContested)
    }

    @Test("On a command Weir goes on at once, and a rollback reaches contested torrents too")
    func commands() async throws {
        let world = try await governedWorld()
        await contest(world, mine, cycles: 8)
        try await world.governor.setPaused(false)
        await world.cycle()
        #expect(await world.client.limit(of: mine[0]) == limit(250_000))
        await contest(world, mine, cycles: 8)
        #expect(await world.governor.status().instances[0].isContested)
        _ = await world.governor.rollBack()
        #expect(await world.client.limits().values.allSatisfy { $0 == .unlimited })
    }

    @Test(
        "A client that forgets at restarts, a deaf one, and a user who changes a limit now and then are no contest"
    )
    func others() async throws {
        let world = try await governedWorld()
        for _ in 0..<20 {
            await world.client.restart(
                losing: Dictionary(uniqueKeysWithValues: mine.map { ($0, .unlimited) }))
            await world.cycle(.urgent)
        }
        #expect(await world.governor.status().instances[0].contested == 0)
        for _ in 0..<20 {
            world.clock.seconds += 400
            await world.client.setByHand(limit(9), on: mine[0])
            await world.cycle(.urgent)
        }
        #expect(await world.governor.status().instances[0].contested == 0)
        await world.client.script { $0.isDeaf = true }
        for number in 0..<20 {
            await world.client.add(torrent(UInt8(20 + number)), trackers: [alphaURL], rate: 100)
            await world.cycle()
        }
        #expect(await world.governor.status().instances[0].contested == 0)
    }

    @Test("What is remembered of contests is bounded by what is contested", arguments: 0..<200)
    func bounds(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var contest = LimitContest()
        var now = Instant(nanoseconds: 0)
        for _ in 0..<300 {
            now = now.advanced(bySeconds: Double.random(in: 0...120, using: &random))
            let id = torrent(UInt8.random(in: 0...9, using: &random))
            if Bool.random(using: &random) { _ = contest.changed(id, to: limit(1), at: now) }
            contest.saw(id, limit(Int64.random(in: 1...2, using: &random)), at: now)
            _ = contest.settle(at: now)
            #expect(contest.count <= 10)
            #expect(contest.held <= contest.count)
        }
        // In the end it is over, whatever it was.
        for _ in 0..<200 {
            now = now.advanced(bySeconds: 3600)
            _ = contest.settle(at: now)
        }
        #expect(contest.held == 0)
        #expect(contest.count == 0)
    }
}
