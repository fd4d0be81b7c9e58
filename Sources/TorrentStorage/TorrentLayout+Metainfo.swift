public import MetainfoCoding
import SwarmTypes

extension TorrentLayout {
    /// Of a torrent as it is read from a .torrent file or fetched from peers.
    /// - Parameter renamed: by number, the paths of files that lie elsewhere than the torrent says.
    public init(_ metainfo: Metainfo, renamed: [Int: String] = [:]) throws(LayoutFailure) {
        try self.init(
            geometry: metainfo.geometry,
            files: metainfo.files.enumerated().map { number, file in
                FileEntry(
                    // The names of pads need not be safe, and are not used.
                    path: file.isPadding ? ".pad" : renamed[number] ?? file.path, length: file.length,
                    isPad: file.isPadding,
                    isExecutable: file.attributes.contains(.executable), symlinkTarget: file.symlinkTarget)
            })
    }
}

extension PieceHashes {
    /// Nil for a torrent that only has hashes of version 2.
    public convenience init?(_ metainfo: Metainfo) {
        guard let bytes = metainfo.v1Hashes else { return nil }
        self.init(sha1: Array(bytes), pieceCount: metainfo.geometry.pieceCount)
    }
}
