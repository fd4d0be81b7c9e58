public import SwarmTypes

/// A peer that a magnet link names (BEP 9, `x.pe`).
public struct MagnetPeer: Hashable, Sendable {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `host:port`, an IPv6 address in brackets.
    public var text: String {
        self.host.utf8.contains(UInt8(ascii: ":"))
            ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    /// Nil when the host is a name that has to be looked up.
    public var address: PeerAddress? { PeerAddress(host: self.host, port: self.port) }
}

/// A link that names a torrent by its info-hash and says where to begin looking for it (BEP 9, 19, 52, 53).
public struct MagnetLink: Hashable, Sendable {
    /// At least one of the two is there.
    public internal(set) var v1ID: TorrentID?
    public internal(set) var v2InfoHash: InfoHashV2?
    /// For people, until the torrent's own name is known; nil when the link gives none. Not safe as a path.
    public var displayName: String?
    /// In the order of the link; each is a tier of its own.
    public var trackers: [String] = []
    public var webSeeds: [String] = []
    public var peers: [MagnetPeer] = []
    /// Numbers of the files to fetch, in ascending ranges that do not touch; nil for all of them.
    public internal(set) var selectedFiles: [ClosedRange<Int>]?

    /// Of a v1 torrent, or with both hashes of a hybrid one.
    public init(v1ID: TorrentID, v2InfoHash: InfoHashV2? = nil) {
        self.v1ID = v1ID
        self.v2InfoHash = v2InfoHash
    }

    public init(v2InfoHash: InfoHashV2) { self.v2InfoHash = v2InfoHash }

    /// Whether the torrent is the one that the link means: it has each info-hash that the link has.
    public func names(_ metainfo: Metainfo) -> Bool {
        if let id = self.v1ID, metainfo.v1ID != id { return false }
        if let hash = self.v2InfoHash, metainfo.v2InfoHash != hash { return false }
        return true
    }

    /// The same for an info dictionary as a stranger sent it: whether these bytes are the ones, whatever is in them.
    public func names(infoDictionary bytes: [UInt8], hashing: MetainfoHashing) -> Bool {
        guard !bytes.isEmpty else { return false }
        if let id = self.v1ID, hashing.sha1(bytes[...]) != id.bytes { return false }
        if let hash = self.v2InfoHash, hashing.sha256(bytes[...], bytes.count) != hash.bytes { return false }
        return true
    }

    /// By which its swarm is found: the v1 info-hash where there is one.
    public var id: TorrentID {
        guard let id = self.v1ID ?? self.v2InfoHash?.truncated else {
            preconditionFailure("a magnet link has at least one info-hash")
        }
        return id
    }

    /// What the link says in place of a torrent file.
    public var announcement: Announcement {
        var announcement = Announcement()
        announcement.tiers = self.trackers.map { [$0] }
        announcement.webSeeds = self.webSeeds
        return announcement
    }
}

/// Why a text is not a magnet link that we take.
public enum MagnetFailure: Error, Hashable, Sendable {
    case notMagnet
    case tooLong(count: Int, limit: Int)
    /// No `xt` with `urn:btih:` or `urn:btmh:`.
    case noInfoHash
    /// An `xt` of BitTorrent with something else than an info-hash.
    case badInfoHash
    /// Two different info-hashes of the same version.
    case severalInfoHashes
    /// `so` is no list of file numbers: to ignore it would fetch what was not asked for.
    case badSelection
}

extension MagnetFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notMagnet: "it is no magnet link"
        case .tooLong(let count, let limit):
            "the link has \(count) bytes, more than the \(limit) that are taken"
        case .noInfoHash: "the link names no BitTorrent info-hash"
        case .badInfoHash:
            "the link's info-hash is neither 40 hexadecimal nor 32 base32 digits, nor a SHA-256 multihash"
        case .severalInfoHashes: "the link names several torrents"
        case .badSelection: "the link's selection of files (so) is malformed"
        }
    }
}
