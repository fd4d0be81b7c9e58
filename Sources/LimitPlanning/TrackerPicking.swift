/// What a tracker's plan would change, and how pressing it is.
struct PendingChanges: Hashable {
    var count: Int
    /// The tracker's limits or its uploads are above its cap, or it has an unlimited torrent.
    var isUrgent: Bool
    /// For how many cycles they have been put off.
    var age: Int
}

/// Which trackers change their limits in this cycle: all the urgent ones, then the longest waiting as long as
/// their changes fit the budget. The first one always goes, however many changes it has.
func pickTrackers(_ pending: [PendingChanges], budget: Int) -> [Int] {
    let byPressure = pending.indices.filter { pending[$0].count > 0 }.sorted { left, right in
        let (first, second) = (pending[left], pending[right])
        if first.isUrgent != second.isUrgent { return first.isUrgent }
        return first.age == second.age ? left < right : first.age > second.age
    }
    var picked: [Int] = []
    var spent = 0
    for index in byPressure {
        let tracker = pending[index]
        guard tracker.isUrgent || picked.isEmpty || spent + tracker.count <= budget else { continue }
        picked.append(index)
        spent += tracker.count
    }
    return picked.sorted()
}
