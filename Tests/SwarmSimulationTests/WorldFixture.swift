import SwarmCore
import SwarmSimulator
import SwarmTypes
import TestKit
import Testing

/// A small torrent, so that a swarm of it is quick in a debug build.
func makeWorld(pieceCount: Int = 16, blocksPerPiece: Int = 2, seed: UInt64) -> SwarmSimulation {
    // The last piece is short, and its last block too.
    SwarmSimulation(pieceCount: pieceCount, blocksPerPiece: blocksPerPiece, lastLength: 17_000, seed: seed)
}

extension SwarmSimulation {
    var engines: [EngineHost] { self.hosts.compactMap { $0 as? EngineHost } }

    /// Adds engines; the first of them have everything.
    @discardableResult
    func addEngines(_ count: Int, seeds: Int, maximumPeers: Int = 20) -> [EngineHost] {
        (0..<count).map { place in
            var settings = SwarmSettings()
            settings.maximumPeers = maximumPeers
            let line = SimulatedLine(
                up: Double.random(in: 0.5e6..<4e6, using: &self.random),
                delaySeconds: Double.random(in: 0.005..<0.1, using: &self.random))
            let engine = EngineHost(
                self.hosts.count, in: self, start: place < seeds ? .everything : .nothing, line: line,
                settings: settings)
            self.add(engine)
            return engine
        }
    }

    /// What must hold for engines that are finished, whatever happened on the way.
    func expectSound(_ engines: [EngineHost], sourceLocation: SourceLocation = #_sourceLocation) {
        for engine in engines {
            #expect(
                engine.violations.isEmpty, "\(engine.violations.prefix(3))", sourceLocation: sourceLocation)
            let isComplete = engine.core.isComplete
            #expect(isComplete, "host \(engine.number)", sourceLocation: sourceLocation)
            #expect(engine.core.left == 0, sourceLocation: sourceLocation)
            #expect(
                engine.core.requestsInFlight == 0, "host \(engine.number)", sourceLocation: sourceLocation)
            let received = engine.core.downloaded + engine.core.corrupt + engine.core.redundant
            #expect(
                engine.payloadReceived == received, "host \(engine.number)", sourceLocation: sourceLocation)
        }
    }

    /// Once all is quiet, every byte that left a host has come to another, or was lost with its connection.
    func expectConserved(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            self.departedPayload == self.deliveredPayload + self.lostPayload, sourceLocation: sourceLocation)
        let received = self.engines.reduce(0) { $0 + $1.payloadReceived }
        #expect(self.deliveredPayload == received, sourceLocation: sourceLocation)
        let uploaded = self.engines.reduce(0) { $0 + $1.core.uploaded }
        #expect(uploaded + self.orphanedPayload == self.departedPayload, sourceLocation: sourceLocation)
    }
}
