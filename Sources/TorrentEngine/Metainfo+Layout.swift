import MetainfoCoding
import SwarmTypes
import TorrentStorage

extension Metainfo {
    /// The pieces that hold something of the files with these numbers.
    func pieces(ofFiles ranges: [ClosedRange<Int>], in layout: TorrentLayout) throws(AddFailure) -> Bitfield {
        var pieces = Bitfield(count: self.geometry.pieceCount)
        for range in ranges {
            for file in range.clamped(to: 0...max(0, self.files.count - 1))
            where self.files.indices.contains(file) {
                for piece in layout.pieces(ofFile: file) { pieces.set(piece) }
            }
        }
        guard !pieces.isEmpty else { throw .selectionIsEmpty }
        return pieces
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
