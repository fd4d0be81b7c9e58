public import MetainfoCoding
import RateControl
import SwarmCore
public import SwarmTypes
import TorrentStorage

/// A file of a torrent that is in the engine.
public struct FileFacts: Hashable, Sendable {
    public var number: Int
    /// In bytes, proved to be right.
    public var done: Int64
    /// Copies among the connected of its pieces on average.
    public var availability: Double
}

/// What all torrents do together, since the engine was started. `wasted` is of those that are awake.
public struct SessionTotals: Hashable, Sendable {
    public var upRate = ByteRate.zero
    public var downRate = ByteRate.zero
    public var uploaded: Int64 = 0
    public var downloaded: Int64 = 0
    public var wasted: Int64 = 0
    public var connections = 0
    public var listeningPort: UInt16?
    /// Peers have come to us.
    public var hadIncoming = false
}

/// What pages show of one torrent.
extension TorrentEngine {
    public func metainfo(of id: TorrentID) -> Metainfo? { self.torrents[id]?.metainfo }

    /// Those that its magnet link asks for; nil for all.
    public func selectedFiles(of id: TorrentID) -> [ClosedRange<Int>]? {
        self.torrents[id]?.link?.selectedFiles
    }

    /// Of the files that the disk holds, without padding; empty until they are known.
    public func fileFacts(of id: TorrentID) -> [FileFacts] {
        guard let torrent = self.torrents[id], let layout = torrent.store?.layout else { return [] }
        let core = torrent.core
        let pieceLength = Int64(layout.geometry.pieceLength)
        return (0..<layout.fileCount).compactMap { file in
            guard !layout.isPad(file) else { return nil }
            let (start, length) = (layout.start(ofFile: file), layout.length(ofFile: file))
            let pieces = layout.pieces(ofFile: file)
            var done: Int64 = 0
            var copies = 0
            for piece in pieces {
                copies += core.copies(ofPiece: piece)
                guard piece < core.have.count, core.have[piece] else { continue }
                let first = max(start, Int64(piece) * pieceLength)
                done += min(start + length, (Int64(piece) + 1) * pieceLength) - first
            }
            return FileFacts(
                number: file, done: done,
                availability: pieces.isEmpty ? 0 : Double(copies) / Double(pieces.count))
        }
    }

    /// Of each piece: 0 missing, 1 under way, 2 had. Empty until they are known.
    public func pieceStates(of id: TorrentID) -> [UInt8] {
        guard let core = self.torrents[id]?.core else { return [] }
        return (0..<core.have.count).map { core.have[$0] ? 2 : core.isUnderWay($0) ? 1 : 0 }
    }

    public var sessionTotals: SessionTotals {
        var totals = SessionTotals()
        let rates = self.allRates
        totals.upRate = rates.up
        totals.downRate = rates.down
        totals.uploaded = self.uploads.charged(to: self.uploads.root)
        totals.downloaded = self.downloads.charged(to: self.downloads.root)
        for torrent in self.torrents.values { totals.wasted += torrent.core.corrupt + torrent.core.redundant }
        totals.connections = self.connectionCount
        totals.listeningPort = self.listeningPort
        totals.hadIncoming = self.hadIncoming
        return totals
    }
}
