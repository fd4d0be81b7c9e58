import SwarmTypes

/// What a strategy wants, by position in the `TorrentTable`; the plan is made of it.
struct Proposal {
    /// The limits to be in force; equal to the present ones where nothing changes.
    var limits: [Int64]
    /// Why, for each position that changes.
    var reasons: [ChangeReason]
    /// By tracker; nil for a tracker without a cap.
    var effectiveCaps: [Int64?]
    /// Torrents at or above the activity threshold, by tracker.
    var active: [Int]
    var considered = 0

    /// Nothing changes, and no cap is lent.
    init(_ table: TorrentTable, _ trackers: [GovernedTracker]) {
        self.limits = table.limits
        self.reasons = Array(repeating: .share, count: table.limits.count)
        self.effectiveCaps = trackers.map { $0.cap.rate?.bounded }
        self.active = Array(repeating: 0, count: trackers.count)
    }

    mutating func change(_ position: Int, to limit: Int64, _ reason: ChangeReason) {
        self.limits[position] = limit
        self.reasons[position] = reason
    }
}

extension Proposal {
    /// Gives the governed torrents in `span` their originals back, where they are known.
    mutating func restoreOriginals(in span: Range<Int>, of table: TorrentTable, _ reason: ChangeReason) {
        for position in span where table.isGoverned[position] {
            guard let original = table.torrent(at: position).original?.plannable else { continue }
            if original != table.limits[position] { self.change(position, to: original, reason) }
        }
    }

    /// The plan that carries the proposal out: one call for each value and direction, every cut first. So after
    /// each call the limits of a tracker add up to no more than before, or no more than after the last one.
    func plan(_ strategy: AllocationStrategy, _ trackers: [GovernedTracker], _ table: TorrentTable) -> Plan {
        let changes = self.changes(table)
        var slots: [CallKey: Int] = [:]
        var calls: [LimitCall] = []
        for (index, change) in changes.enumerated() {
            let key = CallKey(limit: change.to, isDecrease: change.isDecrease)
            if let slot = slots[key] {
                calls[slot].changes.append(index)
            } else {
                slots[key] = calls.count
                calls.append(LimitCall(limit: key.limit, isDecrease: key.isDecrease, changes: [index]))
            }
        }
        calls.sort {
            $0.isDecrease == $1.isDecrease ? $0.limit < $1.limit : $0.isDecrease
        }
        return Plan(
            strategy: strategy, considered: self.considered, trackers: self.outcomes(trackers, table),
            changes: changes, calls: calls)
    }

    private struct CallKey: Hashable {
        var limit: UploadLimit
        var isDecrease: Bool
    }

    private func changes(_ table: TorrentTable) -> [LimitChange] {
        var changes: [LimitChange] = []
        for position in table.positionsByKey where self.limits[position] != table.limits[position] {
            let torrent = table.torrent(at: position)
            let limit = UploadLimit(bounded: self.limits[position])
            if limit == torrent.limit { continue }
            changes.append(
                LimitChange(
                    key: torrent.key, tracker: torrent.tracker, from: torrent.limit, to: limit,
                    reason: self.reasons[position]))
        }
        return changes
    }

    private func outcomes(_ trackers: [GovernedTracker], _ table: TorrentTable) -> [TrackerOutcome] {
        zip(trackers.indices, trackers).map { index, tracker in
            let span = table.spans[index]
            let effective = self.effectiveCaps[index].map { UploadLimit.bytesPerSecond($0) } ?? .unlimited
            return TrackerOutcome(
                id: tracker.id, baseCap: tracker.cap,
                effectiveCap: effective.bounded == tracker.cap.bounded ? tracker.cap : effective,
                torrents: span.count, activeTorrents: self.active[index],
                uploadRate: ByteRate(bytesPerSecond: table.rate(in: span)),
                sumBefore: table.sum(of: table.limits, in: span),
                sumAfter: table.sum(of: self.limits, in: span))
        }
    }
}
