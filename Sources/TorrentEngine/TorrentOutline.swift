public import MetainfoCoding
public import SwarmTypes
import TorrentStorage

/// What a torrent must be known by while nobody asks for it: all but its piece hashes and its files.
public struct TorrentOutline: Hashable, Sendable {
    public let id: TorrentID
    public let name: String
    public let totalLength: Int64
    public let pieceCount: Int32
    public let isPrivate: Bool
    /// Announce URLs.
    public let tiers: [[String]]

    public init(
        id: TorrentID, name: String, totalLength: Int64, pieceCount: Int32, isPrivate: Bool, tiers: [[String]]
    ) {
        self.id = id
        self.name = name
        self.totalLength = totalLength
        self.pieceCount = pieceCount
        self.isPrivate = isPrivate
        self.tiers = tiers
    }

    /// Proves what a torrent needs to be seeded, on whatever thread. Of the metainfo nothing is kept.
    public init(_ metainfo: Metainfo) throws(AddFailure) {
        _ = try TorrentParts(metainfo)
        self.init(
            id: metainfo.id, name: metainfo.name, totalLength: metainfo.geometry.totalLength,
            pieceCount: Int32(clamping: metainfo.geometry.pieceCount), isPrivate: metainfo.isPrivate,
            tiers: metainfo.announcement.tiers)
    }
}

/// What a torrent's storage is made of.
struct TorrentParts {
    let hashes: PieceHashes
    let layout: TorrentLayout

    init(_ metainfo: Metainfo, renamed: [Int: String] = [:]) throws(AddFailure) {
        guard
            let hashes = metainfo.v1Hashes.flatMap({
                PieceHashes(sha1: Array($0), pieceCount: metainfo.geometry.pieceCount)
            })
        else { throw .onlyVersion2 }
        self.hashes = hashes
        do throws(LayoutFailure) {
            self.layout = try TorrentLayout(metainfo, renamed: renamed)
        } catch {
            throw .layout("\(error)")
        }
    }
}

/// Where a torrent's metainfo can be had again, so that it need not be kept.
public enum MetainfoPlace: Hashable, Sendable {
    /// A torrent file.
    case file(folder: String, name: String)
    /// The record that the engine keeps.
    case session
}

/// Why a metainfo cannot be had; for people.
public struct MetainfoUnavailable: Error, Hashable, Sendable {
    public var words: String

    public init(_ words: String) { self.words = words }
}

extension MetainfoPlace {
    /// A file by its path; nil for a path that can never be one.
    public init?(file path: String) {
        guard let slash = path.lastIndex(of: "/") else {
            guard !path.isEmpty else { return nil }
            self = .file(folder: ".", name: path)
            return
        }
        let name = path[path.index(after: slash)...]
        guard !name.isEmpty else { return nil }
        self = .file(folder: String(path[..<slash]), name: String(name))
    }
}
