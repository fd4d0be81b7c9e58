import RateControl
import SwarmTypes
import TestKit
import Testing

private func instant(_ milliseconds: Int) -> Instant { Instant(nanoseconds: Int64(milliseconds) * 1_000_000) }

@Suite("A tree of buckets")
struct BucketTreeTests {
    @Test("A leaf without a limit above it gets all it asks for at once")
    func unlimited() {
        var tree = BucketTree(limit: .unlimited, at: instant(0))
        let tracker = tree.addNode(below: tree.root, at: instant(0))
        let peer = tree.addNode(below: tracker, at: instant(0))
        #expect(tree.take(peer, upTo: 1_000_000_000, at: instant(0)) == 1_000_000_000)
        #expect(tree.nextTick == nil)
        #expect(tree.holder(of: peer, at: instant(0)) == nil)
    }

    @Test("A limit that is set above a leaf holds from the next grant on, and is gone when it is lifted")
    func limitChanges() {
        var tree = BucketTree(limit: .unlimited, at: instant(0))
        let tracker = tree.addNode(below: tree.root, at: instant(0))
        let peer = tree.addNode(below: tracker, at: instant(0))
        #expect(tree.take(peer, upTo: 5000, at: instant(0)) == 5000)
        tree.setLimit(.bytesPerSecond(1_000_000), of: tracker, at: instant(0))
        #expect(tree.take(peer, upTo: 5000, at: instant(0)) == 0)
        #expect(tree.holder(of: peer, at: instant(0)) == tracker)
        tree.wait(peer, for: 5000, at: instant(0))
        #expect(tree.nextTick == instant(25))
        tree.setLimit(.unlimited, of: tracker, at: instant(1))
        #expect(tree.nextTick == instant(1))
        var grants: [Grant] = []
        tree.tick(at: instant(1), into: &grants)
        #expect(grants == [Grant(leaf: peer, bytes: 5000)])
        #expect(tree.nextTick == nil)
    }

    @Test("A limit of zero grants nothing, and asks for no tick")
    func zero() {
        var tree = BucketTree(limit: .bytesPerSecond(0), at: instant(0))
        let peer = tree.addNode(below: tree.root, at: instant(0))
        #expect(tree.take(peer, upTo: 1, at: instant(60_000)) == 0)
        tree.wait(peer, for: 16384, at: instant(60_000))
        #expect(tree.nextTick == nil)
        var grants: [Grant] = []
        tree.tick(at: instant(120_000), into: &grants)
        #expect(grants.isEmpty)
        #expect(tree.nextTick == nil)
        tree.setLimit(.bytesPerSecond(100_000), of: tree.root, at: instant(120_000))
        #expect(tree.nextTick == instant(120_000))
    }

    @Test("A rate of one byte a second grants a byte a second")
    func slowest() {
        var tree = BucketTree(limit: .bytesPerSecond(1), at: instant(0))
        let peer = tree.addNode(below: tree.root, at: instant(0))
        tree.wait(peer, for: 100, at: instant(0))
        var grants: [Grant] = []
        var sum = 0
        var now = instant(0)
        while let next = tree.nextTick, next <= instant(20_000) {
            #expect(next > now)
            now = next
            tree.tick(at: now, into: &grants)
            sum += grants.reduce(0) { $0 + $1.bytes }
        }
        #expect(sum == 20)
    }

    @Test("Who comes while others wait has to wait too, though a byte may be there")
    func noOvertaking() {
        var tree = BucketTree(limit: .bytesPerSecond(1_000_000), at: instant(0))
        let first = tree.addNode(below: tree.root, at: instant(0))
        let second = tree.addNode(below: tree.root, at: instant(0))
        tree.wait(first, for: 1_000_000, at: instant(0))
        #expect(tree.take(second, upTo: 100, at: instant(90)) == 0)
        tree.stopWaiting(first)
        #expect(tree.nextTick == nil)
        #expect(tree.take(second, upTo: 100, at: instant(90)) == 100)
        // The bucket has just served another: the queue decides, at once.
        #expect(tree.take(first, upTo: 100, at: instant(91)) == 0)
        tree.wait(first, for: 100, at: instant(91))
        #expect(tree.nextTick == instant(91))
    }

    @Test("A removed node's number is used again, and what it waited for is forgotten")
    func removal() {
        var tree = BucketTree(limit: .bytesPerSecond(1_000_000), at: instant(0))
        let torrent = tree.addNode(below: tree.root, at: instant(0))
        let peer = tree.addNode(below: torrent, at: instant(0))
        tree.wait(peer, for: 16384, at: instant(0))
        tree.remove(peer)
        #expect(tree.nextTick == nil)
        let other = tree.addNode(below: torrent, at: instant(0))
        #expect(other == peer)
        #expect(!tree.isWaiting(other))
        tree.remove(other)
        tree.remove(torrent)
        var grants: [Grant] = []
        tree.tick(at: instant(500), into: &grants)
        #expect(grants.isEmpty)
    }

    @Test("What is given back can be granted again, but never more than the bank")
    func giveBack() {
        var tree = BucketTree(limit: .bytesPerSecond(1_000_000), at: instant(0))
        let peer = tree.addNode(below: tree.root, at: instant(0))
        #expect(tree.take(peer, upTo: 1_000_000, at: instant(1000)) == 100_000)
        tree.giveBack(peer, 40_000)
        #expect(tree.take(peer, upTo: 1_000_000, at: instant(1000)) == 40_000)
        tree.giveBack(peer, .max)
        #expect(tree.take(peer, upTo: 1_000_000, at: instant(1000)) == 250_000)
    }

    @Test("A hundred peers below a slow cap get whole blocks in turn, not slivers all at once")
    func wholeBlocks() {
        var tree = BucketTree(limit: .bytesPerSecond(2_000_000), at: instant(0))
        let peers = (0..<100).map { _ in tree.addNode(below: tree.root, at: instant(0)) }
        for peer in peers { tree.wait(peer, for: 10 * 16384, at: instant(0)) }
        var grants: [Grant] = []
        for step in 1...40 {
            tree.tick(at: instant(step * 25), into: &grants)
            #expect(grants.count <= 5)
            for grant in grants.dropFirst().dropLast() { #expect(grant.bytes == 16384) }
        }
    }

    @Test("A leaf's memory is small")
    func memory() {
        #expect(MemoryLayout<BucketTree>.size <= 64)
    }
}
