public import SwarmTypes

/// How much a poll reads.
public enum PollDepth: CaseIterable, Hashable, Sendable {
    /// What changed, or the active torrents where the server cannot say that cheaply.
    case cheap
    /// Every torrent, also in place of differences. Due every 10 to 15 minutes where polls read only the
    /// active torrents.
    case full
}

public struct PollReport: Hashable, Sendable {
    /// Whether every torrent was read.
    public var isComplete = false
    public var added: [TorrentID] = []
    public var removed: [TorrentID] = []
    /// qBittorrent was restarted, or another one answers. Every torrent has been read since, so the limits in
    /// the table are those in force.
    public var restarted = false
    /// Torrents that could not be read; a known one stays in the table as it was.
    public var malformedRows = 0
    public var calls = 0
    public var bytes = 0

    public init() {}
}

/// What is remembered from poll to poll, beside the table.
struct Observation {
    /// The session of the last poll that succeeded; 0 before the first.
    var epoch = 0
    /// For the next differences; 0 asks for everything.
    var responseID: Int64 = 0
    /// Answers in a row that held everything though differences were asked for.
    var uninvitedFullAnswers = 0
    /// Someone else uses our session, so that differences are never ours.
    var isSessionShared = false
    var uploadedEver: Int64 = 0
    var uploadedThisSession: Int64 = 0
    /// Torrents that were active in the last poll, to be asked for once more when they no longer are.
    var active: Set<TorrentID> = []

    /// Takes the server's own counters of uploaded bytes; true if one is less than before. Those of a single
    /// torrent would not do: libtorrent begins them anew whenever a torrent is paused or queued.
    mutating func goesBack(to everUploaded: Int64?, _ uploadedThisSession: Int64?) -> Bool {
        let ever = everUploaded ?? self.uploadedEver
        let session = uploadedThisSession ?? self.uploadedThisSession
        defer { (self.uploadedEver, self.uploadedThisSession) = (ever, session) }
        return ever < self.uploadedEver || session < self.uploadedThisSession
    }
}
