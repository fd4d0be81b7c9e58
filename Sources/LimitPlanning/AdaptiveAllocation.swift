/// What bounds one tracker in one cycle, in bytes per second.
struct AdaptiveBounds: Hashable {
    /// What the measured uploads may add up to.
    var cap: Int64
    /// The same less margin and debt (see `MeasuredBudget`); the cap itself when strict.
    var measured: Int64
    /// What the limits may add up to; nil for no bound. At least 1 B/s a torrent.
    var limits: Int64?
    /// Whether the limits may not add up to more than the cap.
    var isStrict: Bool
    /// Whether what torrents hold beyond their needs is taken back as soon as it is worth a fiftieth of the cap.
    var takesBack = false
}

/// One tracker's cycle: max-min fair on the demands, changed as little as the bounds allow.
///
/// Whatever the readings, the limits add up to at most `bounds.limits` and each is at least 1 B/s.
struct AdaptiveAllocation {
    /// The share that is right for each torrent.
    private(set) var targets: [Int64]
    /// The limit each torrent is to have: the target, or its present limit where that does no harm.
    private(set) var limits: [Int64]
    private let readings: [AdaptiveReading]
    private let demands: [AdaptiveDemand]
    private let bounds: AdaptiveBounds

    init(_ readings: [AdaptiveReading], _ demands: [AdaptiveDemand], bounds: AdaptiveBounds) {
        self.readings = readings
        self.demands = demands
        self.bounds = bounds
        self.targets = Self.fill(readings, demands, bounds)
        self.limits = []
        if !bounds.isStrict { self.holdMeasured() }
        for index in self.targets.indices {
            self.targets[index] = min(max(1, self.targets[index]), RateBounds.plannable)
        }
        self.applyLazily()
        self.fitBound()
    }

    /// The water level over the wants. If everything fits, what is left goes to the hungry ones.
    private static func fill(
        _ readings: [AdaptiveReading], _ demands: [AdaptiveDemand], _ bounds: AdaptiveBounds
    ) -> [Int64] {
        guard let capacity = bounds.limits else {
            return demands.map { $0.isHungry ? 4 * RateBounds.rate : $0.need }
        }
        // One more than the capacity is as good as infinite, and adds up without overflow.
        let infinite = capacity + 1
        let isAnyoneHungry = demands.contains { $0.isHungry && $0.wantsAll }
        func level(hungryWantAll: Bool) -> Int64? {
            let idle =
                readings.firstIndex { $0.rate == 0 && $0.restored == nil }.map { demands[$0].want } ?? 0
            var idleCount = 0
            var wants: [Int64] = []
            for (reading, demand) in zip(readings, demands) {
                if reading.rate == 0, reading.restored == nil {
                    idleCount += 1
                } else {
                    wants.append(
                        hungryWantAll && demand.isHungry && demand.wantsAll
                            ? infinite : min(demand.want, infinite))
                }
            }
            return waterLevel(wants, and: idleCount, of: idle, within: capacity)
        }

        if let level = level(hungryWantAll: false) { return demands.map { min($0.want, level) } }
        guard isAnyoneHungry, let level = level(hungryWantAll: true) else { return demands.map(\.want) }
        return demands.map { $0.isHungry && $0.wantsAll ? level : min($0.want, level) }
    }

    /// Holds what is measured under the budget: the hungry ones, and those who upload more than their part.
    private mutating func holdMeasured() {
        let expected = self.targets.indices.map { index in
            self.demands[index].isHungry ? self.targets[index] : self.readings[index].rate
        }
        let infinite = self.bounds.measured + 1
        guard
            let filled = waterLevel(
                expected.filter { $0 > 0 }.map { min($0, infinite) }, within: self.bounds.measured)
        else { return }
        let level = max(1, filled)
        for index in self.targets.indices
        where self.demands[index].isHungry || self.readings[index].rate > level {
            self.targets[index] = min(self.targets[index], level)
        }
    }

    /// A rise of less than an eighth is left out; a cut is made only when something is above a bound.
    private mutating func applyLazily() {
        self.limits = zip(self.readings, self.targets).map { reading, target in
            reading.isUnlimited || 8 * target >= 9 * reading.limit ? target : max(1, reading.limit)
        }
        if !self.bounds.isStrict, self.expectedRate > self.bounds.cap {
            for index in self.limits.indices
            where self.demands[index].isHungry || self.readings[index].rate > self.targets[index] {
                self.limits[index] = min(self.limits[index], self.targets[index])
            }
        }
        if self.bounds.limits == nil {
            for index in self.limits.indices where !self.demands[index].isHungry {
                let target = self.targets[index]
                if 2 * self.limits[index] > 3 * max(target, self.bounds.cap / 8) {
                    self.limits[index] = target
                }
            }
        }
        for index in self.limits.indices where self.readings[index].restored == self.targets[index] {
            self.limits[index] = self.targets[index]
        }
        self.handOutSlack()
    }

    /// More than a fiftieth of the cap to spare goes to the hungry ones at once.
    private mutating func handOutSlack() {
        guard self.demands.contains(where: \.isHungry) else { return }
        if self.bounds.takesBack {
            let missing = self.limits.indices.reduce(Int64(0)) { sum, index in
                self.demands[index].isHungry ? sum + max(0, self.targets[index] - self.limits[index]) : sum
            }
            if missing > self.bounds.cap / 50 {
                // What does not fit then is cut from those that hold most beyond their targets.
                for index in self.limits.indices where self.demands[index].isHungry {
                    self.limits[index] = max(self.limits[index], self.targets[index])
                }
                return
            }
        }
        var slack = self.bounds.cap - self.expectedRate
        if let bound = self.bounds.limits { slack = min(slack, bound - self.limits.reduce(0, +)) }
        guard slack > self.bounds.cap / 50 else { return }
        for index in self.limits.indices where self.demands[index].isHungry {
            self.limits[index] = max(self.limits[index], self.targets[index])
        }
    }

    /// Cuts to the target, the furthest above it first, until the limits fit. The targets fit, so this ends.
    private mutating func fitBound() {
        guard let bound = self.bounds.limits else { return }
        cutToFit(&self.limits, targets: self.targets, within: bound)
    }

    /// What would be uploaded if the hungry ones filled their limits and the others went on as they do.
    private var expectedRate: Int64 {
        self.limits.indices.reduce(0) { sum, index in
            sum + (self.demands[index].isHungry ? self.limits[index] : self.readings[index].rate)
        }
    }
}

/// Lowers limits to their targets, the furthest above its target first (ties by position), until they add up to
/// at most `capacity` or all are at their targets.
func cutToFit(_ limits: inout [Int64], targets: [Int64], within capacity: Int64) {
    var excess = limits.reduce(0, +) - capacity
    guard excess > 0 else { return }

    let (present, wanted) = (limits, targets)
    let cuttable = present.indices.filter { present[$0] > wanted[$0] }.sorted { left, right in
        let (first, second) = (present[left] - wanted[left], present[right] - wanted[right])
        return first == second ? left < right : first > second
    }
    for index in cuttable where excess > 0 {
        excess -= present[index] - wanted[index]
        limits[index] = wanted[index]
    }
}
