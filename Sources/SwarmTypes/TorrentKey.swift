/// One governed client: its place in the configured list.
public struct InstanceIndex: Hashable, Comparable, Sendable {
    public let rawValue: UInt16

    public init(_ rawValue: UInt16) { self.rawValue = rawValue }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A torrent in one client. The same torrent seeded from two clients is two keys.
public struct TorrentKey: Hashable, Comparable, Sendable {
    public let id: TorrentID
    public let instance: InstanceIndex

    public init(instance: InstanceIndex, id: TorrentID) {
        self.instance = instance
        self.id = id
    }

    /// By torrent, then by instance, so that an order never depends on how clients were listed.
    public static func < (left: Self, right: Self) -> Bool {
        (left.id, left.instance) < (right.id, right.instance)
    }
}
