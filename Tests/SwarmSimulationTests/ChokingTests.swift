import SwarmCore
import SwarmSimulator
import SwarmTypes
import TestKit
import Testing

@Suite("Choking in a simulated swarm")
struct ChokingTests {
    /// A seed's slot is safe for two minutes at most.
    private static let longestTurn = 120.0

    @Test("A seed's slots go round: nobody waits for more than two rounds of turns", arguments: 0..<5)
    func seedTakesTurns(_ seed: Int) throws {
        let (slots, leeches) = (4, 14)
        let world = SwarmSimulation(pieceCount: 64, blocksPerPiece: 16, seed: UInt64(300 + seed))
        let source = Self.addSource(to: world, slots: slots, start: .everything)
        Self.addLeeches(leeches, to: world, knowing: source)
        let start = world.now
        let seconds = 1500.0
        world.run(seconds: seconds)
        let round = (Double(leeches) / Double(slots)).rounded(.up) * Self.longestTurn
        for leech in world.engines.dropFirst() {
            let times = source.unchokes.filter { $0.host == leech.address.with(port: 0) }.map(\.at)
            let all = [start] + times + [world.now]
            let longest = zip(all, all.dropFirst()).map { $1.seconds(since: $0) }.max() ?? seconds
            #expect(!times.isEmpty, "host \(leech.number) was never unchoked")
            #expect(longest <= 2 * round, "host \(leech.number) waited \(longest) s")
            #expect(leech.payloadReceived > 0, "host \(leech.number)")
        }
        // Who was lucky first does not get more than a few times what the unlucky get.
        let shares = world.engines.dropFirst().map(\.payloadReceived).sorted()
        #expect(try #require(shares.last) <= 6 * (try #require(shares.first)), "\(shares)")
        #expect(source.mostUnchoked <= slots)
    }

    @Test("While it downloads, one slot goes round by lot", arguments: 0..<5)
    func optimisticSlotRotates(_ seed: Int) {
        let world = SwarmSimulation(pieceCount: 64, blocksPerPiece: 16, seed: UInt64(400 + seed))
        var half = Bitfield(count: 64)
        for piece in 0..<32 { half.set(piece) }
        // It gets nothing from anybody: the leeches have less than it has.
        let source = Self.addSource(to: world, slots: 4, start: .pieces(half))
        Self.addLeeches(14, to: world, knowing: source)
        world.run(seconds: 900)
        let lucky = Set(source.unchokes.map(\.host))
        #expect(lucky.count >= 12, "\(lucky.count) of 14 were ever unchoked")
        #expect(source.mostUnchoked <= 4)
    }

    private static func addSource(
        to world: SwarmSimulation, slots: Int, start: EngineHost.Start
    ) -> EngineHost {
        var settings = SwarmSettings()
        settings.uploadSlots = slots
        let source = EngineHost(
            0, in: world, start: start, line: SimulatedLine(up: 100_000), settings: settings)
        world.add(source)
        world.tracker.onlyNames = [source.address]
        return source
    }

    /// They know nobody but the source.
    private static func addLeeches(_ count: Int, to world: SwarmSimulation, knowing source: EngineHost) {
        for _ in 0..<count {
            var settings = SwarmSettings()
            settings.maximumPeers = 1
            let leech = EngineHost(world.hosts.count, in: world, settings: settings)
            leech.isFirewalled = true
            world.add(leech)
        }
    }
}
