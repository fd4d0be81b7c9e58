import LimitPlanning
import SwarmTypes

/// What a torrent would upload without a limit, from a time on. In bytes per second.
struct DemandEvent: Hashable {
    var second: Double
    var torrent: Int
    var demand: Int64
}

/// Trackers, torrents and what they want over time.
struct Scenario: Sendable {
    let trackers: [GovernedTracker]
    /// The tracker of each torrent, in the order in which the torrents are added.
    let members: [Int]
    /// When each torrent is added.
    let addedAt: [Double]
    /// By time.
    let demand: [DemandEvent]
    let seconds: Double
    /// Not counted in the figures.
    let warmUpSeconds: Double

    /// Takes torrents and events in any order.
    init(
        trackers: [GovernedTracker], members: [Int], addedAt: [Double], demand: [DemandEvent],
        seconds: Double,
        warmUpSeconds: Double
    ) {
        let order = addedAt.indices.sorted { (addedAt[$0], $0) < (addedAt[$1], $1) }
        var place = [Int](repeating: 0, count: order.count)
        for (index, torrent) in order.enumerated() { place[torrent] = index }
        let events = demand.indices.sorted { (demand[$0].second, $0) < (demand[$1].second, $1) }
        self.trackers = trackers
        self.members = order.map { members[$0] }
        self.addedAt = order.map { addedAt[$0] }
        self.demand = events.map {
            DemandEvent(
                second: demand[$0].second, torrent: place[demand[$0].torrent], demand: demand[$0].demand)
        }
        self.seconds = seconds
        self.warmUpSeconds = warmUpSeconds
    }
}

/// A client's view of its torrents: rates as libtorrent keeps and qBittorrent shows them, limits applied at once.
///
/// A rate is `rate * 4/5 + sample/5` once a second; readings are a snapshot taken every 1.5 s.
struct SimulatedClient {
    static let stepSeconds = 0.5

    private(set) var demands: [Int64]
    /// Nil for none.
    private(set) var limits: [Int64?]
    private var sent: [Int64]
    private var averages: [Int64]
    private var readings: [Int64]
    private var step = 0

    init(torrents count: Int) {
        self.demands = Array(repeating: 0, count: count)
        self.limits = Array(repeating: nil, count: count)
        self.sent = Array(repeating: 0, count: count)
        self.averages = Array(repeating: 0, count: count)
        self.readings = Array(repeating: 0, count: count)
    }

    mutating func want(_ demand: Int64, torrent: Int) { self.demands[torrent] = demand }

    mutating func limit(_ torrent: Int, to limit: UploadLimit) {
        self.limits[torrent] = limit.rate?.bytesPerSecond
    }

    /// Lets half a second pass and adds what each torrent uploads, per second, to its tracker's rate.
    mutating func advance(torrents: Range<Int>, members: [Int], rates: inout [Int64]) {
        self.step += 1
        for torrent in torrents {
            let rate = min(self.demands[torrent], self.limits[torrent] ?? .max)
            rates[members[torrent]] += rate
            self.sent[torrent] += rate / 2
        }
        if self.step % 2 == 0 {
            for torrent in torrents where self.averages[torrent] > 0 || self.sent[torrent] > 0 {
                self.averages[torrent] = self.averages[torrent] * 4 / 5 + self.sent[torrent] / 5
                self.sent[torrent] = 0
            }
        }
        if self.step % 3 == 0 { self.readings = self.averages }
    }

    func reading(_ torrent: Int) -> Int64 { self.readings[torrent] }
}
