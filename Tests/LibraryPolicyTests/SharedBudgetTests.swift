import LibraryPolicy
import SwarmTypes
import TestKit
import Testing

/// The two users of a cap: the instances use what their limits let through, and only four fifths of that where many torrents
/// share them; the engine takes what they leave.
private struct Users {
    var engineDemand: Int64 = 0
    var instancesDemand: Int64 = 0
    var efficiency = 1.0
    var engine: Int64 = 0
    var instances: Int64 = 0

    mutating func use(_ budget: SharedBudget) -> BudgetReading {
        let share = Double(budget.instances.bytesPerSecond) * self.efficiency
        self.instances = min(self.instancesDemand, Int64(share))
        self.engine = min(self.engineDemand, budget.cap.bytesPerSecond - self.instances)
        return BudgetReading(
            engine: ByteRate(bytesPerSecond: self.engine), engineWaits: self.engineDemand > self.engine,
            instances: ByteRate(bytesPerSecond: self.instances),
            instancesWantMore: self.instancesDemand > self.instances)
    }
}

@Suite("One cap for the engine and the instances")
struct SharedBudgetTests {
    @Test("The shares add up to the cap, whatever is measured", arguments: 0..<300 as Range<UInt64>)
    func sum(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let cap = Int64.random(in: 1...1 << 40, using: &random)
        var budget = SharedBudget(cap: ByteRate(bytesPerSecond: cap))
        for _ in 0..<200 {
            if Int.random(in: 0..<20, using: &random) == 0 {
                budget.setCap(ByteRate(bytesPerSecond: Int64.random(in: 1...1 << 40, using: &random)))
            }
            let total = budget.cap.bytesPerSecond
            budget.divide(
                BudgetReading(
                    engine: ByteRate(bytesPerSecond: Int64.random(in: 0...2 * total, using: &random)),
                    engineWaits: Bool.random(using: &random),
                    instances: ByteRate(bytesPerSecond: Int64.random(in: 0...2 * total, using: &random)),
                    instancesWantMore: Bool.random(using: &random)))
            #expect(budget.engine.bytesPerSecond + budget.instances.bytesPerSecond == total)
        }
    }

    @Test(
        "With demand that moves, the engine has 0.98 of what is its due, and neither starves",
        arguments: 0..<200 as Range<UInt64>)
    func demand(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let cap: Int64 = 10_000_000
        var budget = SharedBudget(cap: ByteRate(bytesPerSecond: cap))
        var users = Users()
        users.efficiency = [1.0, 0.95, 0.8][Int(seed % 3)]
        for _ in 0..<5 {
            users.engineDemand = [0, cap / 10, cap / 2, cap, 3 * cap].randomElement(using: &random) ?? 0
            users.instancesDemand =
                [0, cap / 20, cap / 3, cap, 2 * cap].randomElement(using: &random) ?? 0
            // A minute and a half to find the balance.
            for _ in 0..<18 { budget.divide(users.use(budget)) }
            var (engine, instances): (Int64, Int64) = (0, 0)
            for _ in 0..<36 {
                budget.divide(users.use(budget))
                #expect(users.engine + users.instances <= cap)
                engine += users.engine
                instances += users.instances
            }
            let (engineRate, instancesRate) = (engine / 36, instances / 36)
            // To use so much, the instances need a larger share.
            let needed = Int64(Double(users.instancesDemand) / users.efficiency)
            let due = min(users.engineDemand, max(cap / 2, cap - needed))
            #expect(Double(engineRate) >= 0.98 * Double(due), "\(users), \(budget)")
            let others = min(users.instancesDemand, max(cap / 2, cap - users.engineDemand))
            #expect(
                Double(instancesRate) >= 0.85 * users.efficiency * Double(others), "\(users), \(budget)")
        }
    }

    @Test("Whoever begins to want gets half within half a minute")
    func growth() {
        let cap: Int64 = 1_000_000
        for engineIsFirst in [true, false] {
            var budget = SharedBudget(cap: ByteRate(bytesPerSecond: cap))
            var users = Users()
            users.engineDemand = engineIsFirst ? 2 * cap : 0
            users.instancesDemand = engineIsFirst ? 0 : 2 * cap
            for _ in 0..<20 { budget.divide(users.use(budget)) }
            #expect(users.engine + users.instances >= cap * 97 / 100)
            users.engineDemand = 2 * cap
            users.instancesDemand = 2 * cap
            for _ in 0..<6 { budget.divide(users.use(budget)) }
            #expect(min(users.engine, users.instances) >= cap * 45 / 100, "\(users)")
        }
    }

    @Test("Steady use changes no share: no plan is made for nothing")
    func steadiness() {
        var budget = SharedBudget(cap: ByteRate(bytesPerSecond: 1_000_000))
        var users = Users(engineDemand: 200_000, instancesDemand: 300_000)
        for _ in 0..<10 { budget.divide(users.use(budget)) }
        let before = budget.instances
        for _ in 0..<50 { budget.divide(users.use(budget)) }
        #expect(budget.instances == before)
    }
}
