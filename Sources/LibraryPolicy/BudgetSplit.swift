public import SwarmTypes

/// What one side of a shared cap uses and could use.
public struct BudgetSide: Hashable, Sendable {
    /// As measured.
    public var rate: ByteRate
    /// What it had so far; nil when nothing was shared before.
    public var share: ByteRate?

    public init(rate: ByteRate, share: ByteRate? = nil) {
        self.rate = rate
        self.share = share
    }
}

/// How a cap is divided. The two always add up to the cap.
public struct BudgetShares: Hashable, Sendable {
    public var engine: ByteRate
    public var instances: ByteRate

    public init(engine: ByteRate, instances: ByteRate) {
        self.engine = engine
        self.instances = instances
    }
}

/// Divides a cap between the engine and the governed instances: max-min fair by demand, so that neither gets less than
/// half of the cap while it wants more, and what one leaves the other gets.
///
/// Demand is what a side uses and a margin for what it may come to use until the next division; a side that fills its
/// share wants all there is.
public func split(_ cap: ByteRate, engine: BudgetSide, instances: BudgetSide) -> BudgetShares {
    let total = cap.bytesPerSecond
    let wanted = (demand(of: engine, total), demand(of: instances, total))
    let half = total / 2
    var engineShare: Int64
    if wanted.0 <= half {
        // All that the others do not want is the engine's: its bucket takes up at once what comes.
        engineShare = max(wanted.0, total - max(wanted.1, total - half))
        if wanted.1 < total - engineShare { engineShare = total - wanted.1 }
    } else if wanted.1 <= total - half {
        engineShare = total - wanted.1
    } else {
        engineShare = half
    }
    engineShare = min(max(0, engineShare), total)
    return BudgetShares(
        engine: ByteRate(bytesPerSecond: engineShare),
        instances: ByteRate(bytesPerSecond: total - engineShare))
}

/// A tenth of what it uses and a fiftieth of the cap may come in between.
private func demand(of side: BudgetSide, _ total: Int64) -> Int64 {
    let rate = min(side.rate.bytesPerSecond, total)
    if let share = side.share?.bytesPerSecond, rate >= share - share / 10 { return total }
    return min(total, rate + rate / 10 + total / 50)
}
