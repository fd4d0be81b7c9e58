import LimitPlanning
import SwarmTypes

/// What a run came to, over all its capped trackers and after the warm-up.
struct SimulationResult {
    private(set) var delivered = 0.0
    private(set) var deliverable = 0.0
    private(set) var above = 0.0
    private(set) var capacity = 0.0
    private(set) var steps = 0
    private(set) var stepsAbove = 0
    var cycles = 0
    var calls = 0
    var mostCalls = 0
    var changes = 0

    /// What was delivered within the caps, of what could have been.
    var utilisation: Double { self.deliverable > 0 ? self.delivered / self.deliverable : 1 }
    /// The part of the time in which a tracker was more than 1 % above its cap.
    var timeAbove: Double { self.steps > 0 ? Double(self.stepsAbove) / Double(self.steps) : 0 }
    /// What was delivered above the caps, of the caps.
    var volumeAbove: Double { self.capacity > 0 ? self.above / self.capacity : 0 }
    var meanCalls: Double { self.cycles > 0 ? Double(self.calls) / Double(self.cycles) : 0 }

    mutating func count(rates: [Int64], demands: [Int64], caps: [Int64]) {
        self.steps += 1
        var isAbove = false
        for (rate, (demand, cap)) in zip(rates, zip(demands, caps)) {
            self.delivered += Double(min(rate, cap))
            self.deliverable += Double(min(demand, cap))
            self.above += Double(max(0, rate - cap))
            self.capacity += Double(cap)
            if Double(rate) > 1.01 * Double(cap) { isAbove = true }
        }
        if isAbove { self.stepsAbove += 1 }
    }
}

/// Runs the planner against a simulated client, in virtual time.
struct Simulation {
    var scenario: Scenario
    var settings: PlanningSettings
    var pollSeconds = 5.0
    /// Whether a new torrent is planned for as soon as it is added, before it uploads.
    var limitsNewcomersAtBirth = true

    func run() -> SimulationResult {
        let scenario = self.scenario
        var client = SimulatedClient(torrents: scenario.members.count)
        var result = SimulationResult()
        var state = PlanningState()
        var input = PlanningInput(trackers: scenario.trackers, torrents: [])
        let caps = scenario.trackers.map { $0.cap.rate?.bytesPerSecond ?? 0 }
        var demands = Array(repeating: Int64(0), count: caps.count)
        var nextEvent = 0
        let steps = Int(scenario.seconds / SimulatedClient.stepSeconds)
        let pollSteps = Int(self.pollSeconds / SimulatedClient.stepSeconds)

        for step in 0..<steps {
            let second = Double(step) * SimulatedClient.stepSeconds
            let known = input.torrents.count
            while input.torrents.count < scenario.members.count,
                scenario.addedAt[input.torrents.count] <= second
            {
                input.torrents.append(self.torrent(input.torrents.count))
            }
            while nextEvent < scenario.demand.count, scenario.demand[nextEvent].second <= second {
                let event = scenario.demand[nextEvent]
                client.want(event.demand, torrent: event.torrent)
                nextEvent += 1
            }
            let isBirth = self.limitsNewcomersAtBirth && input.torrents.count > known
            if step % pollSteps == 0 || isBirth {
                self.cycle(&input, &client, &state, second, &result)
            }

            var rates = Array(repeating: Int64(0), count: caps.count)
            client.advance(torrents: 0..<input.torrents.count, members: scenario.members, rates: &rates)
            guard second >= scenario.warmUpSeconds else { continue }
            for tracker in demands.indices { demands[tracker] = 0 }
            for torrent in input.torrents.indices {
                demands[scenario.members[torrent]] += client.demands[torrent]
            }
            result.count(rates: rates, demands: demands, caps: caps)
        }
        return result
    }

    private func torrent(_ index: Int) -> PlanningTorrent {
        PlanningTorrent(
            key: torrentKey(index), tracker: self.scenario.members[index], uploadRate: .zero,
            limit: .unlimited)
    }

    private func cycle(
        _ input: inout PlanningInput, _ client: inout SimulatedClient, _ state: inout PlanningState,
        _ second: Double, _ result: inout SimulationResult
    ) {
        for index in input.torrents.indices {
            input.torrents[index].uploadRate = ByteRate(bytesPerSecond: client.reading(index))
        }
        let now = Instant(nanoseconds: 0).advanced(bySeconds: second)
        let plan = makePlan(input, settings: self.settings, state: &state, scope: .full, at: now)
        for change in plan.changes {
            let index = torrentIndex(change.key)
            client.limit(index, to: change.to)
            input.torrents[index].limit = change.to
        }
        guard second >= self.scenario.warmUpSeconds else { return }
        result.cycles += 1
        result.calls += plan.calls.count
        result.mostCalls = max(result.mostCalls, plan.calls.count)
        result.changes += plan.changes.count
    }
}

/// Keys in the order of the torrents' numbers.
func torrentKey(_ index: Int) -> TorrentKey {
    let bytes = (0..<TorrentID.byteCount).map {
        UInt8(truncatingIfNeeded: $0 < 16 ? 0 : index >> (8 * (19 - $0)))
    }
    guard let id = TorrentID(bytes: bytes) else { preconditionFailure("20 bytes make an ID") }
    return TorrentKey(instance: InstanceIndex(0), id: id)
}

func torrentIndex(_ key: TorrentKey) -> Int {
    key.id.bytes.suffix(4).reduce(0) { $0 << 8 | Int($1) }
}
