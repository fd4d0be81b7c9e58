/// One tracker's part in borrowing, in bytes per second.
struct BorrowingTracker: Hashable {
    var want: Int64
    /// What the tracker gets if it wants it, whatever the others do.
    var cap: Int64
    /// What it may have at most.
    var ceiling: Int64
    /// The weight with which it takes of what the others leave.
    var priority: Int64
}

/// Effective caps that together are at most `total`: first everyone's want up to its cap, then the rest to those
/// who want more, by priority and up to their ceilings, and what nobody wants back to its owners.
func shareCaps(of trackers: [BorrowingTracker], total: Int64) -> [Int64] {
    var shares = trackers.map { max(0, min($0.want, $0.cap)) }
    var rest = max(0, total - shares.reduce(0, +))
    let rooms = trackers.indices.map { max(0, min(trackers[$0].want, trackers[$0].ceiling) - shares[$0]) }

    // Those who are full at the lowest level first: room over priority, compared without dividing.
    let borrowers = trackers.indices.filter { rooms[$0] > 0 }.sorted { left, right in
        let (first, second) = (
            rooms[left] * trackers[right].weight, rooms[right] * trackers[left].weight
        )
        return first == second ? left < right : first < second
    }
    var weights = borrowers.reduce(0) { $0 + trackers[$1].weight }
    for borrower in borrowers {
        let weight = trackers[borrower].weight
        let loan = min(rooms[borrower], proportion(of: rest, weight, in: weights))
        shares[borrower] += loan
        rest -= loan
        weights -= weight
    }

    let unused = trackers.indices.map { max(0, trackers[$0].cap - shares[$0]) }
    let allUnused = unused.reduce(0, +)
    let returned = min(rest, allUnused)
    for index in trackers.indices { shares[index] += proportion(of: returned, unused[index], in: allUnused) }
    return shares
}

/// `amount * part / whole`, rounded down; `part` is at most `whole`, so that the result always fits.
func proportion(of amount: Int64, _ part: Int64, in whole: Int64) -> Int64 {
    guard whole > 0, part > 0, amount > 0 else { return 0 }
    return whole.dividingFullWidth(amount.multipliedFullWidth(by: min(part, whole))).quotient
}

extension BorrowingTracker {
    fileprivate var weight: Int64 { min(max(1, self.priority), 1000) }
}
