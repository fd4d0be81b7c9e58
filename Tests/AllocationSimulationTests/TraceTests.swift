import Foundation
import LimitPlanning
import SwarmTypes
import Testing

private struct Trace: Decodable {
    struct Bounds: Decodable {
        var utilisation_min: Double
        var violation_time_max: Double
        var over_volume_max: Double
        var calls_per_cycle_max: Int
    }
    var name: String
    var seconds: Double
    var warmup_s: Double
    var cap: Int64
    var torrents: Int
    var added_at: [Double]
    var demand_events: [[Int64]]
    var poll_s: Double
    var expect: [String: Bounds]
}

private struct TraceFile: Decodable {
    var cases: [Trace]
}

@Suite("The recorded demand traces")
struct TraceTests {
    @Test("A trace stays within its bounds", arguments: ["strict", "guarded", "statistical"])
    func bounds(mode: String) throws {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: tests.appending(path: "LimitPlanningTests/Vectors/trace.json"))
        let oversubscription: [String: Oversubscription] = [
            "strict": .strict, "guarded": .thousandths(1250), "statistical": .statistical,
        ]
        var settings = PlanningSettings()
        settings.strategy = .adaptive
        for trace in try JSONDecoder().decode(TraceFile.self, from: data).cases {
            let bounds = try #require(trace.expect[mode])
            let tracker = GovernedTracker(
                id: "t", cap: .bytesPerSecond(trace.cap), oversubscription: try #require(oversubscription[mode]))
            let scenario = Scenario(
                trackers: [tracker], members: Array(repeating: 0, count: trace.torrents),
                addedAt: trace.added_at,
                demand: trace.demand_events.map {
                    DemandEvent(second: Double($0[0]), torrent: Int($0[1]), demand: $0[2])
                },
                seconds: trace.seconds, warmUpSeconds: trace.warmup_s)
            // The files' newcomers have no limit until the next poll.
            let result = Simulation(
                scenario: scenario, settings: settings, pollSeconds: trace.poll_s, limitsNewcomersAtBirth: false
            ).run()
            let figures: Comment =
                "\(trace.name) \(mode): \(result.utilisation) \(result.timeAbove) \(result.volumeAbove) \(result.mostCalls)"
            print(figures.rawValue)
            #expect(result.utilisation >= bounds.utilisation_min, figures)
            #expect(result.timeAbove <= bounds.violation_time_max, figures)
            #expect(result.volumeAbove <= bounds.over_volume_max, figures)
            #expect(result.mostCalls <= bounds.calls_per_cycle_max, figures)
        }
    }
}
