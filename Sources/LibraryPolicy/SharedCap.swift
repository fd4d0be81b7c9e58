public import SwarmTypes

/// What the engine does below one cap, all of it read at one moment.
public struct EngineUse: Hashable, Sendable {
    /// In force.
    public var limit: UploadLimit
    public var rate: ByteRate
    /// Bytes since the start.
    public var sent: Int64
    public var peersWaiting: Int

    public init(limit: UploadLimit, rate: ByteRate, sent: Int64, peersWaiting: Int) {
        self.limit = limit
        self.rate = rate
        self.sent = sent
        self.peersWaiting = peersWaiting
    }
}

/// One cap that the engine and the governed instances use together: who may use how much of it.
///
/// The instances' limits are set by plans, seldom and with a delay; the engine's follows what they leave.
public struct SharedCap: Hashable, Sendable {
    private var budget: SharedBudget
    /// The engine's when nobody knows what the instances send: it gives at once, and takes only when they have given.
    private var certain = ByteRate.zero
    private var remainder: CapRemainder?
    private var allowance: Allowance?

    /// Sent as a whole.
    private static let blockBytes = 16_384.0

    public init(cap: ByteRate) { self.budget = SharedBudget(cap: cap) }

    public var cap: ByteRate { self.budget.cap }
    /// What the instances' limits may add up to.
    public var instances: ByteRate { self.budget.instances }

    /// A configuration was taken over, maybe with another cap.
    public mutating func setCap(_ cap: ByteRate) {
        self.budget.setCap(cap)
        self.certain = min(self.certain, self.budget.engine)
        self.remainder = nil
    }

    /// Before each plan.
    /// - Parameters:
    ///   - instances: what their torrents use.
    ///   - instancesWantMore: one of these at least fills its limit.
    public mutating func divide(
        _ engine: EngineUse, instances: ByteRate, instancesWantMore: Bool, at now: Instant
    ) {
        let isHeldBack = self.isHeldBack(engine, at: now)
        // What torrents show as their rates lags five seconds behind.
        let recent = self.remainder?.recentOthers(at: now) ?? .zero
        let isFilled = 4 * recent.bytesPerSecond >= 3 * self.instances.bytesPerSecond
        self.budget.divide(
            BudgetReading(
                engine: engine.rate, engineWaits: isHeldBack, instances: max(instances, recent),
                instancesWantMore: instancesWantMore || isFilled && recent > .zero))
        self.allowance = Allowance(engine, at: now)
        self.certain = min(self.certain, self.budget.engine)
    }

    /// The limits are in force by which the instances keep to their share.
    public mutating func instancesObey() { self.certain = self.budget.engine }

    /// Nobody could read the instances for long: half is the engine's.
    public mutating func loseInstances() {
        self.certain = max(self.certain, ByteRate(bytesPerSecond: self.cap.bytesPerSecond / 2))
    }

    /// The instances were read.
    /// - Parameters:
    ///   - total: bytes that they have sent since the start.
    ///   - lent: what other caps have lent to this one, or less than zero.
    public mutating func observe(_ engine: EngineUse, total: Int64, lent: Int64, at now: Instant) {
        let isHeldBack = self.isHeldBack(engine, at: now)
        guard self.remainder != nil else {
            self.remainder = CapRemainder(own: engine.sent, others: total, at: now)
            return
        }
        let cap = ByteRate(bytesPerSecond: self.cap.bytesPerSecond + lent)
        self.remainder?.observe(
            own: engine.sent, others: total, cap: cap, wantsMore: isHeldBack, at: now)
    }

    /// What the engine may use: what the instances were seen to leave, and as long as that is not known, what their limits
    /// leave.
    public func engine(at now: Instant) -> ByteRate {
        self.remainder?.rate(cap: self.cap, at: now) ?? self.certain
    }

    /// Whether the engine uses enough of it to look often at what the instances send.
    public func isUsed(by engine: EngineUse) -> Bool {
        engine.peersWaiting > 0 || engine.rate.bytesPerSecond > self.cap.bytesPerSecond / 50
    }

    /// Peers wait, and the limit is the reason: the engine has sent nearly all that it was allowed since the last division.
    /// Now and then one waits for a moment below any limit; and a rate says little when the limit has just changed.
    private mutating func isHeldBack(_ engine: EngineUse, at now: Instant) -> Bool {
        guard engine.limit != .unlimited, var allowance = self.allowance else { return false }
        allowance.extend(engine, to: now)
        self.allowance = allowance
        let sent = Double(engine.sent - allowance.sentBefore)
        return engine.peersWaiting > 0 && sent + Self.blockBytes >= 0.96 * allowance.bytes
            || sent > 0.98 * allowance.bytes
    }
}

/// What the engine was allowed since a division.
private struct Allowance: Hashable, Sendable {
    private(set) var bytes = 0.0
    let sentBefore: Int64
    private var lastAt: Instant

    init(_ engine: EngineUse, at now: Instant) {
        self.sentBefore = engine.sent
        self.lastAt = now
    }

    /// The limit has been in force since the last time.
    mutating func extend(_ engine: EngineUse, to now: Instant) {
        self.bytes += Double(engine.limit.rate?.bytesPerSecond ?? 0) * now.seconds(since: self.lastAt)
        self.lastAt = now
    }
}
