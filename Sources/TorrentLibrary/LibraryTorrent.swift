import MetainfoCoding
import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// What the library remembers of a torrent beside its line in the catalogue. Lives on the library's loop only.
final class LibraryTorrent {
    enum Phase: Hashable {
        /// Not in the engine.
        case idle
        /// Its description is being read.
        case starting
        case running
        /// The engine is closing its files and telling its trackers; what follows is in `afterwards`.
        case ending
    }

    /// What is to be done as soon as the engine has let go of it.
    enum Afterwards {
        case recheck
        case move(to: String)
        case rename(Metainfo, from: String, to: String)
    }

    let id: TorrentID
    var phase = Phase.idle
    /// Its owner does not want it to run.
    var isStopped = false
    /// There are too many before it.
    var isQueued = false
    /// Its files are being moved or renamed.
    var isBusy = false
    /// The engine has it only to find out what is on disk.
    var isCheckedOnly = false
    /// It ended by itself, of this; until its owner starts it again.
    var failure: String?
    var filesAreMissing = false

    /// The pieces that it had when the engine let go of it; nil when that is not known.
    var pieces: SavedPieces?
    /// Its files are hashed when it starts next, whatever is known of them.
    var mustBeChecked = false
    var knowledge = AddOptions.Knowledge.check
    /// The trackers that it came with, and whether it is private.
    var saved = SavedTrackers()
    /// Of its pieces, with padding, in bytes; 0 until they are known.
    var storedLength: Int64 = 0
    /// It was handed to the engine, and is not ready yet.
    var isBeginning = false
    /// Its name is not the torrent's own.
    var isRenamed = false
    /// It runs as it did before the program was started, which is no news.
    var isRestored = false
    var priorities: [Int: FilePriority] = [:]
    /// Paths of files that are not called as the torrent says.
    var renamed: [Int: String] = [:]
    /// Trackers in place of the torrent's own.
    var trackers: [[String]]?
    var afterwards: [Afterwards] = []
    /// Peers to be dialled when it starts.
    var peers: [PeerAddress] = []

    // Up to the last start.
    var uploaded: Int64 = 0
    var downloaded: Int64 = 0
    var wasted: Int64 = 0
    var activeSeconds: Int64 = 0
    var seedingSeconds: Int64 = 0
    /// Seconds since 1970.
    var activeSince: Int64?
    var seedingSince: Int64?
    /// When its trouble was looked for last.
    var diagnosedAt: Instant?

    init(id: TorrentID) { self.id = id }

    /// It should be in the engine.
    var isReady: Bool {
        guard self.failure == nil, self.afterwards.isEmpty, !self.isBusy else { return false }
        return self.isCheckedOnly || !self.isStopped && !self.isQueued
    }

    var wishes: TorrentWishes {
        var wishes = TorrentWishes()
        for (file, priority) in self.priorities {
            switch priority {
            case .skip: wishes.files[file] = .skip
            case .normal: break
            case .high: wishes.files[file] = .high
            case .highest: wishes.files[file] = .highest
            }
        }
        return wishes
    }

    /// Takes what its description says.
    func take(_ metainfo: Metainfo) {
        self.storedLength = metainfo.geometry.totalLength
        if self.saved == SavedTrackers() || !metainfo.announcement.tiers.isEmpty || metainfo.isPrivate {
            let tiers = metainfo.announcement.tiers.isEmpty ? self.saved.tiers : metainfo.announcement.tiers
            self.saved = SavedTrackers(tiers: tiers, isPrivate: metainfo.isPrivate)
        }
    }

    /// Adds the seconds that run now to those of before.
    func settleTimes(at now: Int64) {
        self.activeSeconds += self.activeSince.map { max(0, now - $0) } ?? 0
        self.seedingSeconds += self.seedingSince.map { max(0, now - $0) } ?? 0
        self.activeSince = self.activeSince.map { _ in now }
        self.seedingSince = self.seedingSince.map { _ in now }
    }
}
