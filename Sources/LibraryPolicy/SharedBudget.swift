public import SwarmTypes

/// What the two users of a cap do, as measured before each division.
public struct BudgetReading: Hashable, Sendable {
    /// Of the engine, below this cap.
    public var engine: ByteRate
    /// Peers of the engine have asked for data, and wait.
    public var engineWaits: Bool
    /// Of the instances' torrents below this cap, together.
    public var instances: ByteRate
    /// One of them at least fills its limit.
    public var instancesWantMore: Bool

    public init(engine: ByteRate, engineWaits: Bool, instances: ByteRate, instancesWantMore: Bool) {
        self.engine = engine
        self.engineWaits = engineWaits
        self.instances = instances
        self.instancesWantMore = instancesWantMore
    }
}

/// Divides one cap between the engine and the governed instances, anew before each plan of the governor.
///
/// The two shares always add up to the cap. Neither gets less than half of it while it wants more; what one does not want
/// the other has. The engine's bucket hands on at once what it gets; the instances' limits are found by trying, so a
/// share that grew and is not used is taken back, and tried again ever more seldom.
public struct SharedBudget: Hashable, Sendable {
    /// Of the cap, in thousandths: what a side may come to use until the next division.
    private static let marginThousandths: Int64 = 5
    /// The share changes by no less, so that not each reading costs a plan.
    private static let stepThousandths: Int64 = 5
    private static let longestPause = 64
    /// Divisions after which a larger share is judged.
    private static let trialLength = 3

    public private(set) var cap: ByteRate
    /// What the instances may use, all together.
    public private(set) var instances: ByteRate
    /// Divisions until the instances' share is tried larger again.
    private var pause = 0
    private var nextPause = 1
    /// How much of a share the instances use when they want all of it, in thousandths: torrents that leave some of their
    /// limits unused keep it from the others.
    private var yield: Int64 = 1000
    /// What the instances used before their share was made larger.
    private var usedBeforeTrial: Int64 = 0
    /// Divisions until the larger share is judged; 0 when none is being tried.
    private var trialLeft = 0

    /// The instances have all of it at first: they have limits already, and the engine none.
    public init(cap: ByteRate) {
        self.cap = cap
        self.instances = cap
    }

    /// What the engine may use.
    public var engine: ByteRate {
        ByteRate(bytesPerSecond: self.cap.bytesPerSecond - self.instances.bytesPerSecond)
    }

    /// The cap was changed by its owner: the shares keep their proportion.
    public mutating func setCap(_ cap: ByteRate) {
        guard cap != self.cap else { return }
        let part = Double(self.instances.bytesPerSecond) / Double(max(1, self.cap.bytesPerSecond))
        self.cap = cap
        self.instances = ByteRate(
            bytesPerSecond: min(cap.bytesPerSecond, Int64(part * Double(cap.bytesPerSecond))))
        self.trialLeft = 0
    }

    public mutating func divide(_ reading: BudgetReading) {
        let total = self.cap.bytesPerSecond
        let margin = max(1, total * Self.marginThousandths / 1000)
        let engineWants = reading.engineWaits ? total : min(total, reading.engine.bytesPerSecond + 2 * margin)
        let instancesWant = self.wantOfInstances(reading, margin)
        // The engine takes up whatever it gets; it waits for nothing, so all it does not use may go to the others.
        let wanted = reading.engineWaits ? instancesWant : total - engineWants
        let share = max(0, min(max(wanted, 0), max(total / 2, total - engineWants)))
        self.take(share, reading, total)
    }

    /// How much the instances are to have, when the engine wants all it can get.
    private mutating func wantOfInstances(_ reading: BudgetReading, _ margin: Int64) -> Int64 {
        let (used, share) = (reading.instances.bytesPerSecond, self.instances.bytesPerSecond)
        if self.trialLeft > 0 {
            // Limits and rates take their time.
            self.trialLeft -= 1
            guard self.trialLeft == 0 else { return share }
            let didHelp = used >= self.usedBeforeTrial + margin
            self.pause = didHelp ? 0 : self.nextPause
            self.nextPause = didHelp ? 1 : min(Self.longestPause, self.nextPause * 2)
        }
        guard reading.instancesWantMore else {
            self.pause = 0
            return used * 1000 / self.yield + max(margin, 2 * margin - used)
        }
        if share > 0, used > share / 2 { self.yield = min(1000, used * 1000 / share) }
        guard self.pause == 0 else {
            self.pause -= 1
            return share
        }
        self.usedBeforeTrial = used
        self.trialLeft = Self.trialLength
        let grown = max(used + used / 2, share + share / 4) + 8 * margin
        // Who begins to want is given all that is its due; who did not use it lately is tried with less.
        return self.nextPause == 1 ? max(grown, self.cap.bytesPerSecond / 2) : grown
    }

    private mutating func take(_ share: Int64, _ reading: BudgetReading, _ total: Int64) {
        let change = share - self.instances.bytesPerSecond
        let step = max(1, total * Self.stepThousandths / 1000)
        // Small changes are not worth a plan, unless a side is held back by them.
        guard abs(change) >= step || change < 0 && reading.engineWaits && abs(change) * 2 >= step else {
            return
        }
        self.instances = ByteRate(bytesPerSecond: share)
    }
}
