public import SwarmTypes

/// All torrents of a client, in the order of their identifiers. 30,000 of them take 3.5 MB.
public struct TorrentTable: Sendable {
    public private(set) var rows: [TorrentRow] = []
    public private(set) var trackerSets = TrackerSets()

    public init() {}

    public var count: Int { self.rows.count }

    public func row(of id: TorrentID) -> TorrentRow? {
        self.index(of: id).map { self.rows[$0] }
    }

    /// The place in `rows`, which a later poll may move.
    public func index(of id: TorrentID) -> Int? {
        var low = 0
        var high = self.rows.count
        while low < high {
            let middle = (low + high) / 2
            if self.rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < self.rows.count && self.rows[low].id == id ? low : nil
    }

    /// Announce URLs of a row.
    public func trackers(of row: TorrentRow) -> [String] { self.trackerSets.urls(at: row.trackerSet) }

    mutating func setLimit(written: Int64, of id: TorrentID) {
        guard let index = self.index(of: id) else { return }
        self.rows[index].setLimit(written: written)
    }

    /// Takes over what a poll found.
    mutating func apply(_ changes: consuming TableChanges) {
        for index in self.rows.indices {
            self.rows[index].uploadedBefore = self.rows[index].uploaded
            self.rows[index].uploadedInSessionBefore = self.rows[index].uploadedInSession
        }
        for (index, row) in changes.updates {
            let before = self.rows[index]
            self.rows[index] = row
            self.rows[index].uploadedBefore = before.uploadedBefore
            self.rows[index].uploadedInSessionBefore = before.uploadedInSessionBefore
        }
        self.trackerSets = changes.trackerSets
        if !changes.newcomers.isEmpty || !changes.removed.isEmpty {
            self.rows = merged(self.rows, without: changes.removed, with: changes.newcomers)
        }
        if changes.isComplete { self.trackerSets.removeUnused(in: &self.rows) }
    }
}

/// What a poll found, ready to be taken over.
struct TableChanges {
    /// Rows that are not as before, by their place.
    var updates: [(index: Int, row: TorrentRow)]
    /// In the order of their identifiers.
    var newcomers: [TorrentRow]
    /// Places, ascending.
    var removed: [Int]
    var trackerSets: TrackerSets
    /// Whether all torrents were read.
    var isComplete: Bool
}

/// Both orders are kept; the result has no spare capacity.
private func merged(
    _ rows: [TorrentRow], without removed: [Int], with newcomers: [TorrentRow]
) -> [TorrentRow] {
    var result: [TorrentRow] = []
    result.reserveCapacity(rows.count - removed.count + newcomers.count)
    var nextRemoved = 0
    var nextNewcomer = 0
    for (index, row) in rows.enumerated() {
        if nextRemoved < removed.count, removed[nextRemoved] == index {
            nextRemoved += 1
            continue
        }
        while nextNewcomer < newcomers.count, newcomers[nextNewcomer].id < row.id {
            result.append(newcomers[nextNewcomer])
            nextNewcomer += 1
        }
        result.append(row)
    }
    result.append(contentsOf: newcomers[nextNewcomer...])
    return result
}
