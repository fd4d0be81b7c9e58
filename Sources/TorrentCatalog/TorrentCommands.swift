public import SwarmTypes

/// A torrent to be added.
public struct TorrentAddition: Sendable {
    public enum Source: Sendable {
        /// A .torrent file's bytes: hostile until parsed.
        case file([UInt8])
        /// A magnet link, or the http address of a .torrent file.
        case link(String)
    }

    public var source: Source
    /// Nil: that of the category, or the usual one.
    public var directory: String?
    public var category = ""
    public var tags: [String] = []
    public var name: String?
    /// Nil: as set for all.
    public var isStopped: Bool?
    /// All of it is there: nothing is hashed before a peer asks.
    public var isTrusted = false
    public var uploadLimit = UploadLimit.unlimited
    public var downloadLimit = UploadLimit.unlimited
    public var shareLimits = ShareLimits()
    public var isSequential = false
    public var wantsEndsFirst = false
    /// Nil: as set for all.
    public var isManaged: Bool?
    public var goesToTop = false
    public var isForced = false

    public init(_ source: Source) { self.source = source }
}

/// What is asked of torrents that are there. All can be asked of many at once.
public enum TorrentCommand: Hashable, Sendable {
    case start, stop, recheck, announce
    case force(Bool)
    case remove(withFiles: Bool)
    case setCategory(String)
    case addTags([String])
    /// Empty: all of them.
    case removeTags([String])
    case setTags([String])
    case setUploadLimit(UploadLimit)
    case setDownloadLimit(UploadLimit)
    case setShareLimits(ShareLimits)
    /// Its files move there.
    case move(to: String)
    case setManaged(Bool)
    case setSequential(Bool)
    case setEndsFirst(Bool)
    case setSuperSeeding(Bool)
    case queue(QueueMove)
    case addPeers([PeerAddress])
    // Of one torrent.
    case rename(String)
    case renamePath(from: String, to: String)
    case setFilePriority(files: [Int], FilePriority)
    case addTrackers([String])
    case replaceTracker(String, by: String)
    case removeTrackers([String])
}

public enum QueueMove: Hashable, Sendable { case top, up, down, bottom }

public enum TorrentTargets: Hashable, Sendable {
    case all
    case some([TorrentID])
}

/// Why something that was asked was not done. Nothing has changed then.
public enum CatalogFailure: Error, Hashable, Sendable {
    case noSuchTorrent
    case alreadyThere(TorrentID)
    /// What was sent is no torrent, no link, no possible value; the words say what and where.
    case invalid(String)
    /// It does not fit what is there, such as a name that is taken.
    case conflict(String)
    /// The disk, the network or the database refuse.
    case failed(String)
    /// Weir cannot do that yet.
    case notSupported(String)
}
