import SwarmCore
import SwarmTypes
import TorrentStorage

extension ActiveTorrent {
    func progress(at now: Instant) -> TorrentProgress {
        var progress = TorrentProgress(id: self.core.id, name: self.name, state: self.stateWord)
        let rates = self.core.rates(at: now)
        progress.downRate = rates.down
        progress.upRate = rates.up
        progress.downloaded = self.core.downloaded
        progress.uploaded = self.core.uploaded
        progress.totalDownloaded = self.recorded.downloadedBefore + self.core.downloaded
        progress.totalUploaded = self.recorded.uploadedBefore + self.core.uploaded
        progress.peers = self.core.peerCount
        progress.seeds = self.core.seedCount
        progress.isFinished = self.core.isFinished
        progress.cap = self.options.cap
        guard let geometry = self.core.geometry ?? self.store?.geometry else { return progress }
        progress.totalBytes = geometry.totalLength
        progress.wantedBytes = self.wantedBytes ?? geometry.totalLength
        progress.pieceCount = geometry.pieceCount
        progress.piecesHad = self.core.have.setCount
        progress.doneBytes = self.core.geometry == nil ? 0 : geometry.totalLength - self.core.left
        return progress
    }

    /// Stable, for programs.
    var stateWord: String {
        switch self.state {
        case .fetchingMetadata: "metadata"
        case .checking: "checking"
        case .running: self.core.isFinished ? "seeding" : "downloading"
        case .stopping: "stopping"
        case .failed: "failed"
        }
    }
}
