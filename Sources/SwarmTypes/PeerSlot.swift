/// A connected peer of one torrent: a small number that its owner chooses, and may use again after the peer left.
public struct PeerSlot: Hashable, Comparable, Sendable {
    public let rawValue: UInt16

    /// The highest number is kept for "nobody".
    @inlinable
    public init(_ rawValue: UInt16) {
        precondition(rawValue < .max, "a slot's number is below 65,535")
        self.rawValue = rawValue
    }

    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Who somebody is over several connections, within one torrent: what is known of it is kept under this number.
public struct PeerKey: Hashable, Comparable, Sendable {
    public let rawValue: UInt32

    @inlinable
    public init(_ rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
