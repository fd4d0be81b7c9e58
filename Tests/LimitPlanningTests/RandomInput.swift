import LimitPlanning
import SwarmTypes
import TestKit

/// Observations of every kind: fresh and limited torrents, idle, slow and greedy ones, held ones, caps from tiny
/// to huge, trackers without a cap; limits that fit and limits that do not.
struct RandomInput {
    var random: SplitMix64

    init(seed: UInt64) { self.random = SplitMix64(seed: seed) }

    mutating func input(upTo maximumTorrents: Int = 40) -> PlanningInput {
        var trackers = (0..<Int.random(in: 1...5, using: &self.random)).map { index in
            GovernedTracker(
                id: "t\(index)", cap: self.chance(1, of: 6) ? .unlimited : .bytesPerSecond(self.cap()),
                priority: Int.random(in: 1...10, using: &self.random),
                oversubscription: self.oversubscription(),
                borrowThousandths: self.chance(1, of: 3) ? 500 : 0)
        }
        let count = Int.random(in: 0...maximumTorrents, using: &self.random)
        var torrents = (0..<count).map { index in self.torrent(index, among: trackers) }
        torrents.shuffle(using: &self.random)
        for index in trackers.indices where self.chance(1, of: 4) { trackers[index].isShared = true }
        return PlanningInput(trackers: trackers, torrents: torrents)
    }

    mutating func settings(_ strategy: AllocationStrategy) -> PlanningSettings {
        var settings = PlanningSettings()
        settings.strategy = strategy
        settings.restoresInactive = self.chance(1, of: 4)
        settings.limitsIncludeOverhead = self.chance(1, of: 4)
        settings.maximumManagedTorrents =
            self.chance(1, of: 3) ? Int.random(in: 0...10, using: &self.random) : 1000
        settings.maximumCalls = self.chance(1, of: 3) ? Int.random(in: 4...40, using: &self.random) : 500
        if self.chance(1, of: 4) { settings.activeThreshold = .zero }
        settings.weighsBursts = self.chance(1, of: 2)
        return settings
    }

    mutating func chance(_ part: Int, of whole: Int) -> Bool {
        Int.random(in: 0..<whole, using: &self.random) < part
    }

    /// At least a byte for each of the at most 400 torrents that the tests use.
    private mutating func cap() -> Int64 {
        switch Int.random(in: 0..<6, using: &self.random) {
        case 0: Int64.random(in: 400...70_000, using: &self.random)
        case 1: Int64.random(in: 1 << 31...1 << 37, using: &self.random)
        default: Int64.random(in: 60_000...12_000_000, using: &self.random)
        }
    }

    private mutating func oversubscription() -> Oversubscription {
        switch Int.random(in: 0..<4, using: &self.random) {
        case 0: .thousandths(1100)
        case 1: .thousandths(1250)
        default: .strict
        }
    }

    private mutating func torrent(_ index: Int, among trackers: [GovernedTracker]) -> PlanningTorrent {
        let tracker = Int.random(in: 0..<trackers.count, using: &self.random)
        let cap = trackers[tracker].cap.rate?.bytesPerSecond ?? 5_000_000
        let limit: UploadLimit =
            self.chance(1, of: 4) ? .unlimited : .bytesPerSecond(self.amount(upTo: min(2 * cap, 1 << 31)))
        let ceiling = limit.rate?.bytesPerSecond ?? cap
        let rate: Int64 =
            switch Int.random(in: 0..<6, using: &self.random) {
            case 0, 1: 0
            case 2: ceiling
            case 3: self.amount(upTo: 2 * cap)
            default: Int64.random(in: 0...max(1, ceiling), using: &self.random)
            }
        let original: UploadLimit? =
            switch Int.random(in: 0..<4, using: &self.random) {
            case 0: nil
            case 1: .bytesPerSecond(self.amount(upTo: 1 << 30))
            default: .unlimited
            }
        return PlanningTorrent(
            key: key(index), tracker: tracker, uploadRate: ByteRate(bytesPerSecond: rate), limit: limit,
            original: original, leeches: Int32.random(in: 0...40, using: &self.random),
            seeds: Int32.random(in: 0...10, using: &self.random),
            lastActivityAgeSeconds: self.chance(1, of: 3)
                ? nil : Int64.random(in: 0...200_000, using: &self.random),
            standing: self.chance(1, of: 8) ? .held : .governed)
    }

    /// Any size, small as likely as large.
    private mutating func amount(upTo bound: Int64) -> Int64 {
        let bits = Int.random(in: 0..<Int64.bitWidth - max(2, bound).leadingZeroBitCount, using: &self.random)
        return max(1, min(bound, Int64.random(in: (1 << bits)...(2 << bits), using: &self.random)))
    }
}
