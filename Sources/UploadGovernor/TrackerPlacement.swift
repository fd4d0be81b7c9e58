import SwarmTypes

/// Where a list of announce URLs belongs, as far as the list alone can say.
enum Placement: Hashable, Sendable {
    /// All its URLs match one configured tracker, or there is but one URL.
    case settled(Int)
    /// Its URLs match several configured trackers: which one counts depends on their state. Until that is
    /// known, the first URL's tracker stands in.
    case ambiguous(Int)
}

/// Remembers for each of a client's tracker lists where it belongs, so that each URL is matched once.
struct TrackerPlacement: Sendable {
    private var placements: [Placement] = []

    /// Forgets all, after the configured trackers changed.
    mutating func reset() { self.placements = [] }

    /// Places the lists that came since the last call.
    mutating func extend(to sets: [[String]], by matcher: any TrackerMatching) {
        while self.placements.count < sets.count {
            let urls = sets[self.placements.count]
            let first = matcher.tracker(for: urls.first ?? "")
            let isSettled = urls.dropFirst().allSatisfy { matcher.tracker(for: $0) == first }
            self.placements.append(isSettled ? .settled(first) : .ambiguous(first))
        }
    }

    subscript(_ set: Int32) -> Placement? {
        self.placements.indices.contains(Int(set)) ? self.placements[Int(set)] : nil
    }
}
