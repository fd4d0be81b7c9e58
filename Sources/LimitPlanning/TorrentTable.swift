import SwarmTypes

/// The input as columns: the torrents of each tracker side by side, by key, in plain bounded integers.
///
/// A *position* is an index into these columns. What is planned never depends on the order of the input,
/// because every list runs in the order of the keys.
struct TorrentTable {
    let torrents: [PlanningTorrent]
    /// Position to index in `torrents`.
    let rows: [Int]
    /// All positions, by key.
    let positionsByKey: [Int]
    /// The positions of each tracker.
    let spans: [Range<Int>]
    let rates: [Int64]
    /// `RateBounds.unlimited` for none.
    let limits: [Int64]
    let isGoverned: [Bool]

    /// Torrents of a tracker that does not exist are left out.
    init(_ input: PlanningInput) {
        let torrents = input.torrents
        let order = Self.order(of: torrents)
        var counts = [Int](repeating: 0, count: input.trackers.count)
        for torrent in torrents where counts.indices.contains(torrent.tracker) {
            counts[torrent.tracker] += 1
        }

        var next: [Int] = []
        var spans: [Range<Int>] = []
        var total = 0
        for count in counts {
            next.append(total)
            spans.append(total..<(total + count))
            total += count
        }

        var rows = [Int](repeating: 0, count: total)
        var positions: [Int] = []
        positions.reserveCapacity(total)
        for row in order {
            let tracker = torrents[row].tracker
            guard counts.indices.contains(tracker) else { continue }
            rows[next[tracker]] = row
            positions.append(next[tracker])
            next[tracker] += 1
        }
        self.torrents = torrents
        self.rows = rows
        self.positionsByKey = positions
        self.spans = spans
        self.rates = rows.map { torrents[$0].uploadRate.bounded }
        self.limits = rows.map { torrents[$0].limit.bounded }
        self.isGoverned = rows.map { torrents[$0].standing == .governed }
    }

    func torrent(at position: Int) -> PlanningTorrent { self.torrents[self.rows[position]] }

    /// Indices by key; a list that already runs by key is not sorted again.
    private static func order(of torrents: [PlanningTorrent]) -> [Int] {
        let isSorted = torrents.indices.dropFirst().allSatisfy { torrents[$0 - 1].key < torrents[$0].key }
        let indices = Array(torrents.indices)
        return isSorted ? indices : indices.sorted { torrents[$0].key < torrents[$1].key }
    }
}

extension TorrentTable {
    /// What a torrent that must not be touched takes of its tracker's cap: its limit, or its rate without one.
    func heldShare(at position: Int) -> Int64 {
        self.limits[position] == RateBounds.unlimited ? self.rates[position] : self.limits[position]
    }

    /// What is left of a cap for the governed torrents among `span`: at least 1 B/s each, because a limit of
    /// zero means "unlimited" to a client.
    func available(of cap: Int64, in span: Range<Int>) -> (capacity: Int64, governed: Int) {
        var held: Int64 = 0
        var governed = 0
        for position in span {
            if self.isGoverned[position] { governed += 1 } else { held += self.heldShare(at: position) }
        }
        return (max(cap - held, Int64(governed)), governed)
    }

    /// The limits in force added up over `span`, unlimited as soon as a governed torrent is.
    func sum(of limits: [Int64], in span: Range<Int>) -> UploadLimit {
        var sum: Int64 = 0
        for position in span {
            if self.isGoverned[position] {
                guard limits[position] != RateBounds.unlimited else { return .unlimited }
                sum += limits[position]
            } else {
                sum += self.heldShare(at: position)
            }
        }
        return .bytesPerSecond(sum)
    }

    func rate(in span: Range<Int>) -> Int64 {
        span.reduce(0) { $0 + self.rates[$1] }
    }
}
