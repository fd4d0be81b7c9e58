import MetainfoCoding
import SwarmTypes
import TorrentStorage

extension Metainfo {
    /// Where its bytes lie on a disk.
    func layout() throws(LayoutFailure) -> TorrentLayout {
        try TorrentLayout(
            geometry: self.geometry,
            files: self.files.map { file in
                FileEntry(
                    path: file.components, length: file.length, isPad: file.isPadding,
                    isExecutable: file.attributes.contains(.executable),
                    symlinkTarget: file.symlinkTarget.map { target in
                        target.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
                    })
            })
    }

    /// The pieces that hold something of the files with these numbers.
    func pieces(ofFiles ranges: [ClosedRange<Int>], in layout: TorrentLayout) throws(AddFailure) -> Bitfield {
        var pieces = Bitfield(count: self.geometry.pieceCount)
        for range in ranges {
            for file in range.clamped(to: 0...max(0, self.files.count - 1)) where self.files.indices.contains(file) {
                for piece in layout.pieces(ofFile: file) { pieces.set(piece) }
            }
        }
        guard !pieces.isEmpty else { throw .selectionIsEmpty }
        return pieces
    }
}

extension TorrentSource {
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
