import StallDiagnosis
import SwarmSimulator
import SwarmTypes
import TestKit

/// A reason for which a torrent does not move, as a small world, and what diagnosis must say of it.
struct Cause: CustomStringConvertible, Sendable {
    let name: String
    /// One of them is right.
    let verdicts: Set<VerdictCode>
    /// A peer must be given for this reason.
    let reason: PeerReason?
    let seconds: Double
    /// Builds the world and answers the engine to be diagnosed.
    let build: @Sendable (SwarmSimulation) -> EngineHost

    var description: String { self.name }

    init(
        _ name: String, _ verdicts: Set<VerdictCode>, _ reason: PeerReason? = nil, after seconds: Double,
        _ build: @escaping @Sendable (SwarmSimulation) -> EngineHost
    ) {
        self.name = name
        self.verdicts = verdicts
        self.reason = reason
        self.seconds = seconds
        self.build = build
    }

    func run() -> TorrentVerdict {
        let world = makeWorld(seed: 7)
        let engine = self.build(world)
        world.run(seconds: self.seconds)
        return diagnose(engine.snapshot)
    }

    /// A leecher whose only peers are three hosts of one kind.
    static func among(
        _ oddity: Oddity, _ verdicts: Set<VerdictCode>, _ reason: PeerReason? = nil, after seconds: Double,
        _ change: @escaping @Sendable (SwarmSimulation, EngineHost) -> Void = { _, _ in },
        start: EngineHost.Start = .nothing, encryption: EncryptionPolicy = .prefer
    ) -> Cause {
        Cause("\(oddity.rawValue) for \(Int(seconds)) s, \(encryption)", verdicts, reason, after: seconds) {
            world in
            for _ in 0..<3 { world.add(OddHost(world.hosts.count, in: world, oddity)) }
            let engine = EngineHost(world.hosts.count, in: world, start: start, encryption: encryption)
            change(world, engine)
            world.add(engine)
            return engine
        }
    }

    /// Nobody but the engine.
    static func alone(
        _ name: String, _ verdict: VerdictCode, after seconds: Double = 60,
        start: EngineHost.Start = .nothing,
        isPrivate: Bool = false,
        _ change: @escaping @Sendable (SwarmSimulation, EngineHost) -> Void
    ) -> Cause {
        Cause(name, [verdict], after: seconds) { world in
            let engine = EngineHost(world.hosts.count, in: world, start: start, isPrivate: isPrivate)
            world.add(engine)
            change(world, engine)
            return engine
        }
    }

    static func tracker(
        _ name: String, _ verdict: VerdictCode, _ failure: TrackerFailure, words: String = ""
    ) -> Cause {
        .alone("tracker: \(name)", verdict) { world, _ in
            world.tracker.state = .failing(failure)
            world.tracker.words = words
        }
    }

    /// With one good seed whose torrent never ends so soon.
    static func beside(
        _ name: String, _ verdict: VerdictCode, after seconds: Double,
        _ change: @escaping @Sendable (SwarmSimulation, EngineHost) -> Void
    ) -> Cause {
        Cause(name, [verdict], after: seconds) { world in
            let seed = EngineHost(0, in: world, start: .everything, line: SimulatedLine(up: 20_000))
            world.add(seed)
            let engine = EngineHost(1, in: world)
            world.add(engine)
            change(world, engine)
            return engine
        }
    }

    /// An engine that has everything.
    static func seeding(
        _ name: String, _ verdict: VerdictCode, among oddity: Oddity? = nil, after seconds: Double = 120,
        _ change: @escaping @Sendable (SwarmSimulation, EngineHost) -> Void = { _, _ in }
    ) -> Cause {
        Cause("seeding: \(name)", [verdict], after: seconds) { world in
            if let oddity { for _ in 0..<2 { world.add(OddHost(world.hosts.count, in: world, oddity)) } }
            let engine = EngineHost(world.hosts.count, in: world, start: .everything)
            world.add(engine)
            change(world, engine)
            return engine
        }
    }
}
