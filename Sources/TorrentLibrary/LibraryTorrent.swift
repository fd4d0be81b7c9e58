import SwarmTypes
import TorrentCatalog
import TorrentEngine
import TorrentStorage

/// What the library remembers of a torrent beside its line in the catalogue. Lives on the library's loop only.
final class LibraryTorrent {
    enum Phase: Hashable {
        /// Not in the engine.
        case idle
        case running
        /// The engine is closing its files and telling its trackers; what follows is in `afterwards`.
        case ending
    }

    /// What is to be done as soon as the engine has let go of it.
    enum Afterwards {
        case recheck
        case move(to: String)
        case rename(from: String, to: String)
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
    /// The magnet link that it was added by.
    var link: String?
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
    var timeline = Timeline()
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

    /// Adds the seconds that run now to those of before.
    func settleTimes(at now: Int64) {
        self.activeSeconds += self.activeSince.map { max(0, now - $0) } ?? 0
        self.seedingSeconds += self.seedingSince.map { max(0, now - $0) } ?? 0
        self.activeSince = self.activeSince.map { _ in now }
        self.seedingSince = self.seedingSince.map { _ in now }
    }
}

/// What happened to a torrent: the newest hundred, and a text that repeats the last one only brings it up to date.
struct Timeline {
    static let limit = 100
    private(set) var happenings: [TorrentHappening] = []

    mutating func note(_ code: String, _ text: String, at now: Int64) {
        if let last = self.happenings.last, last.code == code, last.text == text {
            self.happenings[self.happenings.count - 1].at = now
            return
        }
        if self.happenings.count == Self.limit { self.happenings.removeFirst() }
        self.happenings.append(TorrentHappening(at: now, code: code, text: text))
    }

    var newestFirst: [TorrentHappening] { self.happenings.reversed() }
}
