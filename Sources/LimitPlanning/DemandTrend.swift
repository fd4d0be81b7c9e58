/// What a torrent's readings come to over several cycles.
///
/// A reading by itself says little: a torrent that sends one block of 16 KiB every eight seconds reads 3.2 kB/s just
/// after a block, which fills any small limit, and hardly anything before the next; a peer with a limit of its own
/// comes and goes by a fifth within seconds; and libtorrent swings by a tenth around its limits. So how much is
/// used, and whether that fills the limits, goes by means in which a reading counts for ten seconds or so.
struct DemandTrend: Hashable, Sendable {
    /// The mean reading, in bytes a second.
    private(set) var usual: Float
    /// The same before the last reading.
    private var before: Float
    /// The mean of what would have been read if the limits had been filled.
    private(set) var filled: Float
    /// Whether there has been one reading only: the torrent was idle before.
    private var isNew = true
    /// Whether it was just given a share because it seemed to wake up; how often on end it then did not use it;
    /// and for how many cycles single blocks do not count as waking up after that.
    private var isProbed = false
    private var failures: UInt8 = 0
    private var patience: UInt8 = 0

    /// What one block of 16 KiB adds to a reading at most: see `SaturationFilter`.
    static let blockReading: Int64 = 16_384 / 5
    /// Below it, single blocks cannot be told from a filled limit.
    private static let blockLimit: Int64 = 16_384
    /// After so many cycles on end, filling a limit is not taken for chance any more.
    private static let surelyHungry: UInt8 = 4

    init(rate: Int64, full: Double) {
        self.usual = Float(rate)
        self.before = self.usual
        self.filled = Float(full)
    }

    mutating func observe(rate: Int64, full: Double, seconds: Double) {
        // Without a limit before there is nothing to compare with.
        guard self.filled > 0 else {
            self = DemandTrend(rate: rate, full: full)
            return
        }
        self.isNew = false
        let weight = Float(1 - remainder(afterSeconds: seconds / 2))
        self.before = self.usual
        self.usual += (Float(rate) - self.usual) * weight
        self.filled += (Float(full) - self.filled) * weight
    }

    /// Takes what a new reading says by itself.
    mutating func note(isFull: Bool, usesShare: Bool) {
        if self.patience > 0 { self.patience -= 1 }
        if self.isProbed {
            self.failures = isFull || usesShare ? 0 : min(self.failures + 1, 6)
            self.patience = self.failures == 0 ? 0 : 1 << self.failures
            self.isProbed = false
        }
    }

    mutating func probe() { self.isProbed = true }
}

/// What the demands of one tracker's torrents are judged by.
struct DemandBounds {
    var cap: Int64
    var floor: Int64
    /// How many torrents upload, and how many there are; at least one.
    var uploading: Int64
    var torrents: Int64
}

extension DemandTrend {
    func demand(of reading: AdaptiveReading, _ bounds: DemandBounds, _ tuning: AdaptiveTuning)
        -> AdaptiveDemand
    {
        let (rate, usual) = (reading.rate, Int64(self.usual))
        // What is more than noise shows at once: a fall by a third and four blocks, a rise by a quarter and two.
        let noise = 2 * Self.blockReading
        let used = rate > usual + usual / 4 + noise ? rate : min(usual, 3 * rate / 2 + 2 * noise)
        let spare = min(max(bounds.cap / (16 * bounds.torrents), 64), 2048)
        let need = max(bounds.floor, gridUp(used + used / tuning.headroomDivisor + spare))
        let fullness = self.fullness(of: reading, tuning)
        guard fullness != .none else {
            return AdaptiveDemand(isHungry: false, hungryCycles: 0, need: need, want: need)
        }

        let cycles = min(reading.hungryCycles + 1, 8)
        let base = reading.isUnlimited ? rate : reading.limit
        let share = bounds.cap / bounds.uploading
        let growth: Int64
        if fullness == .sudden, base < Self.blockLimit, rate < 3 * Self.blockReading {
            growth = max(base + base / 2, min(share, max(bounds.cap / 16, 4 * Self.blockLimit)))
        } else if fullness == .sudden {
            growth = max(base + (base << (cycles - 1)) / 2, share)
        } else if base < Self.blockLimit {
            growth = max(base + base / 2, min(share, Self.blockLimit))
        } else if cycles < Self.surelyHungry {
            // Small steps cost little where a mean was high by chance.
            growth = base + base / 8
        } else {
            growth = max(base + (base << (cycles - 2)) / 2, share)
        }
        return AdaptiveDemand(
            isHungry: true, hungryCycles: cycles,
            wantsAll: fullness == .sudden || cycles >= Self.surelyHungry, isWaking: fullness == .sudden,
            need: need, want: min(max(bounds.floor, need, growth), 4 * RateBounds.rate))
    }

    /// How a torrent fills its limit.
    private enum Fullness {
        case none
        /// For some time.
        case lasting
        /// It has none, or uploads far more than just before: more than some blocks make up.
        case sudden
    }

    private func fullness(of reading: AdaptiveReading, _ tuning: AdaptiveTuning) -> Fullness {
        if reading.isUnlimited { return .sudden }
        let rate = reading.rate
        let isWaking = self.isNew || reading.isQuiet
        if isWaking, 5 * rate >= reading.limit, self.patience == 0 || rate >= 3 * Self.blockReading {
            return .sudden
        }
        let ratio = Float(tuning.filledRatio)
        // Who could use much stays hungry through the lows of its swings.
        if reading.hungryCycles >= Self.surelyHungry, self.usual >= (ratio - 0.1) * self.filled {
            return .lasting
        }
        guard Self.isFull(reading, tuning) else { return .none }
        if Float(rate) >= self.before * 4 / 3 + Float(3 * Self.blockReading) { return .sudden }
        return self.usual >= ratio * self.filled ? .lasting : .none
    }

    static func isFull(_ reading: AdaptiveReading, _ tuning: AdaptiveTuning) -> Bool {
        Double(reading.rate) >= tuning.filledRatio * min(reading.saturation, Double(reading.limit))
    }
}
