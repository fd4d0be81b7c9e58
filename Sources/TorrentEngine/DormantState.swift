import EventIO
import MetainfoCoding
import SwarmCore
import SwarmTypes
import TrackerClient
import TrackerProtocol

/// What dormant torrents share with many others: everything that their owner said of them.
struct DormantProfile: Hashable {
    var options: AddOptions
    /// Of torrent files; nil for torrents of a session.
    var folder: String?
}

/// Who waits for a torrent to wake.
enum Sleepless {
    /// A person.
    case owner
    /// A peer whose handshake names it.
    case connection(PeerConnection)
    /// Peers that a tracker has named.
    case peers([PeerAddress])
}

/// All that an engine has of its dormant torrents.
struct DormantState {
    var table = DormantTorrents()
    var profiles = SharedValues<DormantProfile>()
    /// Of orders on their way.
    var tickets: [TorrentID: [AnnounceOrder.ID: TrackerClient.Ticket]] = [:]
    var timer: TimerToken?
    /// When what was due was last handed out.
    var servedAt: Instant?
    /// Torrents whose metainfo is being read, and who waits for it.
    var waking: [TorrentID: [Sleepless]] = [:]
    /// Torrents that have gone to sleep, and whose storage is not done yet.
    var dozing: [TorrentID: ActiveTorrent] = [:]
    /// Why torrents could not wake.
    var failures: [TorrentID: String] = [:]
    /// Reads metainfo; made when the first torrent wakes.
    var reader: EventLoop?

    private var schedules: [TrackerSet: AnnounceSchedule] = [:]

    private struct TrackerSet: Hashable {
        var tiers: [[String]]
        var isPrivate: Bool
    }

    /// Sets of trackers that torrents share memory for. A tracker that gives each torrent an URL of its own has as many
    /// sets as torrents, and nothing to share.
    private static let mostSchedules = 256

    /// A schedule that has not begun.
    mutating func schedule(
        for outline: TorrentOutline, at now: Instant, using random: inout some RandomNumberGenerator
    ) -> AnnounceSchedule {
        let set = TrackerSet(tiers: outline.tiers, isPrivate: outline.isPrivate)
        if let known = self.schedules[set] { return known.forAnotherTorrent(addedAt: now, using: &random) }
        let schedule = AnnounceSchedule(
            tiers: outline.tiers, isPrivate: outline.isPrivate, addedAt: now, using: &random)
        if self.schedules.count < Self.mostSchedules { self.schedules[set] = schedule }
        return schedule
    }
}
