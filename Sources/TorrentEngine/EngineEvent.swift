public import MetainfoCoding
public import SwarmTypes

/// What an engine tells its owner, on its loop.
public enum EngineEvent: Hashable, Sendable {
    /// A magnet link has become a torrent.
    case metadata(TorrentID)
    /// Nothing that is wanted of it is missing, and all is on disk.
    case finished(TorrentID)
    /// It takes part in its swarm.
    case running(TorrentID)
    /// It ended by itself; the words say of what.
    case failed(TorrentID, String)
}

/// What a torrent is made from.
public enum TorrentSource: Sendable {
    case metainfo(Metainfo)
    case magnet(MagnetLink)

    public var id: TorrentID {
        switch self {
        case .metainfo(let metainfo): metainfo.id
        case .magnet(let link): link.id
        }
    }
}

/// How a torrent is added.
public struct AddOptions: Sendable {
    /// Where its files or its folder lie.
    public var directory: String
    public var knowledge = Knowledge.check
    /// Peers to be dialled, besides those that trackers name.
    public var peers: [PeerAddress] = []
    /// Others whose host has a name.
    public var namedPeers: [MagnetPeer] = []
    /// The name and the limit of the tracker whose torrents share a cap; nil for none.
    public var cap: TrackerCap?
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    /// Numbers of the files to fetch; nil for all.
    public var selectedFiles: [ClosedRange<Int>]?

    public enum Knowledge: Hashable, Sendable {
        /// Nothing is there.
        case nothing
        /// Whatever is there is hashed first.
        case check
        /// All of it is there; each piece is proved when it is first asked for.
        case complete
        /// All of it is there, and nobody doubts it: nothing is hashed.
        case trusted
    }

    public init(directory: String) { self.directory = directory }
}

/// A tracker's own cap: one bucket that all its torrents share.
public struct TrackerCap: Hashable, Sendable {
    public var name: String
    public var upload: UploadLimit

    public init(name: String, upload: UploadLimit) {
        self.name = name
        self.upload = upload
    }
}

/// Why a torrent cannot be added.
public enum AddFailure: Error, Hashable, Sendable {
    case alreadyThere
    /// A v2 torrent: its pieces cannot be transferred yet.
    case onlyVersion2
    /// The torrent's own numbers do not fit together.
    case layout(String)
    case selectionIsEmpty
}

/// How far a torrent is: cheap to ask for.
public struct TorrentProgress: Hashable, Sendable {
    public var id: TorrentID
    public var name: String
    public var state: String
    public var totalBytes: Int64 = 0
    /// Of what is wanted, checked.
    public var doneBytes: Int64 = 0
    public var pieceCount = 0
    public var piecesHad = 0
    public var downRate = ByteRate.zero
    public var upRate = ByteRate.zero
    public var downloaded: Int64 = 0
    public var uploaded: Int64 = 0
    public var peers = 0
    public var seeds = 0
    public var isFinished = false
}

extension AddFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .alreadyThere: "this torrent is there already"
        case .onlyVersion2:
            "this torrent has only version 2 piece hashes (BEP 52); Weir cannot transfer these yet"
        case .layout(let words): "the torrent's files do not fit its pieces: \(words)"
        case .selectionIsEmpty: "the selection names no file with bytes"
        }
    }
}
