/// When a torrent has given enough; nil is never.
public struct ShareBounds: Hashable, Sendable {
    public var ratio: Double?
    public var seedingMinutes: Int64?
    public var inactiveMinutes: Int64?

    public init(ratio: Double? = nil, seedingMinutes: Int64? = nil, inactiveMinutes: Int64? = nil) {
        self.ratio = ratio
        self.seedingMinutes = seedingMinutes
        self.inactiveMinutes = inactiveMinutes
    }

    public var isEmpty: Bool {
        self.ratio == nil && self.seedingMinutes == nil && self.inactiveMinutes == nil
    }
}

/// What a seeding torrent has given.
public struct ShareRecord: Hashable, Sendable {
    /// Nil is infinite.
    public var ratio: Double?
    public var seedingSeconds: Int64
    /// Since payload last moved, or since it began to seed.
    public var inactiveSeconds: Int64

    public init(ratio: Double?, seedingSeconds: Int64, inactiveSeconds: Int64) {
        self.ratio = ratio
        self.seedingSeconds = seedingSeconds
        self.inactiveSeconds = inactiveSeconds
    }
}

public enum ShareReason: String, Hashable, Sendable { case ratio, seedingTime, inactivity }

/// The first of the bounds that is reached; nil while it goes on.
public func reachedBound(_ record: ShareRecord, _ bounds: ShareBounds) -> ShareReason? {
    if let ratio = bounds.ratio, record.ratio.map({ $0 >= ratio }) ?? true { return .ratio }
    if let minutes = bounds.seedingMinutes, record.seedingSeconds / 60 >= minutes { return .seedingTime }
    if let minutes = bounds.inactiveMinutes, record.inactiveSeconds / 60 >= minutes { return .inactivity }
    return nil
}
