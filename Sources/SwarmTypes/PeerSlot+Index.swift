extension PeerSlot {
    /// Its place in an array of peers.
    @inlinable
    public var index: Int { Int(self.rawValue) }

    /// `index` must be below 65,535.
    @inlinable
    public init(index: Int) { self.init(UInt16(clamping: index)) }
}
