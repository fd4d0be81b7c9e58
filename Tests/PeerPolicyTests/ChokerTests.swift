import PeerPolicy
import SwarmTypes
import TestKit
import Testing

private func instant(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1_000_000_000)) }

private func peer(
    _ slot: UInt16, _ role: ChokeCandidate.Role = .choked, since: Double = 0, connected: Double = -1000,
    isInterested: Bool = true, down: Int64 = 0, up: Int64 = 0
) -> ChokeCandidate {
    ChokeCandidate(
        slot: PeerSlot(slot), role: role, since: instant(since), connectedAt: instant(connected),
        isInterested: isInterested, downloadRate: ByteRate(bytesPerSecond: down),
        uploadRate: ByteRate(bytesPerSecond: up))
}

extension Choker {
    fileprivate func decide(_ peers: [ChokeCandidate], at seconds: Double, seed: UInt64 = 1) -> ChokeDecision
    {
        var random = SplitMix64(seed: seed)
        return self.decide(peers, at: instant(seconds), using: &random)
    }
}

/// The peers' roles after a decision.
private func apply(_ decision: ChokeDecision, to peers: [ChokeCandidate], at now: Instant) -> [ChokeCandidate]
{
    peers.map { peer in
        var peer = peer
        let role: ChokeCandidate.Role? =
            decision.choke.contains(peer.slot)
            ? .choked
            : decision.unchoke.contains(peer.slot)
                ? .unchoked : decision.optimistic.contains(peer.slot) ? .optimistic : nil
        guard let role else { return peer }
        #expect(role != peer.role)
        // From optimistic to regular nothing is sent, but the role is new.
        (peer.role, peer.since) = (role, now)
        return peer
    }
}

@Suite("The choker")
struct ChokerTests {
    @Test("While we download, those that send us most get the slots, and one more by lot")
    func leeching() {
        let peers = (0..<10).map { peer(UInt16($0), down: Int64($0) * 1000) }
        let decision = Choker(goal: .download, slots: 5).decide(peers, at: 20)
        #expect(decision.unchoke == [6, 7, 8, 9].map { PeerSlot($0) })
        #expect(decision.optimistic.count == 1 && decision.choke.isEmpty)
        #expect(decision.optimistic.allSatisfy { $0 < PeerSlot(6) })
    }

    @Test("On a private torrent what a peer takes counts too")
    func ratio() {
        let peers = [peer(0, down: 1000), peer(1, up: 5000), peer(2), peer(3)]
        #expect(Choker(goal: .downloadAndRatio, slots: 2).decide(peers, at: 20).unchoke == [PeerSlot(1)])
        #expect(Choker(goal: .download, slots: 2).decide(peers, at: 20).unchoke == [PeerSlot(0)])
    }

    @Test("No slot for a seed, for one that wants nothing, nor first for one that snubs us")
    func noSlot() {
        var peers = [
            peer(0, .unchoked, since: 19, isInterested: false), peer(1, .unchoked, since: 19),
            peer(2, down: 9), peer(3),
        ]
        peers[1].isUploadOnly = true
        peers[2].isSnubbing = true
        let decision = Choker(goal: .download, slots: 1).decide(peers, at: 20)
        #expect(decision.choke == [PeerSlot(0), PeerSlot(1)])
        #expect(decision.unchoke == [PeerSlot(3)])
    }

    @Test("Nobody changes twice within ten seconds")
    func fibrillation() {
        let peers = [
            peer(0, .unchoked, since: 11, down: 1), peer(1, since: 15, down: 500),
            peer(2, since: 0, down: 100),
        ]
        let choker = Choker(goal: .download, slots: 1)
        #expect(choker.decide(peers, at: 20) == ChokeDecision())
        let later = choker.decide(peers, at: 22)
        #expect(later.choke == [PeerSlot(0)] && later.unchoke == [PeerSlot(2)])
    }

    @Test("The optimistic slot moves on after thirty seconds, if somebody waits")
    func optimisticRotation() {
        let choker = Choker(goal: .download, slots: 2)
        let fast = peer(0, .unchoked, down: 1000)
        let peers = [fast, peer(1, .optimistic, since: 100), peer(2), peer(3)]
        #expect(choker.decide(peers, at: 129) == ChokeDecision())
        let decision = choker.decide(peers, at: 130)
        #expect(decision.choke == [PeerSlot(1)] && decision.optimistic.count == 1)
        let alone = choker.decide(Array(peers.prefix(2)), at: 130)
        #expect(alone.choke.isEmpty)
    }

    @Test("A peer of the last minute has three times the chance of an old one")
    func newPeers() {
        let peers = [peer(0, .unchoked, down: 10), peer(1), peer(2, connected: 980)]
        let wins = (0..<2000 as Range<UInt64>).count {
            Choker(goal: .download, slots: 2).decide(peers, at: 1000, seed: $0).optimistic == [PeerSlot(2)]
        }
        #expect((1400...1600).contains(wins))
    }

    @Test("A seed keeps everyone for a minute, the faster ones for two, and then takes who waited longest")
    func seeding() {
        let choker = Choker(goal: .seed, slots: 5)
        let waiting = [peer(10, since: 5), peer(11, since: 4), peer(12, since: 3)]
        func decide(heldFor seconds: Double) -> ChokeDecision {
            let holders = (0..<4).map {
                peer(UInt16($0), .unchoked, since: 1000 - seconds, up: Int64($0) * 1000)
            }
            let optimistic = peer(4, .optimistic, since: 980)
            return choker.decide(holders + [optimistic] + waiting, at: 1000)
        }
        #expect(decide(heldFor: 59) == ChokeDecision())
        let afterOne = decide(heldFor: 90)
        #expect(afterOne.choke == [PeerSlot(0), PeerSlot(1)])
        #expect(afterOne.unchoke == [PeerSlot(11), PeerSlot(12)])
        let afterTwo = decide(heldFor: 121)
        #expect(afterTwo.choke == [PeerSlot(0), PeerSlot(1), PeerSlot(2)])
    }

    @Test("Slots under a cap: one for 48 KiB/s, four at least, and none that gets less than 16 KiB/s")
    func slotsUnderCap() {
        let slots = [0, 10, 16, 40, 64, 100, 200, 480, 1000, 100_000].map {
            UploadSlots.count(cap: ByteRate(bytesPerSecond: $0 * 1024))
        }
        #expect(slots == [1, 1, 1, 2, 4, 4, 4, 10, 20, 64])
    }

    @Test("Slots without a cap: one more than there are peers that earn theirs")
    func slotsWithoutCap() {
        func slots(_ rates: [Int64]) -> Int {
            UploadSlots.count(uploadRates: rates.map { ByteRate(bytesPerSecond: $0 * 1024) })
        }
        #expect(slots([]) == 4)
        #expect(slots([100, 100, 100, 100, 100, 100]) == 7)
        #expect(slots([100, 100, 100, 100, 8, 8]) == 5)
        #expect(slots(Array(repeating: 1_000_000, count: 500)) == 200)
    }

    @Test(
        "A bucket's slots are shared evenly, and none is kept from one that can use it",
        arguments: 0..<200 as Range<UInt64>)
    func sharing(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let wishes = (0..<Int.random(in: 0...8, using: &random)).map { _ in
            Int.random(in: 0...20, using: &random)
        }
        let slots = Int.random(in: 0...64, using: &random)
        let given = UploadSlots.share(slots, among: wishes, offset: Int.random(in: 0...99, using: &random))
        #expect(given.reduce(0, +) == min(slots, wishes.reduce(0, +)))
        let most = given.max() ?? 0
        for (got, wish) in zip(given, wishes) { #expect(got <= wish && (got == wish || got >= most - 1)) }
    }

    @Test(
        "Never more than the slots, never a change too soon, and no slot empty while it is wanted",
        arguments: 0..<300 as Range<UInt64>)
    func invariants(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let goals: [Choker.Goal] = [.download, .downloadAndRatio, .seed]
        let choker = Choker(
            goal: goals.randomElement(using: &random) ?? .seed, slots: Int.random(in: 0...8, using: &random))
        var peers = (0..<Int.random(in: 0...20, using: &random)).map { peer(UInt16($0)) }
        var now = 10.0
        for _ in 0..<60 {
            now += Double.random(in: 0...15, using: &random)
            for index in peers.indices {
                peers[index].downloadRate = ByteRate(
                    bytesPerSecond: Int64.random(in: 0...9999, using: &random))
                peers[index].uploadRate = ByteRate(bytesPerSecond: Int64.random(in: 0...9999, using: &random))
                if Int.random(in: 0..<10, using: &random) == 0 { peers[index].isInterested.toggle() }
                if Int.random(in: 0..<50, using: &random) == 0 { peers[index].isUploadOnly.toggle() }
            }
            let decision = choker.decide(peers, at: instant(now), using: &random)
            let mixed = peers.shuffled(using: &random)
            var (first, second) = (SplitMix64(seed: 1), SplitMix64(seed: 1))
            let again = choker.decide(peers, at: instant(now), using: &first)
            #expect(
                again == choker.decide(mixed, at: instant(now), using: &second), "the order of peers matters")
            for peer in peers where instant(now).seconds(since: peer.since) < 10 {
                #expect(!decision.unchoke.contains(peer.slot) || peer.role != .choked)
                #expect(!decision.choke.contains(peer.slot) || !peer.isInterested || peer.isUploadOnly)
            }
            let couldHave = peers.count {
                $0.isInterested && !$0.isUploadOnly
                    && ($0.role != .choked || instant(now).seconds(since: $0.since) >= 10)
            }
            peers = apply(decision, to: peers, at: instant(now))
            let holders = peers.filter { $0.role != .choked }
            #expect(holders.count == min(choker.slots, couldHave))
            #expect(holders.allSatisfy { $0.isInterested && !$0.isUploadOnly })
        }
    }
}
