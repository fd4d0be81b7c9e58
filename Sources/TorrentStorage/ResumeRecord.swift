public import SwarmTypes

/// The pieces that a record says are on disk. Most torrents have all or none, and pay nothing for it.
public enum SavedPieces: Hashable, Sendable {
    case none
    case all
    case some(Bitfield)

    public init(_ pieces: Bitfield) {
        self = pieces.isEmpty ? .none : pieces.isComplete ? .all : .some(pieces)
    }

    /// As a bit field of so many pieces; a record of another count counts as nothing.
    public func bitfield(count: Int) -> Bitfield {
        switch self {
        case .none: Bitfield(count: count)
        case .all: Bitfield(allSet: count)
        case .some(let pieces): pieces.count == count ? pieces : Bitfield(count: count)
        }
    }
}

/// What is known of a torrent at a start without its metainfo: a lean row.
public struct ResumeRecord: Hashable, Sendable {
    public enum State: Int64, Sendable {
        case paused = 0
        case running = 1
        /// The files must be checked before anything else: something was lost or changed.
        case needsCheck = 2
    }

    public var torrent: TorrentID
    public var name: String
    public var directory: String
    public var state: State
    public var totalLength: Int64
    public var pieceCount: Int
    public var have: SavedPieces
    /// Payload, since the torrent was added, in bytes.
    public var uploaded: Int64
    public var downloaded: Int64
    /// In seconds since 1970.
    public var addedAt: Int64
    /// Nil until it was complete.
    public var finishedAt: Int64?
    public var trackers: SavedTrackers

    public init(
        torrent: TorrentID, name: String, directory: String, state: State = .running, totalLength: Int64,
        pieceCount: Int, have: SavedPieces = .none, uploaded: Int64 = 0, downloaded: Int64 = 0,
        addedAt: Int64, finishedAt: Int64? = nil, trackers: SavedTrackers = SavedTrackers()
    ) {
        self.torrent = torrent
        self.name = name
        self.directory = directory
        self.state = state
        self.totalLength = totalLength
        self.pieceCount = pieceCount
        self.have = have
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.addedAt = addedAt
        self.finishedAt = finishedAt
        self.trackers = trackers
    }
}

/// A torrent to be recorded.
public struct ResumeAddition: Sendable {
    public var record: ResumeRecord
    /// The .torrent file's bytes; nil as long as they are not known.
    public var metainfo: [UInt8]?
    /// The wanted files; nil is all.
    public var selection: Bitfield?
    /// The magnet link that it was added by, as text.
    public var link: String?

    public init(
        _ record: ResumeRecord, metainfo: [UInt8]? = nil, selection: Bitfield? = nil, link: String? = nil
    ) {
        self.record = record
        self.metainfo = metainfo
        self.selection = selection
        self.link = link
    }
}

/// The rest of a record, for when the torrent becomes active.
public struct ResumeDetails: Hashable, Sendable {
    /// Pieces that are had by trust alone.
    public var unproven: SavedPieces
    public var partials: [PartialPiece]
    /// Of each file, as the last checkpoint saw it; empty when there was none.
    public var files: [FileStamp]
    /// The wanted files; nil is all.
    public var selection: Bitfield?
    /// The magnet link that it was added by, as text.
    public var link: String?
}

/// All that is recorded of a torrent.
public struct StoredTorrent: Hashable, Sendable {
    public var record: ResumeRecord
    public var details: ResumeDetails
    /// The .torrent file's bytes; nil as long as they are not known.
    public var metainfo: [UInt8]?
}

/// What has changed of a torrent.
public struct ResumeUpdate: Sendable {
    public var torrent: TorrentID
    /// Nil leaves pieces and files as they were recorded.
    public var checkpoint: Checkpoint?
    public var uploaded: Int64
    public var downloaded: Int64
    public var state: ResumeRecord.State
    public var finishedAt: Int64?

    public init(
        torrent: TorrentID, checkpoint: Checkpoint? = nil, uploaded: Int64, downloaded: Int64,
        state: ResumeRecord.State, finishedAt: Int64? = nil
    ) {
        self.torrent = torrent
        self.checkpoint = checkpoint
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.state = state
        self.finishedAt = finishedAt
    }
}
