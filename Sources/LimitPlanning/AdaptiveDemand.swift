/// What is known of a governed torrent when its share is decided, in bytes per second. 32 bytes: a cycle holds
/// one for every torrent.
struct AdaptiveReading: Hashable {
    var rate: Int64
    /// In force; `RateBounds.unlimited` for none.
    var limit: Int64
    /// What `rate` would be if the torrent filled its limits (see `SaturationFilter`).
    var saturation: Double
    /// See `restored` and `trend`, of which no torrent has both; zero for nil.
    private var restoredOrTrend: UInt32
    /// Cycles on end in which it has filled its limit, before this one.
    var hungryCycles: UInt8
    /// Whether it was practically idle at the reading before.
    var isQuiet: Bool

    init(
        rate: Int64, limit: Int64, saturation: Double, hungryCycles: UInt8, isQuiet: Bool,
        restored: Int64? = nil
    ) {
        self.rate = rate
        self.limit = limit
        self.saturation = saturation
        self.hungryCycles = hungryCycles
        self.isQuiet = isQuiet
        self.restoredOrTrend = rate == 0 ? UInt32(clamping: restored ?? 0) : 0
    }

    /// For an idle torrent that is to have its original limit back: that limit.
    var restored: Int64? {
        self.rate > 0 || self.restoredOrTrend == 0 ? nil : Int64(self.restoredOrTrend)
    }

    /// For a torrent that uploads: the index of its trend among the tracker's; nil when each cycle is judged by
    /// itself.
    var trend: Int? { self.rate > 0 && self.restoredOrTrend > 0 ? Int(self.restoredOrTrend) - 1 : nil }

    mutating func refer(toTrend index: Int) {
        if self.rate > 0 { self.restoredOrTrend = UInt32(clamping: index + 1) }
    }

    var isUnlimited: Bool { self.limit == RateBounds.unlimited }
}

/// What a torrent's reading says about what it could use.
struct AdaptiveDemand: Hashable {
    /// It fills its limit (or has none): how much it could use is not known.
    var isHungry: Bool
    var hungryCycles: UInt8
    /// It may have whatever nobody else wants.
    var wantsAll = true
    /// It gets a share because it seems to wake up.
    var isWaking = false
    /// What it uses now, with headroom.
    var need: Int64
    /// What it should get if there is room: its need, or for a hungry torrent more every cycle.
    var want: Int64
}

/// How a reading is told to fill a limit.
struct AdaptiveTuning: Hashable {
    /// The part of a limit at which it counts as filled.
    var filledRatio = 0.95
    /// The inverse of the headroom above a measured rate.
    var headroomDivisor: Int64 = 16

    /// For a client whose limits include protocol overhead, which its readings leave out.
    static let withOverhead = AdaptiveTuning(filledRatio: 0.90, headroomDivisor: 8)
}

/// The demands of all governed torrents of one tracker with the (base) cap `cap`.
func assessDemand(
    _ readings: [AdaptiveReading], trends: [DemandTrend] = [], cap: Int64, tuning: AdaptiveTuning
) -> [AdaptiveDemand] {
    let count = Int64(max(1, readings.count))
    let floor = idleFloor(cap: cap, torrents: readings.count)
    let minimumHeadroom = min(max(cap / (16 * count), 64), 1024)
    let uploading = Int64(max(1, readings.count { $0.rate > 0 }))

    return readings.map { reading in
        let rate = reading.rate
        guard rate > 0 else {
            let need = max(floor, reading.restored ?? 0)
            return AdaptiveDemand(isHungry: false, hungryCycles: 0, need: need, want: need)
        }
        let need = max(floor, gridUp(rate + rate / tuning.headroomDivisor + minimumHeadroom))
        if let trend = reading.trend, trends.indices.contains(trend) {
            return trends[trend].demand(
                of: reading, DemandBounds(cap: cap, floor: floor, uploading: uploading, torrents: count),
                tuning)
        }
        guard isFilling(reading, tuning) else {
            return AdaptiveDemand(isHungry: false, hungryCycles: 0, need: need, want: need)
        }

        let cycles = min(reading.hungryCycles + 1, 8)
        let base = reading.isUnlimited ? rate : reading.limit
        // Times 1.5, 2, 3, 5, 9 … 65.
        var growth = base + (base << (cycles - 1)) / 2
        if reading.isQuiet || reading.isUnlimited || cycles > 1 { growth = max(growth, cap / uploading) }
        return AdaptiveDemand(
            isHungry: true, hungryCycles: cycles, need: need,
            want: min(max(floor, growth), 4 * RateBounds.rate))
    }
}

/// A torrent without a limit fills it with the first byte; one that was quiet shows its wake-up with a fifth.
private func isFilling(_ reading: AdaptiveReading, _ tuning: AdaptiveTuning) -> Bool {
    if reading.isUnlimited { return true }
    let filled = tuning.filledRatio * min(reading.saturation, Double(reading.limit))
    return Double(reading.rate) >= filled || (reading.isQuiet && 5 * reading.rate >= reading.limit)
}
