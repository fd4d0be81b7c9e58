import LimitPlanning
import SwarmTypes
import Testing

@testable import UploadGovernor

/// Two busy torrents of alpha, without limits yet.
private func busyWorld(
    _ configuration: GovernorConfiguration = someConfiguration(), disk: JournalDisk = JournalDisk()
) async throws -> World {
    let world = try await World(configuration, disk: disk)
    for number in 1...2 as ClosedRange<UInt8> {
        await world.client.add(torrent(number), trackers: [alphaURL], rate: 800_000)
    }
    return world
}

@Suite("When something fails")
struct FailureTests {
    @Test("A failed read skips the cycle and changes nothing")
    func readFails() async throws {
        let world = try await busyWorld()
        await world.cycle()
        await world.client.forgetCalls()
        await world.client.script { $0.pollProblem = .unreachable("connection refused") }
        let report = await world.cycle()
        #expect(report.outcome.name == "skipped")
        #expect(report.unread.map(\.name) == ["default"])
        #expect(await world.client.calls.isEmpty)
    }

    @Test("A client that refuses us is asked again at once when somebody resumes")
    func refused() async throws {
        let world = try await busyWorld()
        await world.client.script { $0.pollProblem = .refused("wrong password") }
        #expect(await world.cycle().outcome.name == "skipped")
        await world.client.script { $0.pollProblem = nil }
        #expect(await world.cycle(.urgent).outcome.name == "skipped")
        try await world.governor.setPaused(false)
        #expect(await world.cycle(.urgent).outcome == .applied(2))
    }

    @Test("What the journal could not close is closed as soon as it can, and nothing else happens until then")
    func journalFailsToClose() async throws {
        let world = try await busyWorld()
        world.disk.failsClose = true
        #expect(await world.cycle().outcome.name == "undetermined")
        await world.client.forgetCalls()
        #expect(await world.cycle().outcome == .refused("disk full"))
        world.disk.failsClose = false
        #expect(await world.cycle().outcome == .unchanged)
        #expect(world.disk.open.isEmpty)
        #expect(world.disk.endings.map(\.ending) == [.confirmed, .confirmed])
        #expect(await world.client.calls.isEmpty)
    }

    @Test("A plan that the journal does not take is not sent")
    func journalFails() async throws {
        let world = try await busyWorld()
        world.disk.failsBegin = true
        let report = await world.cycle()
        #expect(report.outcome == .refused("disk full"))
        #expect(await world.client.calls.isEmpty)
        world.disk.failsBegin = false
        #expect(await world.cycle().outcome == .applied(2))
    }

    @Test("An apply that fails half-way leaves its intents open and is repaired by the next cycle")
    func applyFailsHalfWay() async throws {
        let world = try await busyWorld()
        await world.client.add(torrent(3), trackers: [betaURL], rate: 800_000)
        await world.client.script { $0.callProblem = (from: 1, problem: .unreachable("reset")) }
        let report = await world.cycle()
        #expect(report.outcome.name == "undetermined")
        await world.client.script { $0.callProblem = nil }
        world.clock.seconds += 60
        await world.cycle()
        let sum = await sumOfLimits(world.client, [torrent(1), torrent(2)])
        #expect(sum <= 1_000_000)
        #expect(world.disk.open.isEmpty)
    }

    @Test("An answer that got lost counts as done once the limit reads back")
    func lostAnswer() async throws {
        let world = try await busyWorld()
        await world.client.script {
            $0.callProblem = (from: 0, problem: .unreachable("reset"))
            $0.carriesOutFailingCalls = true
        }
        #expect(await world.cycle().outcome == .applied(2))
        #expect(world.disk.remembered.values.allSatisfy { $0.ours == limit(500_000) })
    }

    @Test("A read-back that fails leaves the intents open, and the next poll settles them")
    func readBackFails() async throws {
        let world = try await busyWorld()
        await world.client.script { $0.readProblem = .faulty("truncated") }
        #expect(await world.cycle().outcome == .undetermined(confirmed: 0, open: 2))
        #expect(world.disk.open.count == 2)
        await world.client.script { $0.readProblem = nil }
        world.clock.seconds += 60
        await world.cycle()
        #expect(world.disk.open.isEmpty)
        #expect(world.disk.endings.map(\.ending) == [.confirmed, .confirmed])
    }

    @Test("A client that takes calls without obeying is reported as drifted")
    func deafClient() async throws {
        let world = try await busyWorld()
        await world.client.script { $0.isDeaf = true }
        let report = await world.cycle()
        #expect(report.outcome == .drifted(confirmed: 0, drifted: 2))
        #expect(report.drift[.readBack] == 2)
    }

    @Test("A torrent deleted while a cycle runs costs nobody else their limit")
    func deletedMeanwhile() async throws {
        let world = try await busyWorld()
        await world.client.add(torrent(9), trackers: [alphaURL], rate: 800_000)
        await world.client.script { client in client.vanishBeforeReading = torrent(9) }
        await world.cycle()
        #expect(await sumOfLimits(world.client, [torrent(1), torrent(2)]) <= 1_000_000)
        #expect(world.disk.endings.contains { $0.key.id == torrent(9) && $0.ending == .gone })
    }

    @Test("A failed look-up leaves a torrent with its tracker")
    func lookUpFails() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(1), trackers: [betaURL, alphaURL], rate: 800_000)
        await world.client.script { $0.choice = alphaURL }
        await world.cycle()
        #expect(await world.client.limit(of: torrent(1)) == limit(1_000_000))
        await world.client.script { $0.choiceProblem = .faulty("500") }
        world.clock.seconds += 4000
        await world.cycle()
        #expect(await world.client.limit(of: torrent(1)) == limit(1_000_000))
    }

    @Test("An unreachable client keeps its share of the cap")
    func unreachableKeepsShare() async throws {
        let clients = [ScriptedClient(name: "home"), ScriptedClient(name: "colo")]
        let world = try await World(someConfiguration(), clients: clients)
        for client in clients { await client.add(torrent(1), trackers: [alphaURL], rate: 800_000) }
        await world.cycle()
        #expect(await clients[0].limit(of: torrent(1)) == limit(500_000))
        await clients[1].script { $0.pollProblem = .unreachable("connection refused") }
        await world.cycle()
        let after = await clients[0].limit(of: torrent(1))
        #expect(after == limit(500_000))
    }

    @Test("A client never read since the start counts with the limits that the journal remembers")
    func neverReadKeepsShare() async throws {
        let disk = JournalDisk()
        let clients = [ScriptedClient(name: "home"), ScriptedClient(name: "colo")]
        for client in clients { await client.add(torrent(1), trackers: [alphaURL], rate: 800_000) }
        try await World(someConfiguration(), clients: clients, disk: disk).cycle()
        await clients[1].script { $0.pollProblem = .unreachable("connection refused") }
        await clients[0].setByHand(.unlimited, on: torrent(1))
        let second = try await World(someConfiguration(), clients: clients, disk: disk)
        await second.cycle()
        #expect(await clients[0].limit(of: torrent(1)) == limit(500_000))
    }

    @Test("One client's failure does not stop another's cycle")
    func oneOfTwoFails() async throws {
        let clients = [ScriptedClient(name: "home"), ScriptedClient(name: "colo")]
        let world = try await World(someConfiguration(), clients: clients)
        await clients[0].script { $0.pollProblem = .refused("wrong password") }
        await clients[1].add(torrent(1), trackers: [alphaURL], rate: 800_000)
        #expect(await world.cycle().outcome == .applied(1))
    }

    @Test("Limits that a restart lost are put right in the cycle that notices it")
    func restartLosesLimits() async throws {
        let world = try await busyWorld()
        await world.cycle()
        await world.client.restart(losing: [torrent(1): .unlimited])
        let report = await world.cycle(.urgent)
        #expect(report.drift[.lost] == 1)
        #expect(await world.client.limit(of: torrent(1)) == limit(500_000))
    }

    @Test(
        "A kill between recording and confirming is settled from the client's real state",
        arguments: [true, false])
    func killedBeforeConfirm(wasSent: Bool) async throws {
        let disk = JournalDisk()
        let first = try await busyWorld(disk: disk)
        let key = TorrentKey(instance: InstanceIndex(0), id: torrent(1))
        _ = try ScriptedJournal(disk: disk).begin(
            [LimitChange(key: key, tracker: 0, from: .unlimited, to: limit(500_000), reason: .newcomer)],
            trackerIDs: ["alpha", "beta", "rest"])
        if wasSent { await first.client.setByHand(limit(500_000), on: torrent(1)) }
        let second = try await World(someConfiguration(), clients: first.clients, disk: disk)
        await second.cycle()
        #expect(disk.endings.first?.ending == (wasSent ? .confirmed : .failed))
        let rollback = await second.governor.rollBack()
        #expect(rollback.remaining == 0)
        #expect(await second.client.limits() == [torrent(1): .unlimited, torrent(2): .unlimited])
    }
}

func sumOfLimits(_ client: ScriptedClient, _ ids: [TorrentID]) async -> Int64 {
    var sum: Int64 = 0
    for id in ids { sum += await client.limit(of: id)?.rate?.bytesPerSecond ?? .max / 4 }
    return sum
}
