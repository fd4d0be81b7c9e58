import StallDiagnosis
import SwarmCore
import SwarmSimulator
import SwarmTypes
import TestKit
import Testing

@Suite("A simulated swarm")
struct SwarmTests {
    @Test("A hundred engines all finish, ask for nothing they have, and leave nothing in flight")
    func hundred() {
        let world = makeWorld(seed: 1)
        let engines = world.addEngines(100, seeds: 2)
        let isDone = world.run(seconds: 600) { engines.allSatisfy(\.core.isComplete) }
        #expect(isDone, "\(engines.count { !$0.core.isComplete }) are not finished")
        world.run(seconds: 10)
        world.expectSound(engines)
        world.expectConserved()
        let leechers = engines.dropFirst(2)
        #expect(leechers.allSatisfy { $0.core.downloaded == world.geometry.totalLength })
    }

    @Test("Peers that know each other from several sides stay connected once, and do not dial on and on")
    func fewDuplicates() {
        let world = SwarmSimulation(pieceCount: 64, blocksPerPiece: 16, seed: 3)
        let engines = world.addEngines(10, seeds: 1)
        world.run(seconds: 900)
        for engine in engines {
            let duplicates = engine.ledger.closures["duplicate_connection"] ?? 0
            #expect(duplicates <= 4 * engines.count, "host \(engine.number) met \(duplicates)")
        }
    }
}
