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
    private var revision: Int?

    /// Forgets all, after the configured trackers changed.
    mutating func reset() { self.placements = [] }

    /// How many lists are placed; none when the indices have got another meaning.
    mutating func count(at revision: Int) -> Int {
        if self.revision != revision { self.placements = [] }
        self.revision = revision
        return self.placements.count
    }

    /// Places the lists that came since.
    mutating func extend(by sets: [[String]], _ matcher: any TrackerMatching) {
        for urls in sets {
            let first = matcher.tracker(for: urls.first ?? "")
            let isSettled = urls.dropFirst().allSatisfy { matcher.tracker(for: $0) == first }
            self.placements.append(isSettled ? .settled(first) : .ambiguous(first))
        }
    }

    subscript(_ set: Int32) -> Placement? {
        self.placements.indices.contains(Int(set)) ? self.placements[Int(set)] : nil
    }
}
