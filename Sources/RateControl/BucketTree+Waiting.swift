public import SwarmTypes

/// The queue: waiting leaves are served in turn at every level of the tree ("surplus round robin": a child's
/// turn ends when what it was given passes its share, and the surplus is held against its next turn).
extension BucketTree {
    /// Puts the leaf in the queue for `bytes`; a later call sets another amount.
    ///
    /// It should be all that the leaf could use until the next tick, for instance all the blocks its peer has
    /// asked for: a leaf that asks for one block gets one block a tick, and its brothers get the rest.
    public mutating func wait(_ leaf: NodeID, for bytes: Int, at now: Instant) {
        guard bytes > 0 else { return self.stopWaiting(leaf) }
        precondition(self.nodes[Int(leaf.index)].childCount == 0, "only leaves wait")
        if self.nodes[Int(leaf.index)].wanted == 0 { self.join(leaf.index) }
        self.nodes[Int(leaf.index)].wanted = Int64(bytes)
        guard let ready = self.readyAt(for: leaf.index, at: now) else { return }
        let due = ready <= now ? now : max(ready, now.advanced(byNanoseconds: Self.quantumNanoseconds))
        self.nextTick = self.nextTick.map { min($0, due) } ?? due
    }

    public mutating func stopWaiting(_ leaf: NodeID) {
        guard self.nodes[Int(leaf.index)].wanted > 0 else { return }
        self.nodes[Int(leaf.index)].wanted = 0
        self.leave(leaf.index)
        if self.nodes[0].waitingCount == 0 { self.nextTick = nil }
    }

    /// Hands out what has been earned to the leaves that wait, one `Grant` for each that gets something. A leaf
    /// that got all it waited for is out of the queue; the others stay.
    public mutating func tick(at now: Instant, into grants: inout [Grant]) {
        grants.removeAll(keepingCapacity: true)
        var earliest: Instant?
        while self.nodes[0].waitingCount > 0, self.serveOne(at: now, &grants, &earliest) {}
        for grant in grants { self.nodes[Int(grant.leaf.index)].grantIndex = -1 }
        for index in self.exhausted { self.link(index) }
        self.exhausted.removeAll(keepingCapacity: true)
        guard self.nodes[0].waitingCount > 0 else {
            self.nextTick = nil
            return
        }
        self.nextTick = earliest.map { max($0, now.advanced(byNanoseconds: Self.quantumNanoseconds)) }
    }

    /// Walks from the root to the leaf whose turn it is, and grants it up to a block. Answers false when nothing
    /// more can be given; remembers when the first of the empty buckets will be ready.
    private mutating func serveOne(
        at now: Instant, _ grants: inout [Grant], _ earliest: inout Instant?
    ) -> Bool {
        var index: Int32 = 0
        var granted = Self.turn
        while true {
            let node = Int(index)
            self.nodes[node].bucket?.refill(at: now, hasDemand: true)
            if let bucket = self.nodes[node].bucket {
                guard bucket.available >= bucket.grain else {
                    if let ready = bucket.readyAt { earliest = earliest.map { min($0, ready) } ?? ready }
                    return self.exhaust(index)
                }
                granted = min(granted, bucket.available)
            }
            if self.nodes[node].wanted > 0 { break }
            let child = self.childInTurn(of: node)
            guard child >= 0 else { return self.exhaust(index) }
            index = child
        }
        granted = min(granted, self.nodes[Int(index)].wanted)
        self.record(granted, for: index, in: &grants)
        self.charge(granted, from: index, at: now)
        return true
    }

    private mutating func record(_ bytes: Int64, for leaf: Int32, in grants: inout [Grant]) {
        let node = Int(leaf)
        if self.nodes[node].grantIndex < 0 {
            self.nodes[node].grantIndex = Int32(truncatingIfNeeded: grants.count)
            grants.append(Grant(leaf: NodeID(index: leaf), bytes: 0))
        }
        grants[Int(self.nodes[node].grantIndex)].bytes += Int(bytes)
        var index = leaf
        while index > 0 {
            let parent = self.nodes[Int(index)].parent
            self.nodes[Int(index)].deficit -= bytes
            if self.nodes[Int(index)].deficit <= 0 {
                self.nodes[Int(parent)].firstActive = self.nodes[Int(index)].next
            }
            index = parent
        }
        self.nodes[node].wanted -= bytes
        if self.nodes[node].wanted == 0 { self.leave(leaf) }
    }

    /// The first of the ring. Its turn begins here when it has none; the surplus of its last turn, less than
    /// one unit of weight, is paid from it.
    private mutating func childInTurn(of node: Int) -> Int32 {
        let first = self.nodes[node].firstActive
        guard first >= 0, self.nodes[Int(first)].deficit <= 0 else { return first }
        self.nodes[Int(first)].deficit += Self.turn * Int64(self.nodes[Int(first)].weight)
        return first
    }

    /// Takes the node out of the running tick; false for the root, with which the tick ends.
    private mutating func exhaust(_ index: Int32) -> Bool {
        guard index > 0 else { return false }
        self.unlink(index)
        self.exhausted.append(index)
        return true
    }

    /// When every bucket above the leaf will have a grain; nil if one of them never will.
    private mutating func readyAt(for leaf: Int32, at now: Instant) -> Instant? {
        var latest = now
        var index = self.nearestCharged(from: leaf)
        while index >= 0 {
            let node = Int(index)
            index = self.nextCharged(above: index)
            guard self.nodes[node].bucket != nil else { continue }
            self.nodes[node].bucket?.refill(at: now, hasDemand: true)
            guard let ready = self.nodes[node].bucket?.readyAt else { return nil }
            latest = max(latest, ready)
        }
        return latest
    }

    /// Counts leaves that begin to wait, at `index` and at all above it.
    mutating func join(_ index: Int32, count: Int32 = 1) {
        var index = index
        while index >= 0 {
            self.nodes[Int(index)].waitingCount += count
            if self.nodes[Int(index)].waitingCount == count, index > 0 { self.link(index) }
            index = self.nodes[Int(index)].parent
        }
    }

    mutating func leave(_ index: Int32, count: Int32 = 1) {
        var index = index
        while index >= 0 {
            self.nodes[Int(index)].waitingCount -= count
            if self.nodes[Int(index)].waitingCount == 0, index > 0 {
                self.unlink(index)
                self.nodes[Int(index)].deficit = min(0, self.nodes[Int(index)].deficit)
            }
            index = self.nodes[Int(index)].parent
        }
    }

    /// Puts the node last among its parent's active children.
    mutating func link(_ index: Int32) {
        let node = Int(index)
        guard self.nodes[node].next < 0 else { return }
        let parent = Int(self.nodes[node].parent)
        let first = self.nodes[parent].firstActive
        guard first >= 0 else {
            self.nodes[parent].firstActive = index
            self.nodes[node].next = index
            self.nodes[node].previous = index
            return
        }
        let last = self.nodes[Int(first)].previous
        self.nodes[node].next = first
        self.nodes[node].previous = last
        self.nodes[Int(last)].next = index
        self.nodes[Int(first)].previous = index
    }

    mutating func unlink(_ index: Int32) {
        let node = Int(index)
        let next = self.nodes[node].next
        guard next >= 0 else { return }
        let previous = self.nodes[node].previous
        let parent = Int(self.nodes[node].parent)
        self.nodes[Int(previous)].next = next
        self.nodes[Int(next)].previous = previous
        if self.nodes[parent].firstActive == index {
            self.nodes[parent].firstActive = next == index ? -1 : next
        }
        self.nodes[node].next = -1
        self.nodes[node].previous = -1
    }
}
