public import SwarmTypes

/// What `adaptive` remembers of a torrent, as a snapshot file shows it.
public struct AdaptiveMemory: Hashable, Sendable {
    /// For how many cycles on end the torrent has filled its limit, 0...8.
    public var hungryCycles: Int
    /// What the client would report if the torrent filled its limits, in bytes per second.
    public var saturation: Double
    /// Whether the torrent was practically idle at the reading before the one to come.
    public var isQuiet: Bool
    /// The reading that was last planned on, and the limit planned then; nil when not known. When every torrent
    /// of a tracker still has just these and no time is known to have passed, there is nothing new to plan on.
    public var lastRate: ByteRate?
    public var lastLimit: UploadLimit?

    public init(
        hungryCycles: Int, saturation: Double, isQuiet: Bool, lastRate: ByteRate? = nil,
        lastLimit: UploadLimit? = nil
    ) {
        self.hungryCycles = hungryCycles
        self.saturation = saturation
        self.isQuiet = isQuiet
        self.lastRate = lastRate
        self.lastLimit = lastLimit
    }
}

/// 40 bytes: there is one for every torrent that uploads.
struct TorrentMemory: Sendable {
    /// What the client reads for a torrent that fills its limits, at the last reading.
    var saturation: Double
    /// The last reading.
    private var rate: UInt32
    /// The limit in force at the last reading, and the one planned on it.
    private var limitThen: UInt32
    private var plannedLimit: UInt32
    var hungryCycles: UInt8
    private var flags: UInt8
    /// Nil when each cycle is judged by itself.
    var trend: DemandTrend?

    private static let unknown = UInt32.max
    private static let unlimited = UInt32.max - 1
    private static let largest = UInt32.max - 2

    init(
        saturation: Double, hungryCycles: UInt8, rate: Int64, limitThen: Int64, planned: Int64, isQuiet: Bool
    ) {
        self.saturation = saturation
        self.hungryCycles = hungryCycles
        self.rate = Self.compact(rate)
        self.limitThen = Self.compact(limitThen)
        self.plannedLimit = Self.compact(planned)
        self.flags = isQuiet ? 1 : 0
        if isQuietReading(rate: rate, limitThen: limitThen, limitNow: planned) { self.flags |= 2 }
    }

    /// Whether the torrent counted as quiet at the last reading.
    var wasQuiet: Bool { self.flags & 1 != 0 }

    /// Nil when it is not known.
    var limitBefore: Int64? { self.limitThen == Self.unknown ? nil : Self.expand(self.limitThen) }

    /// Whether nothing has changed since the last plan, which has been carried out.
    func matches(rate: Int64, limit: Int64) -> Bool {
        self.rate == Self.compact(rate) && self.plannedLimit == Self.compact(limit)
    }

    /// Whether the torrent was practically idle at the last reading, judged with the limit now in force.
    func isQuiet(limitNow: Int64) -> Bool {
        guard self.rate != Self.unknown, self.limitThen != Self.unknown else { return self.flags & 2 != 0 }
        return isQuietReading(
            rate: Int64(self.rate), limitThen: Self.expand(self.limitThen), limitNow: limitNow)
    }

    private static func compact(_ value: Int64) -> UInt32 {
        value == RateBounds.unlimited
            ? self.unlimited : UInt32(clamping: min(max(0, value), Int64(self.largest)))
    }

    private static func expand(_ value: UInt32) -> Int64 {
        value == self.unlimited ? RateBounds.unlimited : Int64(value)
    }
}

/// Less than 5 % of both limits: judged by the old limit alone, a small torrent that was given a large limit
/// would be cut, look like a wake-up, and be raised again, for ever.
func isQuietReading(rate: Int64, limitThen: Int64, limitNow: Int64) -> Bool {
    20 * min(rate, RateBounds.rate) < min(limitThen, limitNow)
}

extension TorrentMemory {
    init(_ memory: AdaptiveMemory) {
        self.init(
            saturation: memory.saturation.isFinite ? max(0, memory.saturation) : 0,
            hungryCycles: UInt8(min(max(0, memory.hungryCycles), 8)),
            rate: memory.lastRate?.bounded ?? 0, limitThen: 0,
            planned: memory.lastLimit?.bounded ?? 0, isQuiet: memory.isQuiet)
        self.flags = memory.isQuiet ? 3 : 0
        self.limitThen = Self.unknown
        if memory.lastRate == nil { self.rate = Self.unknown }
        if memory.lastLimit == nil { self.plannedLimit = Self.unknown }
    }
}

extension AdaptiveMemory {
    init(_ memory: TorrentMemory) {
        self.init(
            hungryCycles: Int(memory.hungryCycles), saturation: memory.saturation,
            isQuiet: memory.willBeQuiet,
            lastRate: memory.lastRate, lastLimit: memory.lastLimit)
    }
}

extension TorrentMemory {
    /// Quiet at the next reading, if the planned limit is in force then.
    fileprivate var willBeQuiet: Bool { self.flags & 2 != 0 }
    fileprivate var lastRate: ByteRate? {
        self.rate == Self.unknown ? nil : ByteRate(bytesPerSecond: Int64(self.rate))
    }
    fileprivate var lastLimit: UploadLimit? {
        self.plannedLimit == Self.unknown ? nil : UploadLimit(bounded: Self.expand(self.plannedLimit))
    }
}
