import MetainfoCoding
import SwarmTypes

/// A torrent that is taken has pieces, files that follow each other and together make its length, paths that are safe
/// and differ, and its info dictionary alone means the same.
let metainfoTarget = FuzzTarget(name: "metainfo") { input throws(BrokenInvariant) in
    var limits = MetainfoLimits()
    limits.pieceCount = 1000
    guard let torrent = try? Metainfo(torrentFile: input, hashing: .constant, limits: limits) else { return }
    try require(1...1000 ~= torrent.geometry.pieceCount, "\(torrent.geometry.pieceCount) pieces")
    var end: Int64 = 0
    var paths: Set<String> = []
    for file in torrent.files {
        try require(file.length >= 0 && file.offset >= end, "a file of \(file.length) at \(file.offset)")
        try require(torrent.version == .v2 || file.offset == end, "a gap before \(file.offset)")
        end = file.offset + file.length
        guard !file.isPadding else { continue }
        try require(paths.insert(file.path.lowercased()).inserted, "\(file.path) twice")
        for path in [file.path, file.symlinkTarget ?? "x"] {
            let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            for component in components {
                try require(
                    !["", ".", ".."].contains(String(component)) && component.count <= 255
                        && !component.contains { $0 < 0x20 || $0 == UInt8(ascii: "\\") },
                    "the path \(path)")
            }
        }
    }
    try require(end == torrent.geometry.totalLength, "\(end) bytes of \(torrent.geometry.totalLength)")
    let last = torrent.geometry.pieceCount - 1
    try require((torrent.v1Hash(ofPiece: last)?.count ?? 20) == 20, "the last piece's hash")
    for index in torrent.files.indices {
        for piece in [0, last] {
            try require((torrent.v2Hash(ofPiece: piece, inFile: index)?.count ?? 32) == 32, "a v2 hash")
        }
    }
    guard
        let alone = try? Metainfo(
            infoDictionary: Array(torrent.infoBytes), hashing: .constant, limits: limits)
    else { throw BrokenInvariant("its info dictionary is refused alone") }
    try require(
        alone.files.map(\.path) == torrent.files.map(\.path) && alone.geometry == torrent.geometry,
        "its info dictionary means another torrent")
}

extension MetainfoHashing {
    /// Such that an input can have the right hash, which it would never find for a real one.
    fileprivate static let constant = MetainfoHashing(
        sha1: { _ in [UInt8](repeating: UInt8(ascii: "b"), count: 20) },
        sha256: { bytes, chunk in
            [UInt8](repeating: UInt8(ascii: "a"), count: (bytes.count + chunk - 1) / chunk * 32)
        })
}
