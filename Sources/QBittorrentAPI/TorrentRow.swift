public import SwarmTypes

/// What of a torrent's state the governor needs of it.
public enum TorrentActivity: UInt8, Sendable {
    /// Uploading, downloading, stalled, queued, checking, moving: it may upload now or without notice.
    case canUpload
    /// Stopped by somebody ("paused" before qBittorrent 5.0).
    case stopped
    /// An error, or missing files.
    case broken
}

/// One torrent of a client as last seen: 96 bytes, nothing on the heap.
public struct TorrentRow: Hashable, Sendable {
    public internal(set) var id: TorrentID
    /// As qBittorrent spells it; see `LimitSpelling`.
    var writtenLimit: Int32 = 0
    /// Payload bytes ever uploaded, and the same at the poll before.
    public internal(set) var uploaded: Int64 = 0
    var uploadedBefore: Int64 = 0
    /// The same since libtorrent took the torrent up: it is of the moment of the last refresh, where `uploaded` counts in
    /// whole seconds.
    var uploadedInSession: Int64 = 0
    var uploadedInSessionBefore: Int64 = 0
    private var lastActivitySeconds: Int64 = 0
    /// Seconds since 1970.
    public internal(set) var addedOn: Int64 = 0
    private var uploadBytesPerSecond: Int64 = 0
    /// Connected peers that lack pieces, and connected seeds.
    public internal(set) var leeches: Int32 = 0
    public internal(set) var seeds: Int32 = 0
    /// Index into `TorrentTable.trackerSets`.
    public internal(set) var trackerSet: Int32 = 0
    public internal(set) var activity = TorrentActivity.canUpload
    public internal(set) var isComplete = false

    init(id: TorrentID) { self.id = id }

    /// qBittorrent's own figure: it decays over many seconds after an upload ended.
    public var uploadRate: ByteRate { ByteRate(bytesPerSecond: self.uploadBytesPerSecond) }

    /// The measuring stick: payload bytes between the last two polls that succeeded. The server refreshes
    /// its counters every `refresh_interval`, 1.5 s unless set otherwise.
    public var uploadedSincePoll: Int64 {
        let inSession = self.uploadedInSession &- self.uploadedInSessionBefore
        // A torrent that was stopped begins its session anew.
        return inSession > 0 && self.uploadedInSessionBefore > 0
            ? inSession : max(0, self.uploaded &- self.uploadedBefore)
    }

    public var uploadLimit: UploadLimit { LimitSpelling.limit(from: Int64(self.writtenLimit)) }

    /// Seconds since 1970; nil when the torrent has never moved payload.
    public var lastActivity: Int64? { self.lastActivitySeconds > 0 ? self.lastActivitySeconds : nil }
}

extension TorrentRow {
    mutating func setLimit(written: Int64) {
        self.writtenLimit = Int32(exactly: written) ?? 0
    }

    mutating func setUploadRate(_ bytesPerSecond: Int64) {
        self.uploadBytesPerSecond = max(0, bytesPerSecond)
    }

    mutating func setLastActivity(_ seconds: Int64) { self.lastActivitySeconds = seconds }
}
