import Foundation
import LimitPlanning
import SwarmTypes
import Testing

private func adaptive(weighsBursts: Bool) -> PlanningSettings {
    var settings = PlanningSettings()
    settings.strategy = .adaptive
    settings.weighsBursts = weighsBursts
    return settings
}

@Suite("The adaptive strategy in simulated time")
struct SimulationTests {
    /// The study ran two hours with five seeds; half an hour with one seed keeps this test short.
    private func results(_ oversubscription: Oversubscription, weighsBursts: Bool) async -> [(
        DemandPattern, SimulationResult
    )] {
        await withTaskGroup(of: (DemandPattern, SimulationResult).self) { group in
            for pattern in DemandPattern.allCases {
                group.addTask {
                    let tracker = GovernedTracker(id: "", cap: .unlimited, oversubscription: oversubscription)
                    let scenario = pattern.scenario(seed: 1, seconds: 1800, warmUp: 180, tracker: tracker)
                    return (
                        pattern,
                        Simulation(scenario: scenario, settings: adaptive(weighsBursts: weighsBursts)).run()
                    )
                }
            }
            var results: [(DemandPattern, SimulationResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0.rawValue < $1.0.rawValue }
        }
    }

    private func table(_ title: String, _ results: [(DemandPattern, SimulationResult)]) -> String {
        let head =
            "\(title)\nscenario     utilisation  time above  volume above  calls/cycle  most calls  changes\n"
        let lines = results.map { pattern, result in
            String(
                format: "%@ %11.3f %10.2f%% %12.3f%% %12.1f %11d %8d",
                pattern.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0), result.utilisation,
                100 * result.timeAbove, 100 * result.volumeAbove, result.meanCalls, result.mostCalls,
                result.changes)
        }
        return head + lines.joined(separator: "\n")
    }

    private func mean(_ results: [(DemandPattern, SimulationResult)]) -> Double {
        results.reduce(0) { $0 + $1.1.utilisation } / Double(results.count)
    }

    @Test("Strict: most of what the caps allow, and never above them", arguments: [false, true])
    func strict(weighsBursts: Bool) async {
        let results = await self.results(.strict, weighsBursts: weighsBursts)
        print(self.table("strict, mean utilisation \(self.mean(results))", results))
        #expect(self.mean(results) >= 0.89)
        #expect(results.allSatisfy { $0.1.timeAbove == 0 && $0.1.volumeAbove == 0 })
    }

    @Test("A tenth of oversubscription: more, and hardly ever above", arguments: [false, true])
    func guarded(weighsBursts: Bool) async {
        let results = await self.results(.thousandths(1100), weighsBursts: weighsBursts)
        print(self.table("oversubscription 1.1, mean utilisation \(self.mean(results))", results))
        #expect(self.mean(results) >= 0.92)
        #expect(results.allSatisfy { $0.1.timeAbove <= 0.01 })
    }
}
