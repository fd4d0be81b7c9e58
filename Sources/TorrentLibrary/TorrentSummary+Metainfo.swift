import LibraryPolicy
import MetainfoCoding
import SwarmTypes
import TorrentCatalog

extension TorrentSummary {
    /// Takes what a torrent says of itself.
    mutating func take(_ metainfo: Metainfo) {
        self.name = metainfo.name
        self.infoHashV1 = metainfo.v1ID?.hex ?? ""
        self.infoHashV2 = metainfo.v2InfoHash?.hex ?? ""
        self.hasMetadata = true
        self.isPrivate = metainfo.isPrivate
        self.comment = metainfo.announcement.comment ?? ""
        self.creator = metainfo.announcement.createdBy ?? ""
        self.createdAt = metainfo.announcement.creationDate
        self.totalSize = metainfo.contentLength
        self.wantedSize = metainfo.contentLength
        self.pieceLength = Int64(metainfo.geometry.pieceLength)
        self.pieceCount = metainfo.geometry.pieceCount
        if self.trackers.isEmpty { self.trackers = metainfo.announcement.tiers.flatMap { $0 } }
        if self.magnet.isEmpty {
            var link = MagnetLink(v1ID: metainfo.id, v2InfoHash: metainfo.v2InfoHash)
            link.displayName = metainfo.name
            link.trackers = self.trackers
            self.magnet = link.text
        }
    }

    /// Where its content lies.
    mutating func place(root: String, isMultiFile: Bool) {
        self.contentPath = joinedPath(self.directory, root)
        self.rootPath = isMultiFile ? self.contentPath : ""
    }
}
