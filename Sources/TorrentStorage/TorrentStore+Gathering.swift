import EventIO
import SwarmTypes

/// Pieces that came whole and are still in memory wait for each other, because hashing four side by side takes the
/// processor hardly longer than hashing two one after another.
extension TorrentStore {
    /// How long a piece waits for others, in seconds: little beside the time that peers take to hear of it.
    private static let longestWait = 0.02

    /// Whether a piece may wait: it can be hashed with others, and nothing of it is written or hashed.
    func mayGather(_ piece: OpenPiece) -> Bool {
        self.gatherCount > 1 && self.hashes != nil && !piece.isBusy && piece.isWholeInMemory
            && self.geometry.length(ofPiece: piece.number) == self.geometry.pieceLength
    }

    func gather(_ piece: OpenPiece) {
        piece.isBusy = true
        self.gathered.append(piece)
        if self.gathered.count >= self.gatherCount || !self.expectsMore { return self.submitGathered() }
        guard !self.hasGatheringTimer else { return }
        self.hasGatheringTimer = true
        self.service.loop.schedule(afterSeconds: Self.longestWait) {
            self.hasGatheringTimer = false
            self.submitGathered()
        }
    }

    /// Whether other pieces are on their way, and nobody waits for the end.
    private var expectsMore: Bool {
        self.phase == .running && self.barriers.isEmpty && self.openPieces.count > self.gathered.count
    }

    func submitGathered() {
        guard let hashes = self.hashes, self.failure == nil, self.move == nil, !self.gathered.isEmpty else {
            return
        }
        let parts = self.gathered.map { self.job(for: $0, onlyInOrder: false) }
        self.gathered = []
        self.service.pool.submit(
            WholePiecesJob(parts, hashes, length: Int(self.geometry.pieceLength)))
    }

    /// Gives up waiting, when nothing is to be written.
    func releaseGathered() {
        for piece in self.gathered { piece.isBusy = false }
        self.gathered = []
    }
}
