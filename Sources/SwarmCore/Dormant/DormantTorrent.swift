public import SwarmTypes
public import TrackerProtocol

/// Payload bytes of a torrent since it was added.
public struct SwarmTotals: Hashable, Sendable {
    public var downloaded: Int64 = 0
    public var uploaded: Int64 = 0
    /// Thrown away because their piece failed, or because they came twice.
    public var corrupt: Int64 = 0
    public var redundant: Int64 = 0

    public init() {}

    public var transferred: TransferTotals {
        TransferTotals(
            uploaded: UInt64(clamping: self.uploaded), downloaded: UInt64(clamping: self.downloaded),
            corrupt: UInt64(clamping: self.corrupt), redundant: UInt64(clamping: self.redundant))
    }
}

/// A complete torrent that nobody asks for: what its trackers must be told, and what a peer is greeted with. Piece hashes,
/// files and peers are elsewhere until somebody comes.
///
/// There are tens of thousands: every stored property counts.
public struct DormantTorrent: Sendable {
    public let id: TorrentID
    /// Constant for the session, as `announceKey` is (BEP 7).
    public let ownID: PeerID
    public let announceKey: UInt32
    public let isPrivate: Bool
    public let name: String
    public let totalLength: Int64
    public let pieceCount: Int32
    public let addedAt: Instant
    public var schedule: AnnounceSchedule
    public var totals = SwarmTotals()
    /// Of sessions before this one, in bytes: for people, not for trackers.
    public var uploadedBefore: Int64 = 0
    public var downloadedBefore: Int64 = 0
    public var lastUploadAt: Instant?

    // The owner's, and not looked at here.
    /// Where its metainfo is.
    public var place: String
    /// Number of the owner's record that torrents share.
    public var profile: Int32

    public init(
        id: TorrentID, ownID: PeerID, announceKey: UInt32, isPrivate: Bool, name: String,
        totalLength: Int64, pieceCount: Int32, addedAt: Instant, schedule: AnnounceSchedule, place: String,
        profile: Int32
    ) {
        self.id = id
        self.ownID = ownID
        self.announceKey = announceKey
        self.isPrivate = isPrivate
        self.name = name
        self.totalLength = totalLength
        self.pieceCount = pieceCount
        self.addedAt = addedAt
        self.schedule = schedule
        self.place = place
        self.profile = profile
    }

    func facts(port: UInt16) -> AnnounceFacts {
        AnnounceFacts(
            torrent: self.id, peerID: self.ownID, port: port, key: self.announceKey,
            totals: self.totals.transferred, left: 0)
    }
}
