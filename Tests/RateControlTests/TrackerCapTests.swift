import RateControl
import SwarmTypes
import TestKit
import Testing

/// Five torrents of one tracker with twenty peers each, in virtual time: every peer sends what it is granted
/// at its own pace, which is now faster and now slower than its share.
private func bytesPerSecond(
    cap: Int64, seconds: Int, limit peerSpeed: (Int) -> Int64, seed: UInt64
) -> [Int] {
    var random = SplitMix64(seed: seed)
    var now = Instant(nanoseconds: 0)
    var tree = BucketTree(limit: .unlimited, at: now)
    let tracker = tree.addNode(below: tree.root, limit: .bytesPerSecond(cap), at: now)
    let peers = (0..<5).flatMap { _ in
        let torrent = tree.addNode(below: tracker, at: now)
        return (0..<20).map { _ in tree.addNode(below: torrent, at: now) }
    }
    var numbers: [NodeID: Int] = [:]
    for (number, peer) in peers.enumerated() { numbers[peer] = number }
    /// When a peer's socket takes the next batch.
    var readyAt = peers.map { _ in now }
    var sent = [Int](repeating: 0, count: seconds)
    let end = Int64(seconds) * 1_000_000_000
    func send(_ bytes: Int, peer: Int) {
        sent[Int(now.nanoseconds / 1_000_000_000)] += bytes
        let nanoseconds = Double(bytes) / Double(peerSpeed(peer)) * 1e9
        readyAt[peer] = max(now, readyAt[peer]).advanced(byNanoseconds: Int64(nanoseconds))
    }
    var grants: [Grant] = []
    // A loop that wakes up each millisecond or so, and now and then late by up to 80 ms.
    while true {
        let late = Int.random(in: 0..<100, using: &random) == 0
        now = now.advanced(
            byNanoseconds: Int64.random(in: 500_000...(late ? 80_000_000 : 1_500_000), using: &random))
        guard now.nanoseconds < end else { return sent }
        for (number, peer) in peers.enumerated() where readyAt[number] <= now && !tree.isWaiting(peer) {
            let batch = Int.random(in: 1...16, using: &random) * 16384
            let granted = tree.take(peer, upTo: batch, at: now)
            if granted > 0 { send(granted, peer: number) } else { tree.wait(peer, for: batch, at: now) }
        }
        guard let next = tree.nextTick, next <= now else { continue }
        tree.tick(at: now, into: &grants)
        for grant in grants {
            guard let number = numbers[grant.leaf] else { continue }
            send(grant.bytes, peer: number)
        }
    }
}

@Suite("The cap of a tracker")
struct TrackerCapTests {
    @Test(
        "Holds within 2 % over ten seconds and 10 % over each, with a hundred peers of any speed",
        arguments: [2_000_000, 10_000_000, 50_000_000] as [Int64], 0..<3 as Range<UInt64>)
    func holds(cap: Int64, seed: UInt64) {
        let fast = { (peer: Int) in peer % 3 == 0 ? cap / 200 : cap }
        let sent = bytesPerSecond(cap: cap, seconds: 21, limit: fast, seed: seed).dropFirst()
        for second in sent { #expect(abs(Double(second) / Double(cap) - 1) < 0.10) }
        for start in 1...11 {
            let mean = Double(sent[start..<start + 10].reduce(0, +)) / 10
            #expect(abs(mean / Double(cap) - 1) < 0.02)
        }
    }

    @Test("Is never passed when demand begins after a pause", arguments: 0..<200 as Range<UInt64>)
    func afterPause(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let cap = Int64.random(in: 100_000...100_000_000, using: &random)
        var tree = BucketTree(limit: .bytesPerSecond(cap), at: Instant(nanoseconds: 0))
        let peer = tree.addNode(below: tree.root, at: Instant(nanoseconds: 0))
        let start = Instant(nanoseconds: Int64.random(in: 1_000_000_000...100_000_000_000, using: &random))
        var now = start
        var sum = 0
        var grants: [Grant] = []
        while now < start.advanced(bySeconds: 1) {
            let granted = tree.take(peer, upTo: 1 << 30, at: now)
            sum += granted
            if granted == 0, !tree.isWaiting(peer) { tree.wait(peer, for: 1 << 30, at: now) }
            if let next = tree.nextTick, next <= now {
                tree.tick(at: now, into: &grants)
                sum += grants.reduce(0) { $0 + $1.bytes }
            }
            now = now.advanced(byNanoseconds: 1_000_000)
        }
        #expect(Double(sum) <= 1.1 * Double(cap) + 1)
        #expect(Double(sum) >= 0.98 * Double(cap))
    }
}
