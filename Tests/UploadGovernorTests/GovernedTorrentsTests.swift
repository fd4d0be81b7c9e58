import LimitPlanning
import SwarmTypes
import Testing

@testable import UploadGovernor

@Suite("What is told of governed torrents")
struct GovernedTorrentsTests {
    @Test("Each torrent is told with its tracker, its limit, and why it has it")
    func standings() async throws {
        let world = try await World(someConfiguration())
        await world.client.add(torrent(1), trackers: [alphaURL], rate: 800_000)
        await world.client.add(torrent(2), trackers: [alphaURL], rate: 0)
        await world.cycle()
        var told = await world.governor.torrents().sorted { $0.key < $1.key }
        #expect(told.map(\.key.id) == [torrent(1), torrent(2)].sorted())
        let busy = try #require(told.first { $0.key.id == torrent(1) })
        #expect(busy.standing == .given(.newcomer))
        #expect(busy.limit != .unlimited && busy.original == .unlimited && busy.isCurrent)
        #expect(busy.uploadRate == ByteRate(bytesPerSecond: 800_000))

        // A limit below the cap that somebody sets by hand is the user's own.
        await world.client.setByHand(limit(1000), on: torrent(1))
        await world.cycle()
        told = await world.governor.torrents()
        let own = try #require(told.first { $0.key.id == torrent(1) })
        #expect(own.standing == .userLimit && own.original == nil && own.limit == limit(1000))

        // Of a client that is away the last good list stays, and says so.
        await world.client.script { $0.pollProblem = .unreachable("gone") }
        await world.cycle()
        #expect(await world.governor.torrents().allSatisfy { !$0.isCurrent })
    }

    @Test(
        "The last reason takes no room beside the mark of a user's own limit",
        arguments: ChangeReason.allCases)
    func marks(reason: ChangeReason) {
        for isForeign in [false, true] {
            var entry = LedgerEntry(isForeign: isForeign)
            #expect(entry.lastReason == nil)
            entry.lastReason = reason
            #expect(entry.lastReason == reason && entry.isForeign == isForeign)
            entry.isForeign.toggle()
            #expect(entry.lastReason == reason)
            entry.lastReason = nil
            #expect(entry.isForeign != isForeign)
        }
        #expect(MemoryLayout<LedgerEntry>.size <= 28)
    }
}
