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
/// the other has. The instances' limits add up to their share; the engine, which follows what they really send
/// (`CapRemainder`), has all the rest at any moment. So a share that is not used costs nobody anything, but it may be used
/// all of a sudden: while the engine wants it, it is kept near what is used, and grows step by step.
public struct SharedBudget: Hashable, Sendable {
    /// Of the cap, in thousandths: what the engine may come to use until the next division, and what the instances' limiters
    /// let through beyond what they say for ten seconds on end.
    private static let marginThousandths: Int64 = 40
    /// The share changes by no less, so that not each reading costs a plan.
    private static let stepThousandths: Int64 = 10
    /// In one division the share grows by so much, which the engine can make up for within an average over ten seconds.
    private static let growthThousandths: Int64 = 100
    /// The engine rests when it uses no more.
    private static let restThousandths: Int64 = 20
    /// What the engine is given more when it waits, twice as much in each division for which it goes on: while it has little
    /// at once, else from the sixth on, for then it may wait for the swings only.
    private static let yieldThousandths: Int64 = 20
    private static let longestWait = 10
    /// Of the last reading, in the mean of what the engine uses.
    private static let useWeight = 0.3
    /// Of the cap: where less is used, the instances' share may grow by all that is not.
    private static let fullThousandths: Int64 = 955

    public private(set) var cap: ByteRate
    /// What the instances may use, all together.
    public private(set) var instances: ByteRate
    /// Divisions in a row for which the engine has waited.
    private var engineWaited = 0
    /// What the engine uses, over some divisions.
    private var engineUse: Double?

    /// The instances have all of it at first: they have limits already, and the engine none.
    public init(cap: ByteRate) {
        self.cap = cap
        self.instances = cap
    }

    /// What is the engine's when nobody knows what the instances send.
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
    }

    public mutating func divide(_ reading: BudgetReading) {
        let (share, total) = (self.instances.bytesPerSecond, self.cap.bytesPerSecond)
        let used = self.meanUse(reading)
        let theirs = self.wantOfInstances(reading)
        self.engineWaited = reading.engineWaits ? min(self.engineWaited + 1, Self.longestWait) : 0
        let engineWants = reading.engineWaits ? self.wantOfWaitingEngine(used) : used + self.margin
        let left = total - min(total, engineWants)
        var wanted = max(theirs, left)
        if reading.engineWaits {
            wanted = self.isSure ? min(theirs, max(total / 2, left)) : min(theirs, share)
        } else if used > self.part(Self.restThousandths) {
            let unused = self.part(Self.fullThousandths) - used - reading.instances.bytesPerSecond
            let growth = max(self.part(Self.growthThousandths), unused)
            wanted = min(wanted, max(total / 2, left), share + growth)
        }
        self.take(min(max(0, wanted), total))
    }

    /// Peers ask as they like, and a share that followed each of their whims would never rest.
    private mutating func meanUse(_ reading: BudgetReading) -> Int64 {
        let now = Double(reading.engine.bytesPerSecond)
        let before = self.engineUse ?? now
        let isJump = abs(now - before) > Double(self.part(Self.growthThousandths))
        let mean = isJump ? now : before + Self.useWeight * (now - before)
        self.engineUse = mean
        return Int64(mean)
    }

    /// While it has a good part, one moment of waiting is no reason to take something from the others.
    private var isSure: Bool {
        self.engineWaited > 1 || self.engine.bytesPerSecond < self.cap.bytesPerSecond / 3
    }

    /// The engine that waits is given a little more first, for it waits now and then when the instances' limiters swing.
    private func wantOfWaitingEngine(_ used: Int64) -> Int64 {
        let share = self.engine.bytesPerSecond
        let doublings = share < self.cap.bytesPerSecond / 3 ? self.engineWaited - 1 : self.engineWaited - 5
        return max(used, share) + self.part(Self.yieldThousandths) << Int64(max(0, doublings))
    }

    /// How much the instances are to have, whatever the engine wants: never so little that they could not begin.
    private func wantOfInstances(_ reading: BudgetReading) -> Int64 {
        let (used, share) = (reading.instances.bytesPerSecond, self.instances.bytesPerSecond)
        // What is far from used helps nobody, also when one torrent fills its limit.
        guard used >= share / 2 else { return used + used / 4 + 2 * self.step }
        let growth = self.part(Self.growthThousandths)
        return max(2 * self.step, reading.instancesWantMore ? share + growth : share)
    }

    private func part(_ thousandths: Int64) -> Int64 { 1 + self.cap.bytesPerSecond / 1000 * thousandths }
    private var margin: Int64 { self.part(Self.marginThousandths) }
    private var step: Int64 { self.part(Self.stepThousandths) }

    private mutating func take(_ share: Int64) {
        // Small changes are not worth a plan.
        guard abs(share - self.instances.bytesPerSecond) >= self.step else { return }
        self.instances = ByteRate(bytesPerSecond: share)
    }
}
