import PieceSelection

/// For tests that hold the machine against its own books.
extension SwarmCore {
    /// Requests that peers have not answered, end game's duplicates included.
    public var requestsInFlight: Int { self.peers.reduce(0) { $0 + ($1?.outstanding.count ?? 0) } }

    /// The same as the picker counts it, and without the duplicates.
    public var requestedBlocks: (requests: Int, blocks: Int) {
        guard let picker = self.picker else { return (0, 0) }
        let requests = self.occupiedSlots.reduce(0) { $0 + picker.inFlight(of: $1) }
        return (requests, picker.blocksInFlight)
    }
}
