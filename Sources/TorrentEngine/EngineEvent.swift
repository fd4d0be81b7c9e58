public import MetainfoCoding
public import SwarmTypes
public import TorrentStorage

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
    /// A tracker has answered, or has not.
    case announced(TorrentID)
    /// Its disk has stopped it; the words say why. It goes on by itself, with `running`, when the cause is gone.
    case interrupted(TorrentID, String)
    /// A piece of it is not what it was.
    case damaged(TorrentID, String)
    /// What the next start should know cannot be read or written; the torrents go on.
    case recordFailed(String)
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
public struct AddOptions: Hashable, Sendable {
    /// Where its files or its folder lie.
    public var directory: String
    public var knowledge = Knowledge.check
    /// Peers to be dialled, besides those that trackers name.
    public var peers: [PeerAddress] = []
    /// Others whose host has a name.
    public var namedPeers: [MagnetPeer] = []
    /// The name of the tracker's cap that it shares with others; nil for none. See `TorrentEngine.setCaps`.
    public var cap: String?
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    /// Numbers of the files to fetch; nil for all.
    public var selectedFiles: [ClosedRange<Int>]?
    public var wishes = TorrentWishes()
    /// Takes the disk's space for all wanted files before the first block; else files grow as blocks come, with holes.
    public var reservesSpace = false
    /// Finds out what the disk has, and does not take part in the swarm.
    public var checksOnly = false
    /// By number, the paths of files that are not called as the torrent says.
    public var renamedFiles: [Int: String] = [:]
    /// Trackers in place of those that the torrent or link names, by tier.
    public var trackers: [[String]]?
    /// Torrents of a collection that starts at once are spread over so many seconds for their trackers, each at a time of
    /// its own; 0 announces at once.
    public var startSpreadSeconds = 0.0
    /// Where the metainfo can be read again, so that the torrent may sleep when it is complete and nobody asks for it; nil
    /// keeps it awake.
    public var place: MetainfoPlace?
    /// Hashes everything, whatever the record says.
    public var distrustsRecord = false

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

    /// What the record says of it, when it is known already.
    public var stored: StoredTorrent?
    /// Everything is as the record says, its selection too.
    var isRestored = false

    public init(directory: String) { self.directory = directory }

    /// Takes the data as it is: nothing is fetched, made or repaired.
    var isSeedOnly: Bool { self.knowledge == .complete || self.knowledge == .trusted }
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
    /// Of the pieces that hold something of the selected files.
    public var wantedBytes: Int64 = 0
    /// The name of the cap it shares; nil for none.
    public var cap: String?
    /// Of what is wanted, checked.
    public var doneBytes: Int64 = 0
    public var pieceCount = 0
    public var piecesHad = 0
    public var downRate = ByteRate.zero
    public var upRate = ByteRate.zero
    /// Since this session began, in bytes.
    public var downloaded: Int64 = 0
    public var uploaded: Int64 = 0
    /// Since the torrent was added.
    public var totalDownloaded: Int64 = 0
    public var totalUploaded: Int64 = 0
    public var peers = 0
    public var seeds = 0
    public var isFinished = false
    /// It sleeps until a peer asks for it.
    public var isDormant = false
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
