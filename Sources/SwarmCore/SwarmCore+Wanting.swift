import PeerProtocol
public import PieceSelection
public import SwarmTypes

/// What is wanted of a torrent, changed while it runs.
extension SwarmCore {
    /// Wants pieces by these priorities, one for each, from now on. Where all that is wanted is there already it is
    /// finished; where something is wanted again, peers are asked again.
    public mutating func want(
        _ priorities: [PiecePriority], order: PieceOrder, at now: Instant, into actions: inout [SwarmAction]
    ) {
        guard let geometry = self.geometry, priorities.count == geometry.pieceCount else { return }
        let wasFinished = self.picker == nil
        var picker = self.picker ?? PiecePicker(geometry: geometry, have: self.have, order: order)
        picker.order = order
        var start = 0
        while start < priorities.count {
            var end = start + 1
            while end < priorities.count, priorities[end] == priorities[start] { end += 1 }
            picker.setPriority(priorities[start], ofPieces: start..<end)
            start = end
        }
        self.settings.isSequential = order == .sequential
        guard !picker.isFinished else {
            if !wasFinished { self.finish(at: now, into: &actions) }
            return
        }
        self.picker = picker
        guard wasFinished else { return self.lookAgain(at: now, into: &actions) }
        self.hasToldFinished = false
        for slot in self.occupiedSlots {
            guard let peer = self.peers[slot.index], peer.claim == .counted else { continue }
            self.picker?.peerJoined(slot, key: peer.key)
            if peer.has.isComplete {
                self.picker?.peerHasAll(slot)
            } else {
                self.picker?.peerHas(slot, peer.has)
            }
        }
        self.lookAgain(at: now, into: &actions)
    }

    private mutating func lookAgain(at now: Instant, into actions: inout [SwarmAction]) {
        for slot in self.occupiedSlots { self.updateInterest(slot, at: now, into: &actions) }
    }
}

/// What pages show of pieces.
extension SwarmCore {
    /// Copies among the connected peers; nil when nothing is wanted any more.
    public var distributedCopies: Double? { self.picker?.currentAvailability().copies }

    /// Connected peers that have the piece.
    public func copies(ofPiece piece: Int) -> Int {
        guard self.picker == nil else { return self.picker?.copies(ofPiece: piece) ?? 0 }
        return self.occupiedSlots.count { slot in
            guard let has = self.peers[slot.index]?.has else { return false }
            return piece < has.count && has[piece]
        }
    }

    /// Blocks of it were asked for or are here, and it is not complete.
    public func isUnderWay(_ piece: Int) -> Bool {
        switch self.picker?.state(ofPiece: piece) {
        case .open, .awaitingHash: true
        default: false
        }
    }
}
