import RateControl
import SwarmTypes
import TestKit
import Testing

/// A cap as its owner sees it: what it may grant by now, and what it has granted.
private struct Account {
    var rate: Int64?
    var granted: Int64 = 0
    /// Granted less earned since the limit was set; and the lowest that this, with a full bank on top, ever was.
    private var position = 0.0
    private var lowest = Double.infinity
    private var seenAt: Int64 = 0
    private(set) var worst = -Double.infinity

    init(rate: Int64?) { self.rate = rate }

    mutating func advance(to now: Int64) {
        if let rate = self.rate { self.position -= Double(now - self.seenAt) / 1e9 * Double(rate) }
        self.seenAt = now
        self.lowest = self.rate.map { min(self.lowest, self.position + Double($0) / 4) } ?? .infinity
    }

    mutating func grant(_ bytes: Int, at now: Int64) {
        self.advance(to: now)
        self.granted += Int64(bytes)
        self.position += Double(bytes)
        guard self.rate != nil else { return }
        self.worst = max(self.worst, self.position - self.lowest)
    }

    mutating func change(to rate: Int64?, at now: Int64) {
        self.advance(to: now)
        self.rate = rate
        self.advance(to: now)
    }
}

/// Trackers below a root, torrents that wander between them, and peers that come and go, while limits change.
private struct Wandering {
    var tree: BucketTree
    var random: SplitMix64
    var now = Instant(nanoseconds: 0)
    /// The root is the first.
    var caps: [NodeID]
    var accounts: [Account]
    var torrents: [(node: NodeID, cap: Int)] = []
    var peers: [(leaf: NodeID, torrent: Int)] = []
    var grants: [Grant] = []

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
        let rate = Self.rate(using: &self.random)
        self.tree = BucketTree(limit: Self.limit(rate), at: self.now)
        self.caps = [self.tree.root]
        self.accounts = [Account(rate: rate)]
        for _ in 0..<3 {
            let rate = Self.rate(using: &self.random)
            self.caps.append(
                self.tree.addNode(
                    below: self.tree.root, limit: Self.limit(rate), isCounted: true, at: self.now))
            self.accounts.append(Account(rate: rate))
        }
        for _ in 0..<5 {
            let cap = Int.random(in: 0...3, using: &self.random)
            let node = self.tree.addNode(below: self.caps[cap], at: self.now)
            self.torrents.append((node, cap))
            for _ in 0..<4 { self.addPeer() }
        }
    }

    static func rate(using random: inout SplitMix64) -> Int64? {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: nil
        case 1: Int64.random(in: 0...20_000, using: &random)
        default: Int64.random(in: 20_000...80_000_000, using: &random)
        }
    }

    static func limit(_ rate: Int64?) -> UploadLimit { rate.map { .bytesPerSecond($0) } ?? .unlimited }

    mutating func addPeer() {
        let torrent = Int.random(in: self.torrents.indices, using: &self.random)
        let leaf = self.tree.addNode(below: self.torrents[torrent].node, at: self.now)
        self.peers.append((leaf, torrent))
    }

    mutating func record(_ bytes: Int, _ peer: Int) {
        let cap = self.torrents[self.peers[peer].torrent].cap
        self.accounts[0].grant(bytes, at: self.now.nanoseconds)
        if cap > 0 { self.accounts[cap].grant(bytes, at: self.now.nanoseconds) }
    }

    mutating func step() {
        self.now = self.now.advanced(byNanoseconds: Int64.random(in: 0...40_000_000, using: &self.random))
        switch Int.random(in: 0..<16, using: &self.random) {
        case 0...5: self.demand()
        case 6:
            let cap = Int.random(in: self.caps.indices, using: &self.random)
            let rate = Self.rate(using: &self.random)
            self.tree.setLimit(Self.limit(rate), of: self.caps[cap], at: self.now)
            self.accounts[cap].change(to: rate, at: self.now.nanoseconds)
        case 7:
            let torrent = Int.random(in: self.torrents.indices, using: &self.random)
            let cap = Int.random(in: self.caps.indices, using: &self.random)
            self.tree.move(self.torrents[torrent].node, below: self.caps[cap], at: self.now)
            self.torrents[torrent].cap = cap
        case 8:
            guard let peer = self.peers.indices.randomElement(using: &self.random) else { return }
            self.tree.remove(self.peers.remove(at: peer).leaf)
        case 9: self.addPeer()
        case 10:
            let cap = Int.random(in: 1..<self.caps.count, using: &self.random)
            self.tree.setWeight(Int.random(in: 1...10, using: &self.random), of: self.caps[cap])
        default: self.tick()
        }
    }

    mutating func demand() {
        guard let peer = self.peers.indices.randomElement(using: &self.random) else { return }
        let wanted = Int.random(in: 1...2_000_000, using: &self.random)
        let granted = self.tree.take(self.peers[peer].leaf, upTo: wanted, at: self.now)
        let back = Bool.random(using: &self.random) ? Int.random(in: 0...granted, using: &self.random) : 0
        self.tree.giveBack(self.peers[peer].leaf, back)
        self.record(granted - back, peer)
        if granted < wanted { self.tree.wait(self.peers[peer].leaf, for: wanted - granted, at: self.now) }
    }

    mutating func tick() {
        self.tree.tick(at: self.now, into: &self.grants)
        for grant in self.grants {
            guard let peer = self.peers.firstIndex(where: { $0.leaf == grant.leaf }) else {
                Issue.record("a grant for a leaf that is gone")
                continue
            }
            self.record(grant.bytes, peer)
        }
        for peer in self.peers where self.tree.isWaiting(peer.leaf) {
            #expect(self.tree.holder(of: peer.leaf, at: self.now) != nil)
        }
    }
}

@Suite("A tree of buckets that changes while it is used")
struct ChangingTreeTests {
    @Test(
        "No cap passes its changing rate × time + 250 ms, and every byte is counted where it was granted",
        arguments: 0..<300 as Range<UInt64>)
    func accounts(seed: UInt64) {
        var world = Wandering(seed: seed)
        for _ in 0..<800 { world.step() }
        for (cap, account) in zip(world.caps, world.accounts) {
            #expect(account.worst < 1)
            #expect(world.tree.charged(to: cap) == account.granted)
        }
        for (index, cap) in world.caps.enumerated() {
            let waiting = world.peers.count { peer in
                world.tree.isWaiting(peer.leaf) && (index == 0 || world.torrents[peer.torrent].cap == index)
            }
            #expect(world.tree.waitingCount(below: cap) == waiting)
        }
    }

    @Test("All that waits is served in the end, wherever it was moved", arguments: 0..<200 as Range<UInt64>)
    func everybodyIsServed(seed: UInt64) {
        var world = Wandering(seed: seed)
        for _ in 0..<200 { world.step() }
        for cap in world.caps { world.tree.setLimit(.bytesPerSecond(5_000_000), of: cap, at: world.now) }
        var ticks = 0
        while let next = world.tree.nextTick, ticks < 100_000 {
            world.now = max(world.now, next)
            world.tree.tick(at: world.now, into: &world.grants)
            ticks += 1
        }
        #expect(!world.peers.contains { world.tree.isWaiting($0.leaf) })
    }

    @Test("With demand a cap that changes all the time is used to 99 %", arguments: 0..<200 as Range<UInt64>)
    func utilisation(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var now = Instant(nanoseconds: 0)
        var tree = BucketTree(limit: .unlimited, at: now)
        let caps = (0..<2).map { _ in
            tree.addNode(below: tree.root, limit: .bytesPerSecond(1_000_000), isCounted: true, at: now)
        }
        let torrents = (0..<4).map { tree.addNode(below: caps[$0 % 2], at: now) }
        for torrent in torrents {
            for _ in 0..<3 { tree.wait(tree.addNode(below: torrent, at: now), for: 1 << 40, at: now) }
        }
        var rates = [1_000_000.0, 1_000_000.0]
        var earned = [0.0, 0.0]
        var grants: [Grant] = []
        for step in 0..<400 {
            let elapsed = Int64.random(in: 1_000_000...60_000_000, using: &random)
            now = now.advanced(byNanoseconds: elapsed)
            for cap in 0..<2 { earned[cap] += rates[cap] * Double(elapsed) / 1e9 }
            tree.tick(at: now, into: &grants)
            // Soon after a tick nothing that was earned is too much for a lower rate's bank.
            for cap in 0..<2 where Int.random(in: 0..<3, using: &random) == 0 {
                rates[cap] = Double(Int64.random(in: 500_000...5_000_000, using: &random))
                tree.setLimit(.bytesPerSecond(Int64(rates[cap])), of: caps[cap], at: now)
            }
            // A torrent wanders; its former brothers go on alone.
            if step % 10 == 0 { tree.move(torrents[0], below: caps[step / 10 % 2], at: now) }
        }
        for cap in 0..<2 {
            #expect(Double(tree.charged(to: caps[cap])) > 0.99 * earned[cap] - 20_000)
            #expect(Double(tree.charged(to: caps[cap])) <= earned[cap] + 1)
        }
    }

    @Test("A counted node without a limit counts, holds nobody, and needs no tick")
    func countedWithoutLimit() {
        let now = Instant(nanoseconds: 0)
        var tree = BucketTree(limit: .unlimited, at: now)
        let cap = tree.addNode(below: tree.root, isCounted: true, at: now)
        let peer = tree.addNode(below: cap, at: now)
        #expect(tree.take(peer, upTo: 1000, at: now) == 1000)
        tree.giveBack(peer, 300)
        #expect(tree.charged(to: cap) == 700)
        #expect(tree.charged(to: tree.root) == 700)
        #expect(tree.holder(of: peer, at: now) == nil)
        #expect(tree.nextTick == nil)
    }

    @Test("A weight gives its share of what the parent has, and what one cap leaves goes to the others")
    func weights() {
        var now = Instant(nanoseconds: 0)
        var tree = BucketTree(limit: .bytesPerSecond(10_000_000), at: now)
        let heavy = tree.addNode(below: tree.root, weight: 3, isCounted: true, at: now)
        let light = tree.addNode(below: tree.root, isCounted: true, at: now)
        let leaves = [heavy, light].map { tree.addNode(below: $0, at: now) }
        for leaf in leaves { tree.wait(leaf, for: 1 << 40, at: now) }
        var grants: [Grant] = []
        func run() -> (Int64, Int64) {
            let before = (tree.charged(to: heavy), tree.charged(to: light))
            for _ in 0..<400 {
                now = now.advanced(byNanoseconds: 25_000_000)
                tree.tick(at: now, into: &grants)
            }
            return (tree.charged(to: heavy) - before.0, tree.charged(to: light) - before.1)
        }
        let shared = run()
        #expect(abs(shared.0 - 75_000_000) < 1_000_000 && abs(shared.1 - 25_000_000) < 1_000_000)
        tree.setLimit(.bytesPerSecond(1_000_000), of: heavy, at: now)
        let limited = run()
        #expect(abs(limited.0 - 10_000_000) < 300_000 && abs(limited.1 - 90_000_000) < 1_000_000)
    }

    @Test("The rate of a sum is its growth, and follows a change within seconds")
    func counterMeter() {
        var meter = CounterMeter(0, at: Instant(nanoseconds: 0))
        var sum: Int64 = 0
        func run(_ rate: Int64, seconds: Int64, from start: Int64) {
            for step in 1...seconds * 10 {
                sum += rate / 10
                meter.observe(sum, at: Instant(nanoseconds: start + step * 100_000_000))
            }
        }
        run(5_000_000, seconds: 20, from: 0)
        #expect(abs(meter.rate.bytesPerSecond - 5_000_000) < 50_000)
        run(1_000_000, seconds: 10, from: 20_000_000_000)
        #expect(abs(meter.rate.bytesPerSecond - 1_000_000) < 100_000)
        // Nobody looked for an hour, in which nothing moved.
        meter.observe(sum, at: Instant(nanoseconds: 3_630_000_000_000))
        #expect(meter.rate.bytesPerSecond < 1000)
    }
}
