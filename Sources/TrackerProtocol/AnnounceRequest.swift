public import SwarmTypes

/// Why a tracker is told now (BEP 3).
public enum AnnounceEvent: String, Hashable, Sendable {
    /// Its interval has passed, or peers are wanted.
    case none = ""
    case started, stopped, completed
    /// In place of `none` as long as we are a partial seed (BEP 21).
    case paused
}

/// Over which family of addresses a tracker is reached, which is the family it learns us under (BEP 7).
public enum AddressFamily: Hashable, Sendable { case any, ipv4, ipv6 }

/// What a tracker is told.
public struct AnnounceRequest: Hashable, Sendable {
    public var torrent: TorrentID
    public var peerID: PeerID
    /// Where we listen; the same for both families.
    public var port: UInt16
    /// Payload bytes since this tracker was told `started`; without those that failed their hash.
    public var uploaded: UInt64
    public var downloaded: UInt64
    /// Bytes missing of the whole torrent; 0 only when it is complete.
    public var left: UInt64
    /// Bytes that failed their hash, and bytes that came twice; not told when nil.
    public var corrupt: UInt64?
    public var redundant: UInt64?
    public var event: AnnounceEvent
    /// How many peers we would like.
    public var wantedPeers: UInt16
    /// Constant for a session and the same over both families: by it a tracker knows us under two addresses.
    public var key: UInt32
    /// What the tracker gave us to bring along.
    public var trackerID: [UInt8]?
    public var family: AddressFamily

    public init(
        torrent: TorrentID, peerID: PeerID, port: UInt16, uploaded: UInt64 = 0, downloaded: UInt64 = 0,
        left: UInt64, corrupt: UInt64? = nil, redundant: UInt64? = nil, event: AnnounceEvent = .none,
        wantedPeers: UInt16 = 80, key: UInt32, trackerID: [UInt8]? = nil, family: AddressFamily = .any
    ) {
        self.torrent = torrent
        self.peerID = peerID
        self.port = port
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.left = left
        self.corrupt = corrupt
        self.redundant = redundant
        self.event = event
        self.wantedPeers = wantedPeers
        self.key = key
        self.trackerID = trackerID
        self.family = family
    }
}
