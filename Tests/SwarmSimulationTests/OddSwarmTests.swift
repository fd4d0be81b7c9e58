import StallDiagnosis
import SwarmCore
import SwarmSimulator
import SwarmTypes
import TestKit
import Testing

@Suite("A simulated swarm with peers that do wrong")
struct OddSwarmTests {
    @Test("The honest rest finishes, whatever one kind of peer does", arguments: Oddity.allCases)
    func oneKind(_ oddity: Oddity) {
        let world = makeWorld(seed: 11)
        let engines = world.addEngines(8, seeds: 1)
        for _ in 0..<6 { world.add(OddHost(world.hosts.count, in: world, oddity)) }
        let isDone = world.run(seconds: 1800) { engines.allSatisfy(\.core.isComplete) }
        #expect(isDone, "\(engines.count { !$0.core.isComplete }) are not finished")
        world.expectSound(engines)
    }

    @Test(
        "Peers that reject or stall are asked less and less, not in a circle",
        arguments: [Oddity.rejectsAll, .stalls])
    func noCircles(_ oddity: Oddity) {
        let world = makeWorld(seed: 5)
        for _ in 0..<3 { world.add(OddHost(world.hosts.count, in: world, oddity)) }
        let engine = EngineHost(3, in: world)
        world.add(engine)
        world.run(seconds: 600)
        #expect(engine.sentRequests < 600, "\(engine.sentRequests) requests in ten minutes")
    }

    @Test("The honest rest finishes among all kinds at once")
    func allKinds() {
        let world = makeWorld(seed: 12)
        let engines = world.addEngines(12, seeds: 2, maximumPeers: 30)
        for oddity in Oddity.allCases { world.add(OddHost(world.hosts.count, in: world, oddity)) }
        let isDone = world.run(seconds: 3600) { engines.allSatisfy(\.core.isComplete) }
        #expect(isDone, "\(engines.count { !$0.core.isComplete }) are not finished")
        world.expectSound(engines)
    }

    @Test("Everybody finishes beside seeds that send three wrong blocks in ten")
    func liarsAreOvercome() {
        let (world, engines, _) = Self.worldWithLiars(seed: 13)
        let isDone = world.run(seconds: 3600) { engines.allSatisfy(\.core.isComplete) }
        #expect(isDone, "\(engines.count { !$0.core.isComplete }) are not finished")
        world.run(seconds: 10)
        world.expectSound(engines)
    }

    @Test(
        "Seeds that send three wrong blocks in ten are banned, and nobody else", arguments: 20..<30)
    func liarsAreBanned(_ seed: Int) {
        let (world, engines, liars) = Self.worldWithLiars(seed: UInt64(seed))
        world.run(seconds: 3600) { engines.allSatisfy(\.core.isComplete) }
        for engine in engines {
            // Whoever lied to it, and is proved to have: nobody else, and nobody got away.
            #expect(engine.banned == engine.liarsMet, "host \(engine.number)")
        }
        #expect(engines.contains { !$0.banned.isEmpty })
        let numbers = Set(liars.map(\.number))
        #expect(engines.allSatisfy { $0.banned.isSubset(of: numbers) })
    }

    private static func worldWithLiars(seed: UInt64) -> (SwarmSimulation, [EngineHost], [EngineHost]) {
        let world = makeWorld(seed: seed)
        let engines = world.addEngines(20, seeds: 2)
        let liars = world.addEngines(4, seeds: 4)
        for liar in liars { liar.corruptShare = 0.3 }
        return (world, engines, liars)
    }
}
