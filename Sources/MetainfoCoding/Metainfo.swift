public import BencodeCoding
public import SwarmTypes

/// Which of the two formats a torrent has (BEP 3 and BEP 52).
public enum TorrentVersion: String, Hashable, Sendable {
    case v1, v2
    /// Both, for the same files.
    case hybrid
}

/// A place in the DHT that a torrent names (BEP 5).
public struct DHTNode: Hashable, Sendable {
    /// A name or an address.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// A torrent, checked. Holds the bytes it was read from and ranges into them, not copies.
public struct Metainfo: Sendable {
    /// The torrent file, or the info dictionary alone where that was all.
    public let bytes: ArraySlice<UInt8>
    /// Of the info dictionary, over whose bytes as written the info-hash is taken.
    public let infoRange: Range<Int>
    public let version: TorrentVersion
    /// The SHA-1 info-hash; nil for a v2 torrent.
    public let v1ID: TorrentID?
    /// The SHA-256 info-hash; nil for a v1 torrent.
    public let v2InfoHash: InfoHashV2?
    /// Safe as one component of a path; the info-hash where nothing is left of the torrent's own.
    public let name: String
    /// How the torrent's bytes, padding included, are cut into pieces. Of a v2 torrent each file begins with a piece, so that the
    /// last piece of any file may be shorter than the geometry says.
    public let geometry: PieceGeometry
    /// In the order of the torrent, by which `so` of a magnet link counts them (BEP 53).
    public let files: [TorrentFile]
    /// Whether `path` of its files begins with its name.
    public let isMultiFile: Bool
    /// Peers only from its trackers (BEP 27).
    public let isPrivate: Bool
    /// Set by trackers to give the same files another info-hash.
    public let source: String?
    /// In what way the info dictionary is not canonical; it is the same torrent only as it is written.
    public let flaws: BencodeFlaws
    /// Of the v1 piece hashes, 20 bytes each.
    let pieces: Range<Int>?
    public let announcement: Announcement

    /// By which its swarm is found: the v1 info-hash where there is one.
    public var id: TorrentID {
        guard let id = self.v1ID ?? self.v2InfoHash?.truncated else {
            preconditionFailure("a torrent has at least one info-hash")
        }
        return id
    }

    public var infoBytes: ArraySlice<UInt8> { self.bytes[self.infoRange] }

    /// Of the files as they stand on a disk.
    public var contentLength: Int64 {
        self.files.reduce(0) { $1.isPadding ? $0 : $0 + $1.length }
    }

    /// The v1 hashes of all pieces, one after another; nil for a v2 torrent.
    public var v1Hashes: ArraySlice<UInt8>? { self.pieces.map { self.bytes[$0] } }

    /// 20 bytes; nil for a v2 torrent and where there is no such piece.
    public func v1Hash(ofPiece piece: Int) -> ArraySlice<UInt8>? {
        guard let pieces = self.pieces, piece >= 0, piece < self.geometry.pieceCount else { return nil }
        let start = pieces.lowerBound + piece * TorrentID.byteCount
        return self.bytes[start..<start + TorrentID.byteCount]
    }

    /// The 32 bytes of the hash that covers the piece with that number in the file: of its piece layer, or of a file of one piece
    /// its root. Nil where it is not known (yet).
    public func v2Hash(ofPiece piece: Int, inFile file: Int) -> ArraySlice<UInt8>? {
        guard piece >= 0, self.files.indices.contains(file) else { return nil }
        let file = self.files[file]
        if file.length <= Int64(self.geometry.pieceLength) {
            return piece == 0 ? file.piecesRoot.map { self.bytes[$0] } : nil
        }
        guard let layer = file.pieceLayer, piece < layer.count / InfoHashV2.byteCount else { return nil }
        let start = layer.lowerBound + piece * InfoHashV2.byteCount
        return self.bytes[start..<start + InfoHashV2.byteCount]
    }
}

/// What stands around the info dictionary: not part of the torrent's identity.
public struct Announcement: Hashable, Sendable {
    /// Announce URLs (BEP 12), each once, in the order of the torrent; http, https and udp.
    public var tiers: [[String]] = []
    /// BEP 19, http and https.
    public var webSeeds: [String] = []
    /// Empty for a private torrent.
    public var nodes: [DHTNode] = []
    public var comment: String?
    public var createdBy: String?
    /// In seconds since 1970.
    public var creationDate: Int64?

    public init() {}
}
