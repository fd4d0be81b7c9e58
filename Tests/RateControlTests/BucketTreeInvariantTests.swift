import RateControl
import SwarmTypes
import TestKit
import Testing

/// A tree of random shape, and what each of its nodes was granted, when.
private struct Trial {
    struct Entry {
        var time: Int64
        var bytes: Int64
    }

    var tree: BucketTree
    var nodes: [NodeID]
    var parents: [Int]
    var rates: [Int64?]
    var leaves: [Int] = []
    var ledger: [[Entry]]

    init(using random: inout SplitMix64) {
        func limit(_ random: inout SplitMix64) -> Int64? {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: nil
            case 1: Int64.random(in: 1...20_000, using: &random)
            default: Int64.random(in: 20_000...80_000_000, using: &random)
            }
        }
        let start = Instant(nanoseconds: 0)
        self.rates = [limit(&random)]
        self.tree = BucketTree(limit: self.rates[0].map { .bytesPerSecond($0) } ?? .unlimited, at: start)
        self.nodes = [self.tree.root]
        self.parents = [-1]
        func add(below parent: Int, _ trial: inout Trial, _ random: inout SplitMix64) -> Int {
            let rate = limit(&random)
            trial.rates.append(rate)
            trial.parents.append(parent)
            trial.nodes.append(
                trial.tree.addNode(
                    below: trial.nodes[parent], limit: rate.map { .bytesPerSecond($0) } ?? .unlimited,
                    weight: Int.random(in: 1...4, using: &random), at: start))
            return trial.nodes.count - 1
        }
        self.ledger = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let tracker = add(below: 0, &self, &random)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let torrent = add(below: tracker, &self, &random)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    self.leaves.append(add(below: torrent, &self, &random))
                }
            }
        }
        self.ledger = self.nodes.map { _ in [] }
    }

    mutating func record(_ bytes: Int, leaf: Int, at now: Instant) {
        var node = leaf
        while node >= 0 {
            self.ledger[node].append(Entry(time: now.nanoseconds, bytes: Int64(bytes)))
            node = self.parents[node]
        }
    }

    /// The worst excess of any window over rate × time + 250 ms, in bytes.
    func worstExcess(of node: Int) -> Double {
        guard let rate = self.rates[node] else { return 0 }
        let bank = max(1, Double(rate) * 0.25)
        var worst = -Double.infinity
        for start in self.ledger[node].indices {
            var sum = 0.0
            for end in start..<self.ledger[node].count {
                sum += Double(self.ledger[node][end].bytes)
                let time = Double(self.ledger[node][end].time - self.ledger[node][start].time) / 1e9
                worst = max(worst, sum - Double(rate) * time - bank)
            }
        }
        return worst
    }
}

@Suite("A tree of buckets, whatever happens")
struct BucketTreeInvariantTests {
    @Test("No node passes rate × time + 250 ms in any window", arguments: 0..<200 as Range<UInt64>)
    func windows(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var trial = Trial(using: &random)
        var now = Instant(nanoseconds: 0)
        var grants: [Grant] = []
        for _ in 0..<400 {
            now = now.advanced(byNanoseconds: Int64.random(in: 0...40_000_000, using: &random))
            let leaf = trial.leaves.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3:
                let wanted = Int.random(in: 1...3_000_000, using: &random)
                let granted = trial.tree.take(trial.nodes[leaf], upTo: wanted, at: now)
                #expect(granted <= wanted)
                trial.record(granted, leaf: leaf, at: now)
                if granted < wanted { trial.tree.wait(trial.nodes[leaf], for: wanted - granted, at: now) }
                if granted > 0, Bool.random(using: &random) {
                    let back = Int.random(in: 0...granted, using: &random)
                    trial.tree.giveBack(trial.nodes[leaf], back)
                    trial.record(-back, leaf: leaf, at: now)
                }
            case 4: trial.tree.stopWaiting(trial.nodes[leaf])
            default:
                trial.tree.tick(at: now, into: &grants)
                for grant in grants {
                    guard let leaf = trial.nodes.firstIndex(of: grant.leaf) else { continue }
                    trial.record(grant.bytes, leaf: leaf, at: now)
                }
            }
        }
        for node in trial.nodes.indices { #expect(trial.worstExcess(of: node) < 1) }
    }

    @Test(
        "A tick leaves nobody waiting unless a bucket above it is empty", arguments: 0..<200 as Range<UInt64>)
    func workConservation(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var trial = Trial(using: &random)
        var now = Instant(nanoseconds: 0)
        var grants: [Grant] = []
        for _ in 0..<60 {
            for leaf in trial.leaves where Bool.random(using: &random) {
                trial.tree.wait(
                    trial.nodes[leaf], for: Int.random(in: 1...2_000_000, using: &random), at: now)
            }
            now = now.advanced(byNanoseconds: Int64.random(in: 0...60_000_000, using: &random))
            trial.tree.tick(at: now, into: &grants)
            #expect(Set(grants.map(\.leaf)).count == grants.count)
            #expect(grants.allSatisfy { $0.bytes > 0 })
            for leaf in trial.leaves where trial.tree.isWaiting(trial.nodes[leaf]) {
                #expect(trial.tree.holder(of: trial.nodes[leaf], at: now) != nil)
            }
        }
    }

    @Test("With demand at least 99 % of the rate is used", arguments: 0..<200 as Range<UInt64>)
    func utilisation(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let rate = Int64.random(in: 10_000...200_000_000, using: &random)
        var tree = BucketTree(limit: .unlimited, at: Instant(nanoseconds: 0))
        let tracker = tree.addNode(
            below: tree.root, limit: .bytesPerSecond(rate), at: Instant(nanoseconds: 0))
        let peers = (0..<Int.random(in: 1...40, using: &random)).map { _ in
            tree.addNode(below: tracker, at: Instant(nanoseconds: 0))
        }
        for peer in peers { tree.wait(peer, for: 1 << 40, at: Instant(nanoseconds: 0)) }
        var grants: [Grant] = []
        var sum = 0
        var now = Instant(nanoseconds: 0)
        while let next = tree.nextTick, next < Instant(nanoseconds: 10_000_000_000) {
            now = next.advanced(byNanoseconds: Int64.random(in: 0...100_000_000, using: &random))
            tree.tick(at: now, into: &grants)
            sum += grants.reduce(0) { $0 + $1.bytes }
        }
        #expect(Double(sum) >= 0.99 * Double(rate) * Double(now.nanoseconds) / 1e9)
    }

    @Test("Leaves that always wait share by weight at each level", arguments: 0..<200 as Range<UInt64>)
    func fairness(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let start = Instant(nanoseconds: 0)
        var tree = BucketTree(limit: .bytesPerSecond(20_000_000), at: start)
        var shares: [NodeID: Double] = [:]
        let torrentWeights = (0..<3).map { _ in Int.random(in: 1...4, using: &random) }
        for weight in torrentWeights {
            let torrent = tree.addNode(below: tree.root, weight: weight, at: start)
            let peerWeights = (0..<Int.random(in: 1...10, using: &random)).map { _ in
                Int.random(in: 1...3, using: &random)
            }
            for peerWeight in peerWeights {
                let peer = tree.addNode(below: torrent, weight: peerWeight, at: start)
                shares[peer] =
                    Double(weight) / Double(torrentWeights.reduce(0, +))
                    * Double(peerWeight) / Double(peerWeights.reduce(0, +))
            }
        }
        // All ask for more than a tick has to give.
        let wishes = shares.keys.map { ($0, Bool.random(using: &random) ? 1 << 30 : 1 << 20) }
        var received: [NodeID: Int] = [:]
        var grants: [Grant] = []
        var total = 0
        var now = start
        for _ in 0..<4000 {
            for (peer, bytes) in wishes { tree.wait(peer, for: bytes, at: now) }
            guard let next = tree.nextTick else { break }
            now = max(next, now.advanced(byNanoseconds: 100_000))
            tree.tick(at: now, into: &grants)
            for grant in grants {
                received[grant.leaf, default: 0] += grant.bytes
                total += grant.bytes
            }
        }
        for (peer, share) in shares {
            let fair = share * Double(total)
            #expect(abs(Double(received[peer] ?? 0) - fair) < 0.02 * fair + 300_000)
        }
    }
}
