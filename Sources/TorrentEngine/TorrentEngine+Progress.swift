import EventIO
import StallDiagnosis
import SwarmCore
public import SwarmTypes

/// How far torrents are, without waking any.
extension TorrentEngine {
    public func progress(of id: TorrentID) -> TorrentProgress? {
        self.torrents[id].map { $0.progress(at: self.loop.now) }
            ?? self.dormant.table[id].map { self.progress(of: $0) }
    }

    /// Also of those that sleep, of which there may be tens of thousands: for a person who asks, not for a timer.
    public var allProgress: [TorrentProgress] {
        var all = self.awakeProgress
        all.reserveCapacity(self.torrents.count + self.dormant.table.count)
        self.dormant.table.forEach { all.append(self.progress(of: $0)) }
        return all
    }

    /// Of those that are awake: the others stand still.
    public var awakeProgress: [TorrentProgress] {
        let now = self.loop.now
        return self.torrents.values.map { $0.progress(at: now) }
    }

    /// The torrents that a person means, in the order of their names.
    public func torrents(where isMeant: (TorrentID, String) -> Bool) -> [TorrentID] {
        var found: [(name: String, id: TorrentID)] = []
        for (id, torrent) in self.torrents where isMeant(id, torrent.name) {
            found.append((torrent.name, id))
        }
        self.dormant.table.forEach { if isMeant($0.id, $0.name) { found.append(($0.name, $0.id)) } }
        return found.sorted { ($0.name, $0.id) < ($1.name, $1.id) }.map(\.id)
    }
}

extension TorrentEngine {
    private func progress(of row: DormantTorrent) -> TorrentProgress {
        var progress = TorrentProgress(id: row.id, name: row.name, state: "seeding")
        progress.downloaded = row.totals.downloaded
        progress.uploaded = row.totals.uploaded
        progress.totalDownloaded = row.downloadedBefore + row.totals.downloaded
        progress.totalUploaded = row.uploadedBefore + row.totals.uploaded
        progress.totalBytes = row.totalLength
        progress.wantedBytes = row.totalLength
        progress.doneBytes = row.totalLength
        progress.pieceCount = Int(row.pieceCount)
        progress.piecesHad = Int(row.pieceCount)
        progress.isFinished = true
        progress.isDormant = true
        progress.cap = self.dormant.profiles[row.profile]?.options.cap
        return progress
    }
}
