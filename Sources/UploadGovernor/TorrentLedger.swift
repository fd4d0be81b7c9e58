import LimitPlanning
import SwarmTypes

/// A limit, or none, in four bytes: there are three for every torrent. Clients hold limits in 31 bits.
private struct CompactLimit: Hashable, Sendable {
    private var stored: UInt32

    init(_ limit: UploadLimit?) {
        switch limit {
        case nil: self.stored = 0
        case .unlimited: self.stored = .max
        case .atMost(let rate): self.stored = UInt32(clamping: min(max(1, rate.bytesPerSecond), 0xFFFF_FFFE))
        }
    }

    var limit: UploadLimit? {
        switch self.stored {
        case 0: nil
        case .max: .unlimited
        default: .bytesPerSecond(Int64(self.stored))
        }
    }
}

/// What the governor remembers of one torrent between cycles, in 28 bytes.
struct LedgerEntry: Hashable, Sendable {
    private var compactOriginal = CompactLimit(nil)
    private var compactOurs = CompactLimit(nil)
    private var compactPrevious = CompactLimit(nil)
    /// The last cycle that saw the torrent.
    var seenInCycle: UInt32 = 0
    /// When Weir first set its limit, in seconds since 1970.
    var managedSince: UInt32 = 0
    /// When the choice among its trackers was made, in seconds of the monotonic clock.
    var placedAt: Int32 = .min
    private var place: Int16 = -1
    var rolloutBucket: UInt8 = 0
    /// The lowest bit: `isForeign`; above it `lastReason`, as its place among all reasons and one.
    private var marks: UInt8 = 0

    init(
        original: UploadLimit? = nil, ours: UploadLimit? = nil, previous: UploadLimit? = nil,
        seenInCycle: UInt32 = 0, managedSince: UInt32 = 0, tracker: Int16? = nil, rolloutBucket: UInt8 = 0,
        isForeign: Bool = false
    ) {
        self.seenInCycle = seenInCycle
        self.managedSince = managedSince
        self.rolloutBucket = rolloutBucket
        self.isForeign = isForeign
        self.original = original
        self.ours = ours
        self.previous = previous
        self.tracker = tracker
    }

    /// The limit from before Weir first touched it; nil when Weir has no claim on it.
    var original: UploadLimit? {
        get { self.compactOriginal.limit }
        set { self.compactOriginal = CompactLimit(newValue) }
    }

    /// The limit Weir set and saw in force.
    var ours: UploadLimit? {
        get { self.compactOurs.limit }
        set { self.compactOurs = CompactLimit(newValue) }
    }

    /// The one before `ours`: a client that crashed may come back with it.
    var previous: UploadLimit? {
        get { self.compactPrevious.limit }
        set { self.compactPrevious = CompactLimit(newValue) }
    }

    /// Index into the configured trackers; nil until it is placed.
    var tracker: Int16? {
        get { self.place < 0 ? nil : self.place }
        set { self.place = newValue ?? -1 }
    }

    /// The user's own limit stands.
    var isForeign: Bool {
        get { self.marks & 1 == 1 }
        set { self.marks = self.marks & ~1 | (newValue ? 1 : 0) }
    }

    /// Why `ours` was set; nil when that was before the start.
    var lastReason: ChangeReason? {
        get {
            let place = Int(self.marks >> 1)
            return place > 0 && place <= Self.reasons.count ? Self.reasons[place - 1] : nil
        }
        set {
            let place = newValue.flatMap { Self.reasons.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
            self.marks = self.marks & 1 | UInt8(clamping: place) << 1
        }
    }

    private static let reasons = ChangeReason.allCases
}

/// What a reading says about a limit that Weir had set.
enum LimitReading: Hashable, Sendable {
    case asExpected
    /// Another value, and what it is taken for.
    case drift(DriftCause)
    /// The user lifted the limit that Weir respected: the torrent is Weir's again.
    case handedBack
}

/// The torrents that Weir knows, and what it has claimed of them.
struct TorrentLedger: Sendable {
    private(set) var entries: [TorrentKey: LedgerEntry] = [:]

    var count: Int { self.entries.count }

    subscript(_ key: TorrentKey) -> LedgerEntry? { self.entries[key] }

    /// Takes over what the journal knows. Tracker ids that are no longer configured leave the place open.
    mutating func load(
        _ remembered: [RememberedTorrent], trackers: [GovernedTracker], bucket: (TorrentID) -> UInt8
    ) {
        let places = Dictionary(
            trackers.enumerated().map { ($1.id, Int16(clamping: $0)) },
            uniquingKeysWith: { first, _ in first })
        self.entries.reserveCapacity(remembered.count)
        for torrent in remembered {
            self.entries[torrent.key] = LedgerEntry(
                original: torrent.original, ours: torrent.ours,
                managedSince: UInt32(clamping: torrent.takenAt), tracker: places[torrent.trackerID],
                rolloutBucket: bucket(torrent.key.id), isForeign: torrent.isForeign)
        }
    }

    /// The entry of a torrent just seen, made if it is new.
    mutating func see(_ key: TorrentKey, cycle: UInt32, bucket: (TorrentID) -> UInt8) -> LedgerEntry {
        if let index = self.entries.index(forKey: key) {
            self.entries.values[index].seenInCycle = cycle
            return self.entries.values[index]
        }
        let entry = LedgerEntry(seenInCycle: cycle, rolloutBucket: bucket(key.id))
        self.entries[key] = entry
        return entry
    }

    func visit(_ body: (TorrentKey, LedgerEntry) -> Void) {
        for (key, entry) in self.entries { body(key, entry) }
    }

    mutating func update(_ key: TorrentKey, _ change: (inout LedgerEntry) -> Void) {
        guard let index = self.entries.index(forKey: key) else { return }
        change(&self.entries.values[index])
    }

    /// Judges a limit just read against what Weir had set, by the stated ownership rule: another hand's limit
    /// is respected when the policy says so, it is a limit at all, and it is not above the tracker's cap.
    /// "Unlimited" and the value before ours cannot be told from a limit that the client forgot.
    static func judge(
        _ found: UploadLimit, against entry: LedgerEntry, cap: UploadLimit, restarted: Bool,
        policy: ForeignChangePolicy
    ) -> LimitReading {
        if entry.isForeign { return found == .unlimited || found > cap ? .handedBack : .asExpected }
        guard let ours = entry.ours, ours != found else { return .asExpected }
        if restarted || found == .unlimited || found == entry.previous { return .drift(.lost) }
        guard policy == .respect, found <= cap else { return .drift(.enforced) }
        return .drift(.respected)
    }

    /// Follows a judgement. The journal must have taken it first.
    mutating func follow(_ reading: LimitReading, of key: TorrentKey) {
        self.update(key) { entry in
            switch reading {
            case .asExpected: break
            case .handedBack: entry.isForeign = false
            case .drift(.respected):
                entry.isForeign = true
                entry.original = nil
                entry.ours = nil
                entry.previous = nil
            case .drift:
                entry.previous = entry.ours
                entry.ours = nil
            }
        }
    }

    /// Records that a change was read back as intended.
    mutating func confirm(_ change: LimitChange, at secondsSince1970: Int64) {
        self.update(change.key) { entry in
            if entry.ours == nil, entry.original == nil {
                entry.managedSince = UInt32(clamping: secondsSince1970)
            }
            if change.reason.givesBack {
                entry.original = nil
                entry.ours = nil
                entry.previous = nil
                return
            }
            entry.original = entry.original ?? change.from
            entry.previous = entry.ours
            entry.ours = change.to
            entry.lastReason = change.reason
        }
    }

    /// Records that a change was sent, and that its outcome is unknown or another value: the torrent is Weir's
    /// to give back, but no value is known to be ours.
    mutating func leaveOpen(_ change: LimitChange) {
        self.update(change.key) { entry in
            entry.original = entry.original ?? change.from
            entry.previous = entry.ours
            entry.ours = nil
        }
    }

    mutating func remove(_ keys: [TorrentKey]) {
        for key in keys { self.entries[key] = nil }
    }

    /// The torrents of one instance that no cycle since `cycle` has seen.
    func unseen(since cycle: UInt32, of instance: InstanceIndex) -> [TorrentKey] {
        self.entries.compactMap { key, entry in
            key.instance == instance && entry.seenInCycle < cycle ? key : nil
        }
    }

    /// Whether anything of the instance waits to be given back.
    var claimedCount: Int { self.entries.values.reduce(0) { $0 + ($1.original == nil ? 0 : 1) } }

    /// Maps each entry's place to a new list of trackers, by id; what is gone is placed anew.
    mutating func remap(from old: [GovernedTracker], to new: [GovernedTracker]) {
        let places = Dictionary(
            new.enumerated().map { ($1.id, Int16(clamping: $0)) }, uniquingKeysWith: { first, _ in first })
        let moved = old.map { places[$0.id] }
        self.entries = self.entries.mapValues { entry in
            guard let place = entry.tracker else { return entry }
            var entry = entry
            entry.tracker = moved.indices.contains(Int(place)) ? moved[Int(place)] : nil
            entry.placedAt = .min
            return entry
        }
    }
}
