import SwarmTypes
import Testing

@testable import LimitPlanning

private struct SeedTracker: Decodable {
    var id: String
    var cap: Int64
    var priority: Int
}

private struct SeedTorrent: Decodable {
    var hash: String
    var tracker: String
    var upspeed: Int64
    var peers: Int32
}

private struct SeedCase: Decodable {
    var name: String
    var trackers: [SeedTracker]
    var torrents: [SeedTorrent]
    var expect: [String: Int64]
}

/// Every torrent of the files is one that Qguardarr considers: the threshold is 0.
private func settings(_ strategy: AllocationStrategy) -> PlanningSettings {
    var settings = PlanningSettings()
    settings.strategy = strategy
    settings.activeThreshold = .zero
    return settings
}

private func input(_ trackers: [SeedTracker], _ torrents: [SeedTorrent]) -> PlanningInput {
    PlanningInput(
        trackers: trackers.map { GovernedTracker(id: $0.id, cap: limit($0.cap), priority: $0.priority) },
        torrents: torrents.enumerated().map { index, torrent in
            PlanningTorrent(
                key: key(index), tracker: trackers.firstIndex { $0.id == torrent.tracker } ?? -1,
                uploadRate: rate(torrent.upspeed), limit: .unlimited, leeches: torrent.peers)
        })
}

/// Where Qguardarr's sum fits, ours is the same within 1 B/s a torrent; where its floor breaks the cap, ours
/// gives everyone an equal part.
private func compare(_ strategy: AllocationStrategy, _ vector: SeedCase) {
    let input = input(vector.trackers, vector.torrents)
    var state = PlanningState()
    let plan = makePlan(input, settings: settings(strategy), state: &state, scope: .full, at: instant(0))
    let ours = limits(of: input, after: plan)
    for (index, tracker) in vector.trackers.enumerated() {
        let members = input.torrents.indices.filter { input.torrents[$0].tracker == index }
        let theirs = members.map { vector.expect[vector.torrents[$0].hash] ?? 0 }
        guard tracker.cap > 0 else {
            #expect(members.allSatisfy { ours[$0] == .unlimited }, "\(vector.name)")
            continue
        }
        let values = members.compactMap { ours[$0].rate?.bytesPerSecond }
        #expect(values.count == members.count, "\(vector.name)")
        if theirs.reduce(0, +) <= tracker.cap {
            #expect(values.reduce(0, +) == theirs.reduce(0, +), "\(vector.name) \(tracker.id)")
            #expect(zip(values, theirs).allSatisfy { abs($0 - $1) <= 1 }, "\(vector.name) \(tracker.id)")
        } else {
            let part = tracker.cap / Int64(members.count)
            // What an even division leaves over may go to one torrent.
            let largest = part + Int64(members.count)
            #expect(values.allSatisfy { (part...largest) ~= $0 }, "\(vector.name) \(tracker.id)")
            #expect(values.reduce(0, +) <= tracker.cap, "\(vector.name) \(tracker.id)")
        }
    }
}

@Suite("The vectors of the documented strategies")
struct SeedVectorTests {
    @Test("equal")
    func equal() throws {
        for vector: SeedCase in try vectorCases("seed_equal") { compare(.equal, vector) }
    }

    @Test("weighted")
    func weighted() throws {
        for vector: SeedCase in try vectorCases("seed_weighted") { compare(.weighted, vector) }
    }

    @Test("The differential gate")
    func gate() throws {
        struct Case: Decodable {
            var current: Int64
            var new: Int64
            var threshold: Double
            var expect: Bool
        }
        for vector: Case in try vectorCases("seed_needs_update") {
            let gate = DifferentialGate(thresholdThousandths: Int((1000 * vector.threshold).rounded()))
            #expect(
                gate.isWorthwhile(from: limit(vector.current), to: limit(vector.new)) == vector.expect,
                "\(vector)")
        }
    }

    /// The smoothed caps follow the documented formula. Where Qguardarr takes the documented step, ours are the
    /// same; where its gate freezes a step, or it leaves idle trackers out of the pool, ours go on to the
    /// computed caps. The caps in force never add up to more than the base caps.
    @Test("soft")
    func soft() throws {
        struct Case: Decodable {
            struct Cycle: Decodable {
                var torrents: [SeedTorrent]
                var smoothedCaps: [String: Double]
            }
            var name: String
            var trackers: [SeedTracker]
            var cycles: [Cycle]
        }
        for vector: Case in try vectorCases("seed_soft") {
            var model = SoftModel(trackers: vector.trackers.map { ($0.id, $0.cap, $0.priority) })
            var state = PlanningState()
            for (number, cycle) in vector.cycles.enumerated() {
                let input = input(vector.trackers, cycle.torrents)
                let plan = makePlan(
                    input, settings: settings(.soft), state: &state, scope: .full,
                    at: instant(300 * Double(number)))
                let usage = Dictionary(grouping: cycle.torrents, by: \.tracker).mapValues { torrents in
                    torrents.reduce(0) { $0 + $1.upspeed }
                }
                model.step(usage)
                let context: Comment = "\(vector.name) cycle \(number)"
                for (id, cap) in model.smoothed {
                    #expect(abs((state.smoothedCaps[id] ?? 0) - cap) < 1e-3, context)
                }
                for (id, cap) in cycle.smoothedCaps where number == 0 {
                    #expect(abs((state.smoothedCaps[id] ?? 0) - cap) < 1, context)
                }
                let capped = plan.trackers.filter { $0.baseCap != .unlimited }
                let base = capped.reduce(0) { $0 + ($1.baseCap.rate?.bytesPerSecond ?? 0) }
                let effective = capped.reduce(0) { $0 + ($1.effectiveCap.rate?.bytesPerSecond ?? 0) }
                #expect(effective <= base, context)
                #expect(capped.allSatisfy { $0.sumAfter <= $0.effectiveCap }, context)
            }
        }
    }
}

/// The documented smoothing with its faults mended, written a second time: the gate looks at what is left to go,
/// and a tracker without torrents lends.
private struct SoftModel {
    var trackers: [(id: String, cap: Int64, priority: Int)]
    var smoothed: [String: Double] = [:]
    private var settled: Set<String> = []

    init(trackers: [(id: String, cap: Int64, priority: Int)]) {
        self.trackers = trackers.filter { $0.cap > 0 }
    }

    mutating func step(_ usage: [String: Int64]) {
        let used = self.trackers.map { Double(usage[$0.id] ?? 0) }
        let caps = self.trackers.map { Double($0.cap) }
        let pool = zip(caps, used).reduce(0) { $0 + max(0, $1.0 - $1.1) }
        let weights = self.trackers.indices.map {
            Double(self.trackers[$0].priority) * max(0, used[$0] - 0.9 * caps[$0])
        }
        let total = weights.reduce(0, +)
        for (index, tracker) in self.trackers.enumerated() {
            let bonus = total > 0 ? min(pool * weights[index] / total, 0.5 * caps[index]) : 0
            let computed = caps[index] + bonus
            guard let previous = self.smoothed[tracker.id] else {
                self.smoothed[tracker.id] = computed
                self.settled.insert(tracker.id)
                continue
            }
            let isClose = abs(computed - previous) < 0.1 * previous
            if isClose && self.settled.contains(tracker.id) { continue }
            self.smoothed[tracker.id] = isClose ? computed : 0.4 * computed + 0.6 * previous
            if isClose { self.settled.insert(tracker.id) } else { self.settled.remove(tracker.id) }
        }
    }
}
