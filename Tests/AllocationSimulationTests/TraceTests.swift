import Foundation
import LimitPlanning
import SwarmTypes
import Testing

private struct Trace: Decodable {
    struct Bounds: Decodable {
        var utilisationMin: Double
        var violationTimeMax: Double
        var overVolumeMax: Double
        var callsPerCycleMax: Int
    }
    var name: String
    var seconds: Double
    var warmupS: Double
    var cap: Int64
    var torrents: Int
    var addedAt: [Double]
    var demandEvents: [[Int64]]
    var pollS: Double
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
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let oversubscription: [String: Oversubscription] = [
            "strict": .strict, "guarded": .thousandths(1250), "statistical": .statistical,
        ]
        var settings = PlanningSettings()
        settings.strategy = .adaptive
        for trace in try decoder.decode(TraceFile.self, from: data).cases {
            let bounds = try #require(trace.expect[mode])
            let tracker = GovernedTracker(
                id: "t", cap: .bytesPerSecond(trace.cap),
                oversubscription: try #require(oversubscription[mode]))
            let scenario = Scenario(
                trackers: [tracker], members: Array(repeating: 0, count: trace.torrents),
                addedAt: trace.addedAt,
                demand: trace.demandEvents.map {
                    DemandEvent(second: Double($0[0]), torrent: Int($0[1]), demand: $0[2])
                },
                seconds: trace.seconds, warmUpSeconds: trace.warmupS)
            // The files' newcomers have no limit until the next poll.
            let result = Simulation(
                scenario: scenario, settings: settings, pollSeconds: trace.pollS,
                limitsNewcomersAtBirth: false
            ).run()
            let figures: Comment =
                "\(trace.name) \(mode): \(result.utilisation) \(result.timeAbove) \(result.volumeAbove) \(result.mostCalls)"
            print(figures.rawValue)
            #expect(result.utilisation >= bounds.utilisationMin, figures)
            #expect(result.timeAbove <= bounds.violationTimeMax, figures)
            #expect(result.volumeAbove <= bounds.overVolumeMax, figures)
            #expect(result.mostCalls <= bounds.callsPerCycleMax, figures)
        }
    }
}
