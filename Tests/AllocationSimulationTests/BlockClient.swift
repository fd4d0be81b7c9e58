import LimitPlanning
import SwarmTypes
import TestKit

/// A torrent as libtorrent uploads it to one peer, in half seconds.
///
/// The peer asks for whole blocks, in bursts, as its own limit lets it. The limit here is a bucket that holds three
/// seconds; what is taken from it at once is in proportion to the rate so far and a little more, until the bucket
/// is empty. So the rate swings around the limit.
struct BlockTorrent {
    static let block: Int64 = 16_384

    /// Bytes a second; nil is as much as it can get.
    var demand: Int64?
    private(set) var limit: Int64?
    private var bucket: Int64 = 0
    /// What the peer has asked for.
    private var wanted: Int64 = 0
    /// What the peer may ask for by its own limit.
    private var credit: Int64 = 0
    /// A part that waits for the bucket: its size, what it has of it, and since how many ticks.
    private var part: (size: Int64, assigned: Int64, age: Int) = (0, 0, 0)
    private var lastPart: Int64 = 0
    private var second: Int64 = 0
    private(set) var average: Int64 = 0
    private(set) var uploaded: Int64 = 0

    init(demand: Int64?) { self.demand = demand }

    mutating func limit(to limit: Int64?) {
        self.limit = limit
        self.bucket = min(self.bucket, 3 * (limit ?? 0))
    }

    mutating func tick(using random: inout SplitMix64) {
        self.ask(using: &random)
        let available: Int64
        if let limit {
            self.bucket = min(self.bucket + limit / 2, 3 * limit)
            available = self.bucket
        } else {
            available = .max
        }
        if self.part.size == 0, self.wanted > 0 {
            var usual = Int64(Double(self.average) * 1.0235 / 2)
            if self.limit == nil || self.bucket > (self.limit ?? 0) {
                usual = max(usual, self.lastPart * 7 / 5)
            }
            self.part = (min(self.wanted, max(Self.block, usual)), 0, 0)
            self.lastPart = self.part.size
        }
        guard self.part.size > 0 else { return }
        let got = min(self.part.size - self.part.assigned, available)
        if self.limit != nil { self.bucket -= got }
        self.part.assigned += got
        self.part.age += 1
        guard self.part.assigned == self.part.size || self.part.age >= 20 else { return }
        self.uploaded += self.part.assigned
        self.second += self.part.assigned
        self.wanted -= self.part.assigned
        self.part = (0, 0, 0)
    }

    private mutating func ask(using random: inout SplitMix64) {
        guard let demand else {
            // A link that is never the bound: 20 MB/s.
            self.wanted = 10_000_000
            return
        }
        self.credit = min(self.credit + demand / 2, 3 * demand + 2 * Self.block)
        if self.wanted < max(demand, Self.block), Int.random(in: 0..<3, using: &random) == 0 {
            let blocks = self.credit / Self.block
            self.wanted += blocks * Self.block
            self.credit -= blocks * Self.block
        }
    }

    /// Every other tick.
    mutating func endSecond() {
        self.average = self.average * 4 / 5 + self.second / 5
        self.second = 0
    }
}

/// One tracker whose torrents are such, polled as a qBittorrent is: snapshots every 1.5 s.
struct BlockSimulation {
    var demands: [Int64?]
    var cap: Int64
    var settings: PlanningSettings
    var seed: UInt64
    var pollSeconds = 3.0
    /// The part of the cap that limits are planned for.
    var plannedThousandths: Int64 = 930
    var seconds = 180
    var settleSeconds = 45

    struct Result {
        var delivered = 0.0
        var deliverable = 0.0
        /// The largest sum of limits after any cycle, and the largest average over 10 s, in parts of the cap.
        var largestSum = 0.0
        var largestTenSeconds = 0.0
        /// The mean of each torrent's limit and rate.
        var limits: [Double] = []
        var rates: [Double] = []
        var changes = 0
        /// When 0.9 of what the planned part allows was first reached over 10 s.
        var convergedAt: Double?
        var utilisation: Double { self.delivered / self.deliverable }
    }

    func run(each: (Double, [BlockTorrent]) -> Void = { _, _ in }) -> Result {
        var random = SplitMix64(seed: self.seed)
        var torrents = self.demands.map(BlockTorrent.init)
        var shown = torrents
        var state = PlanningState()
        let planned = self.cap * self.plannedThousandths / 1000
        let tracker = GovernedTracker(id: "t", cap: .bytesPerSecond(planned))
        var input = PlanningInput(
            trackers: [tracker],
            torrents: torrents.indices.map {
                PlanningTorrent(key: torrentKey($0), tracker: 0, uploadRate: .zero, limit: .unlimited)
            })
        var result = Result(
            limits: Array(repeating: 0, count: torrents.count),
            rates: Array(repeating: 0, count: torrents.count))
        let wanted = min(self.cap, self.demands.reduce(Int64(0)) { $0 + ($1 ?? self.cap) })
        var totals: [Int64] = []
        var before = torrents
        // The phase of the client's snapshots against the polls is chance.
        let phase = Int.random(in: 0..<3, using: &random)
        let pollTicks = Int(self.pollSeconds * 2)
        for tick in 0..<(2 * (self.seconds + self.settleSeconds)) {
            if tick % pollTicks == 0 {
                for index in torrents.indices {
                    input.torrents[index].uploadRate = ByteRate(bytesPerSecond: shown[index].average)
                }
                let now = Instant(nanoseconds: 0).advanced(bySeconds: Double(tick) / 2)
                let plan = makePlan(input, settings: self.settings, state: &state, scope: .full, at: now)
                for change in plan.changes {
                    let index = torrentIndex(change.key)
                    torrents[index].limit(to: change.to.rate?.bytesPerSecond)
                    input.torrents[index].limit = change.to
                }
                if tick >= 2 * self.settleSeconds { result.changes += plan.changes.count }
                let sum = torrents.reduce(Int64(0)) { $0 + ($1.limit ?? self.cap) }
                result.largestSum = max(result.largestSum, Double(sum) / Double(self.cap))
            }
            for index in torrents.indices { torrents[index].tick(using: &random) }
            if tick % 2 == 1 {
                for index in torrents.indices { torrents[index].endSecond() }
                totals.append(torrents.reduce(0) { $0 + $1.uploaded })
                if totals.count > 10 {
                    let average = Double(totals[totals.count - 1] - totals[totals.count - 11]) / 10
                    if average >= 0.9 * Double(min(wanted, planned)), result.convergedAt == nil {
                        result.convergedAt = Double(totals.count)
                    }
                    if totals.count > self.settleSeconds + 10 {
                        result.largestTenSeconds = max(result.largestTenSeconds, average / Double(self.cap))
                    }
                }
                if totals.count > self.settleSeconds {
                    for index in torrents.indices {
                        result.limits[index] +=
                            Double(torrents[index].limit ?? self.cap) / Double(self.seconds)
                    }
                }
                if totals.count == self.settleSeconds { before = torrents }
                each(Double(totals.count), torrents)
            }
            if tick % 3 == phase { shown = torrents }
        }
        for index in torrents.indices {
            let rate = Double(torrents[index].uploaded - before[index].uploaded) / Double(self.seconds)
            result.rates[index] = rate
            result.delivered += rate
        }
        result.deliverable = Double(wanted)
        return result
    }
}
