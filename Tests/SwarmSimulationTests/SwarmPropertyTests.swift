import SwarmCore
import SwarmSimulator
import SwarmTypes
import TestKit
import Testing

@Suite("Properties of simulated swarms of any shape")
struct SwarmPropertyTests {
    @Test(
        "Everybody finishes, the books agree at every second, and end game asks for a block at most three times"
    )
    func books() {
        for seed in UInt64(100)..<160 {
            let world = Self.randomWorld(seed: seed)
            let engines = world.engines
            var discord: [String] = []
            let isDone = world.run(seconds: 3600) {
                for engine in engines { discord += Self.discord(in: engine.core) }
                return engines.allSatisfy(\.core.isComplete)
            }
            #expect(isDone, "seed \(seed): \(engines.count { !$0.core.isComplete }) are not finished")
            #expect(discord.isEmpty, "seed \(seed): \(discord.prefix(3))")
            world.run(seconds: 30)
            world.expectSound(engines)
            world.expectConserved()
        }
    }

    @Test("Among liars of any zeal, whoever lied is banned by those that it lied to, and nobody else")
    func liars() {
        for seed in UInt64(500)..<550 {
            let world = Self.randomWorld(seed: seed)
            let engines = world.engines
            for share in [0.03, 0.5, 1] {
                let liar = EngineHost(world.hosts.count, in: world, start: .everything)
                liar.corruptShare = share
                world.add(liar)
            }
            let isDone = world.run(seconds: 3600) { engines.allSatisfy(\.core.isComplete) }
            #expect(isDone, "seed \(seed): \(engines.count { !$0.core.isComplete }) are not finished")
            for engine in engines {
                #expect(engine.banned == engine.liarsMet, "seed \(seed), host \(engine.number)")
            }
            world.expectSound(engines)
        }
    }

    @Test("Peers that pause, return or leave for ever give back every block, and the others finish")
    func churn() {
        for seed in UInt64(200)..<260 {
            let world = Self.randomWorld(seed: seed)
            let engines = world.engines
            let stable = engines.filter { $0.number < 3 }
            var discord: [String] = []
            for _ in 0..<40 {
                let restless = engines[Int.random(in: 3..<engines.count, using: &world.random)]
                if restless.isRunning { restless.pause() } else { restless.resume() }
                if !restless.isRunning {
                    #expect(
                        restless.core.peerCount == 0 && restless.core.requestsInFlight == 0, "seed \(seed)")
                    #expect(restless.core.requestedBlocks.blocks == 0, "seed \(seed)")
                }
                world.run(seconds: Double.random(in: 0.05..<0.5, using: &world.random))
                for engine in engines { discord += Self.discord(in: engine.core) }
            }
            #expect(discord.isEmpty, "seed \(seed): \(discord.prefix(3))")
            let isDone = world.run(seconds: 3600) { stable.allSatisfy(\.core.isComplete) }
            #expect(isDone, "seed \(seed)")
            world.run(seconds: 30)
            world.expectSound(stable)
        }
    }

    @Test("The same seed gives the same swarm")
    func repeatable() {
        let counts = (0..<2).map { _ in
            let world = Self.randomWorld(seed: 77)
            world.run(seconds: 120)
            return world.eventCount
        }
        #expect(counts[0] == counts[1])
    }

    /// What is wrong with the books of a machine; nothing, if it is right.
    private static func discord(in core: SwarmCore) -> [String] {
        let (counted, blocks) = core.requestedBlocks
        let asked = core.requestsInFlight
        var found: [String] = []
        if asked != counted { found.append("\(asked) requests are out, the picker counts \(counted)") }
        if asked > 3 * blocks { found.append("\(asked) requests for \(blocks) blocks") }
        if blocks > asked { found.append("\(blocks) blocks are taken for asked, with \(asked) requests") }
        return found
    }

    /// Few hosts of any kind, each with so many connections that the swarm cannot fall apart.
    private static func randomWorld(seed: UInt64) -> SwarmSimulation {
        var random = SplitMix64(seed: seed)
        let world = makeWorld(
            pieceCount: .random(in: 3...20, using: &random),
            blocksPerPiece: .random(in: 1...5, using: &random),
            seed: seed)
        let count = Int.random(in: 6...12, using: &random)
        let seeds = Int.random(in: 1...2, using: &random)
        world.tracker.answerLimit = Int.random(in: 2...count, using: &random)
        world.tracker.intervalSeconds = 60
        for number in 0..<count {
            var settings = SwarmSettings()
            settings.maximumPeers = Int.random(in: count / 2 + 1...count, using: &random)
            settings.uploadSlots = Bool.random(using: &random) ? nil : .random(in: 1...4, using: &random)
            settings.isSequential = Int.random(in: 0..<5, using: &random) == 0
            let line = SimulatedLine(
                up: .random(in: 3e4..<4e6, using: &random), down: .random(in: 1e5..<2e7, using: &random),
                delaySeconds: .random(in: 0.001..<0.3, using: &random),
                lossShare: .random(in: 0..<0.05, using: &random))
            let engine = EngineHost(
                number, in: world, start: number < seeds ? .everything : .nothing, line: line,
                settings: settings,
                encryption: [.off, .prefer, .require][number % 3])
            engine.supportsFast = Int.random(in: 0..<3, using: &random) > 0
            // Those that speak to both sorts can be reached by both.
            let isBridge = engine.encryption == .prefer
            engine.isFirewalled = Int.random(in: 0..<4, using: &random) == 0 && number >= seeds && !isBridge
            world.add(engine)
        }
        return world
    }
}
