import MetainfoCoding
import SwarmTypes
import TorrentStorage

extension Metainfo {
    /// The files with these numbers; those that do not exist are left out.
    func files(numbered ranges: [ClosedRange<Int>]) -> Bitfield {
        var files = Bitfield(count: self.files.count)
        for range in ranges where range.lowerBound < self.files.count {
            for file in max(0, range.lowerBound)...min(range.upperBound, self.files.count - 1) {
                files.set(file)
            }
        }
        return files
    }
}

extension PieceGeometry {
    func length(of pieces: Bitfield) -> Int64 {
        var length = Int64(pieces.setCount) * Int64(self.pieceLength)
        let last = self.pieceCount - 1
        if last >= 0, pieces[last] { length -= Int64(self.pieceLength - self.length(ofPiece: last)) }
        return length
    }
}

extension TorrentSource {
    /// In the order of their tiers.
    public var announceURLs: [String] { self.announcement.0.tiers.flatMap { $0 } }

    var announcement: (Announcement, isPrivate: Bool) {
        switch self {
        case .metainfo(let metainfo): (metainfo.announcement, metainfo.isPrivate)
        case .magnet(let link): (link.announcement, false)
        }
    }

    var name: String {
        switch self {
        case .metainfo(let metainfo): metainfo.name
        case .magnet(let link): link.displayName ?? link.id.hex
        }
    }

    /// The files that a magnet link asks for; nil for all.
    public var selectedFiles: [ClosedRange<Int>]? {
        guard case .magnet(let link) = self else { return nil }
        return link.selectedFiles
    }
}
