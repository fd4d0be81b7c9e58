import SwarmTypes

/// How a torrent's rate classes it. Only rates decide, never limits: so a plan that has just been carried out
/// does not class anything anew.
enum TorrentActivity: Hashable {
    /// Too slow to show beyond the idle floor.
    case idle
    /// Uploads, but less than the activity threshold: it gets room to show that it is active.
    case stirring
    case active
}

/// What `equal`, `weighted` and `soft` give the governed torrents of one tracker.
///
/// The idle ones together get about a hundredth of the cap and those that stir a little above the activity
/// threshold each; the active ones share the rest. Where no torrent is active, those that stir share the cap,
/// and where none stirs all of them do.
struct ShareTargets {
    /// Positions, by key.
    private(set) var members: [Int] = []
    private(set) var activities: [TorrentActivity] = []
    /// What each member should have; together at most the capacity.
    private(set) var targets: [Int64] = []
    /// Members that keep their original limit while they are idle.
    private(set) var isRestored: [Bool] = []
    let capacity: Int64
    let floor: Int64
    /// Members at or above the activity threshold.
    private(set) var activeCount = 0
    /// Whether no member uploads more than its floor would show.
    private let isAsleep: Bool

    /// Classes the torrents and gives the idle ones their part; the others still have none.
    init(_ table: TorrentTable, _ span: Range<Int>, cap: Int64, settings: PlanningSettings) {
        let (capacity, count) = table.available(of: cap, in: span)
        self.capacity = capacity
        self.floor = idleFloor(cap: capacity, torrents: count)
        let part = capacity / Int64(max(1, count))
        for position in span where table.isGoverned[position] {
            let rate = table.rates[position]
            let activity =
                table.torrent(at: position).isUploading
                ? .active
                : Self.activity(rate, floor: self.floor, threshold: settings.activeThreshold.bounded)
            self.members.append(position)
            self.activities.append(activity)
            let original =
                settings.restoresInactive && activity == .idle
                ? table.torrent(at: position).original?.plannable : nil
            // An original of no more than an equal part always fits.
            let restored = original.flatMap { (1...max(1, part)) ~= $0 ? $0 : nil }
            self.isRestored.append(restored != nil)
            self.targets.append(restored ?? self.floor)
        }
        self.activeCount = self.activities.count { $0 == .active }
        self.isAsleep = self.activities.allSatisfy { $0 == .idle }
        self.promote()
    }

    /// The positions of the members that share what the idle ones leave.
    var active: [Int] {
        zip(self.members, self.activities).compactMap { $1 == .active ? $0 : nil }
    }

    /// A fifth of the floor is a sign of life: a client counts payload only, and in lumps.
    private static func activity(_ rate: Int64, floor: Int64, threshold: Int64) -> TorrentActivity {
        if rate >= threshold { return .active }
        return rate > 0 && 5 * rate >= floor ? .stirring : .idle
    }

    private mutating func promote() {
        for activity in [TorrentActivity.stirring, .idle] {
            guard !self.activities.contains(.active) else { return }
            for index in self.members.indices
            where self.activities[index] == activity && !self.isRestored[index] {
                self.activities[index] = .active
            }
        }
    }

    /// Gives the members that upload their part.
    ///
    /// - Parameter split: divides a capacity among the active members, in their order.
    func divided(threshold: Int64, split: (_ active: [Int], _ capacity: Int64) -> [Int64]) -> ShareTargets {
        var rest = self.capacity
        var (active, stirring): ([Int], [Int]) = ([], [])
        for index in self.members.indices {
            switch self.activities[index] {
            case .idle: rest -= self.targets[index]
            case .stirring: stirring.append(index)
            case .active: active.append(index)
            }
        }
        guard !active.isEmpty else { return self }
        if self.isAsleep, active.count >= 100 {
            // Nobody uses the difference, and one torrent more does not change the limits of all.
            rest = gridDown(rest / Int64(active.count)) * Int64(active.count)
        }

        var result = self
        let room = gridUp(max(threshold + threshold / 4, 2 * self.floor))
        let stirringPart = min(room, rest / Int64(active.count + stirring.count))
        for index in stirring { result.targets[index] = stirringPart }
        let parts = split(active.map { self.members[$0] }, rest - stirringPart * Int64(stirring.count))
        for (index, part) in zip(active, parts) { result.targets[index] = part }
        return result
    }

    /// Bounds every target to what a client can keep, and rounds it down to the grid with `bits`, if any.
    func rounded(bits: Int?) -> ShareTargets {
        var result = self
        for index in self.targets.indices where !self.isRestored[index] {
            let target = min(self.targets[index], RateBounds.plannable)
            result.targets[index] = bits.map { gridDown(target, bits: $0) } ?? target
        }
        return result
    }
}
