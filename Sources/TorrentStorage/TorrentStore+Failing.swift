import SwarmTypes

/// A full disk, a lost permission: what has come is kept, writing waits for `retry`.
extension TorrentStore {
    func fail(_ failure: StorageFailure) {
        let isFirst = self.failure == nil
        self.failure = self.failure ?? failure
        self.releaseGathered()
        for piece in self.openPieces.values where !piece.isBusy { self.strand(piece) }
        if isFirst { self.onEvent?(.failed(failure)) }
    }

    /// Takes what waits in the piece out of the budget, or forgets it when there is too much of that.
    func strand(_ piece: OpenPiece) {
        piece.forEachPending { self.service.strand(&$0) }
        guard self.service.isStrandFull else { return }
        let blocks = piece.dropPending()
        guard !blocks.isEmpty else { return }
        for block in blocks { self.service.discharge(block) }
        if piece.arrived.isEmpty { self.close(piece) }
        self.onEvent?(
            .blocksDropped(
                piece: piece.number,
                blocks: blocks.map { self.geometry.block($0.number, ofPiece: piece.number) }))
    }

    /// Writes again, after `failed`. When the cause is still there, the failure is told again.
    public func retry() {
        guard self.failure != nil, self.phase == .running else { return }
        self.failure = nil
        self.writeOn()
    }

    func writeOn() {
        for piece in self.openPieces.values { piece.forEachPending { self.service.rescue(&$0) } }
        self.flush()
        self.service.settle()
    }
}
