public import SwarmTypes

/// A node of one `BucketTree`. A number is used again after its node was removed.
public struct NodeID: Hashable, Sendable {
    let index: Int32
}

/// Bytes that a waiting leaf may send or receive now.
public struct Grant: Hashable, Sendable {
    public var leaf: NodeID
    public var bytes: Int

    public init(leaf: NodeID, bytes: Int) {
        self.leaf = leaf
        self.bytes = bytes
    }
}

/// The caps of one direction as a tree, for instance global → tracker → torrent → peer.
///
/// Peers are leaves. What a leaf takes is charged to every limited node on its way to the root, so no node
/// ever passes rate × time + 250 ms of its rate. What one child does not use goes to its brothers by weight.
///
/// `take` answers at once. A leaf that gets nothing calls `wait`, and `tick` hands out in turn, a block at a
/// time: with a hundred peers below a slow cap each sends whole blocks now and then, and not all of them a
/// sliver at the same moment. The owner calls `tick` when `nextTick` has come, which may be at once.
public struct BucketTree: Sendable {
    struct Node: Sendable {
        var parent: Int32 = -1
        var childCount: Int32 = 0
        /// Nil: unlimited.
        var bucket: Bucket?
        /// Whether `charged` counts though there is no limit.
        var isCounted = false
        /// All that was granted here and below, less what was given back.
        var charged: Int64 = 0
        /// The nearest limited or counted node from here upwards, itself included; right while `version` is the tree's.
        var nearestCharged: Int32 = -1
        var version: UInt32 = 0

        var weight: Int32 = 1
        /// What is left of this node's turn among its brothers. Below zero after it was given too much.
        var deficit: Int64 = 0
        /// Of leaves that wait, here and below.
        var waitingCount: Int32 = 0
        /// What this leaf waits for; 0 when it does not.
        var wanted: Int64 = 0
        /// The ring of children whose turn comes in this or the next rounds; the first has its turn.
        var firstActive: Int32 = -1
        var next: Int32 = -1
        var previous: Int32 = -1
        /// Who used this bucket last, and when: one user alone needs no queue.
        var lastUser: Int32 = -1
        var lastUse = Instant(nanoseconds: .min / 2)
        /// Where in this tick's output the leaf stands.
        var grantIndex: Int32 = -1
    }

    /// Between two ticks while somebody waits.
    static let quantumNanoseconds: Int64 = 25_000_000
    /// A leaf's turn for each unit of its weight.
    static let turn: Int64 = 16384
    static let maximumDepth = 16

    var nodes: [Node]
    private var freeIndexes: [Int32] = []
    /// Goes up when a node gains or loses its limit, or moves.
    private var version: UInt32 = 0
    /// Nodes that have nothing more to give in the tick that runs.
    var exhausted: [Int32] = []
    /// When `tick` is due; nil while nobody waits for anything that could come.
    public internal(set) var nextTick: Instant?

    public let root = NodeID(index: 0)

    public init(limit: UploadLimit, at now: Instant) {
        var node = Node()
        node.bucket = limit.rate.map { Bucket($0, at: now) }
        node.isCounted = true
        node.nearestCharged = 0
        self.nodes = [node]
    }

    /// A weight of 2 gets twice what a brother of weight 1 gets while both wait. A counted node keeps its sum of bytes also
    /// while it has no limit; the root is one.
    public mutating func addNode(
        below parent: NodeID, limit: UploadLimit = .unlimited, weight: Int = 1, isCounted: Bool = false,
        at now: Instant
    ) -> NodeID {
        precondition((1...1000).contains(weight), "a weight is a small number")
        precondition(self.nodes[Int(parent.index)].wanted == 0, "a leaf that waits gets no children")
        precondition(self.depth(of: parent.index) < Self.maximumDepth, "the tree is too deep")
        var node = Node()
        node.parent = parent.index
        node.weight = Int32(weight)
        node.isCounted = isCounted
        node.bucket = limit.rate.map { Bucket($0, at: now) }
        node.version = self.version &- 1
        self.nodes[Int(parent.index)].childCount += 1
        if let index = self.freeIndexes.popLast() {
            self.nodes[Int(index)] = node
            return NodeID(index: index)
        }
        self.nodes.append(node)
        return NodeID(index: Int32(self.nodes.count - 1))
    }

    /// Takes away a node without children; what it waits for is forgotten.
    public mutating func remove(_ node: NodeID) {
        let index = Int(node.index)
        precondition(index != 0 && self.nodes[index].childCount == 0, "children go first, the root never")
        self.stopWaiting(node)
        self.nodes[Int(self.nodes[index].parent)].childCount -= 1
        self.nodes[index] = Node()
        self.freeIndexes.append(node.index)
    }

    /// Sets a limit while everything below goes on; costs no more than a few additions, so that many limits may be set many
    /// times a second. What was earned stays, up to 100 ms of the new rate.
    public mutating func setLimit(_ limit: UploadLimit, of node: NodeID, at now: Instant) {
        guard limit != self.limit(of: node) else { return }
        let index = Int(node.index)
        let isWaiting = self.nodes[index].waitingCount > 0
        switch (limit.rate, self.nodes[index].bucket != nil) {
        case (let rate?, true):
            self.nodes[index].bucket?.change(to: rate, at: now, hasDemand: isWaiting)
        case (let rate?, false):
            self.nodes[index].bucket = Bucket(rate, at: now)
            self.version &+= 1
        case (nil, let wasLimited):
            guard wasLimited else { return }
            self.nodes[index].bucket = nil
            self.version &+= 1
        }
        if isWaiting { self.nextTick = now }
    }

    /// Puts a node, with all below it, below another parent. What waits there waits on, and pays the new parents from now
    /// on; give back before what the old ones granted.
    public mutating func move(_ node: NodeID, below parent: NodeID, at now: Instant) {
        let index = Int(node.index)
        guard self.nodes[index].parent != parent.index else { return }
        precondition(node.index != 0, "the root stays")
        precondition(self.nodes[Int(parent.index)].wanted == 0, "a leaf that waits gets no children")
        precondition(self.depth(of: parent.index) < Self.maximumDepth, "the tree is too deep")
        precondition(!self.isAncestor(node.index, of: parent.index), "a node cannot be below itself")
        let waiting = self.nodes[index].waitingCount
        if waiting > 0 {
            self.unlink(node.index)
            self.leave(self.nodes[index].parent, count: waiting)
        }
        self.nodes[Int(self.nodes[index].parent)].childCount -= 1
        self.nodes[Int(parent.index)].childCount += 1
        self.nodes[index].parent = parent.index
        self.nodes[index].deficit = 0
        self.version &+= 1
        guard waiting > 0 else { return }
        self.link(node.index)
        self.join(parent.index, count: waiting)
        self.nextTick = now
    }

    public mutating func setWeight(_ weight: Int, of node: NodeID) {
        precondition((1...1000).contains(weight), "a weight is a small number")
        self.nodes[Int(node.index)].weight = Int32(weight)
    }

    /// Grants at once up to `bytes`, and at least a block of them; or nothing, and then the leaf has to `wait`.
    ///
    /// Whoever comes while others wait, or have just been served, gets nothing here: the tick, which may be
    /// due at once, is fair among them.
    public mutating func take(_ leaf: NodeID, upTo bytes: Int, at now: Instant) -> Int {
        guard bytes > 0 else { return 0 }
        var granted = Int64(bytes)
        var index = self.nearestCharged(from: leaf.index)
        while index >= 0 {
            let node = Int(index)
            index = self.nextCharged(above: index)
            guard self.nodes[node].bucket != nil else { continue }
            guard self.nodes[node].waitingCount == 0 else { return 0 }
            let sinceLastUse = now.nanoseconds &- self.nodes[node].lastUse.nanoseconds
            guard self.nodes[node].lastUser == leaf.index || sinceLastUse >= Self.quantumNanoseconds else {
                return 0
            }
            self.nodes[node].bucket?.refill(at: now, hasDemand: false)
            guard let bucket = self.nodes[node].bucket,
                bucket.available >= min(Int64(bytes), bucket.grain)
            else { return 0 }
            granted = min(granted, bucket.available)
        }
        self.charge(granted, from: leaf.index, at: now)
        return Int(granted)
    }

    /// Returns what was granted and not used, soon after the grant.
    public mutating func giveBack(_ leaf: NodeID, _ bytes: Int) {
        var index = self.nearestCharged(from: leaf.index)
        while index >= 0 {
            self.nodes[Int(index)].charged -= Int64(max(0, bytes))
            self.nodes[Int(index)].bucket?.giveBack(Int64(max(0, bytes)))
            index = self.nextCharged(above: index)
        }
    }

    /// The limited node nearest to the root that now has too little for this leaf; nil when nothing holds it.
    public mutating func holder(of leaf: NodeID, at now: Instant) -> NodeID? {
        var found: NodeID?
        var index = self.nearestCharged(from: leaf.index)
        while index >= 0 {
            let isWaiting = self.nodes[Int(index)].waitingCount > 0
            self.nodes[Int(index)].bucket?.refill(at: now, hasDemand: isWaiting)
            if let bucket = self.nodes[Int(index)].bucket, bucket.available < bucket.grain {
                found = NodeID(index: index)
            }
            index = self.nextCharged(above: index)
        }
        return found
    }

    public func limit(of node: NodeID) -> UploadLimit {
        self.nodes[Int(node.index)].bucket.map { .bytesPerSecond($0.rate) } ?? .unlimited
    }

    public func isWaiting(_ leaf: NodeID) -> Bool { self.nodes[Int(leaf.index)].wanted > 0 }

    /// Leaves that wait here and below.
    public func waitingCount(below node: NodeID) -> Int { Int(self.nodes[Int(node.index)].waitingCount) }

    /// The bytes granted so far at and below a limited or counted node; what was given back does not count.
    public func charged(to node: NodeID) -> Int64 { self.nodes[Int(node.index)].charged }

    mutating func charge(_ bytes: Int64, from leaf: Int32, at now: Instant) {
        var index = self.nearestCharged(from: leaf)
        while index >= 0 {
            let node = Int(index)
            self.nodes[node].charged &+= bytes
            self.nodes[node].bucket?.spend(bytes)
            self.nodes[node].lastUser = leaf
            self.nodes[node].lastUse = now
            index = self.nextCharged(above: index)
        }
    }

    /// Found once after each change of the tree's limits, then remembered.
    mutating func nearestCharged(from index: Int32) -> Int32 {
        let node = Int(index)
        if self.nodes[node].version == self.version { return self.nodes[node].nearestCharged }
        let parent = self.nodes[node].parent
        let isCharged = self.nodes[node].bucket != nil || self.nodes[node].isCounted
        let found = isCharged ? index : parent < 0 ? -1 : self.nearestCharged(from: parent)
        self.nodes[node].nearestCharged = found
        self.nodes[node].version = self.version
        return found
    }

    mutating func nextCharged(above index: Int32) -> Int32 {
        let parent = self.nodes[Int(index)].parent
        return parent < 0 ? -1 : self.nearestCharged(from: parent)
    }

    private func isAncestor(_ node: Int32, of other: Int32) -> Bool {
        var index = other
        while index >= 0, index != node { index = self.nodes[Int(index)].parent }
        return index == node
    }

    private func depth(of index: Int32) -> Int {
        var depth = 0
        var index = index
        while self.nodes[Int(index)].parent >= 0 {
            index = self.nodes[Int(index)].parent
            depth += 1
        }
        return depth
    }
}
