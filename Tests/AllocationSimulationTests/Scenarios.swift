import Foundation
import LimitPlanning
import SwarmTypes
import TestKit

/// The eight demand patterns of the allocation study.
enum DemandPattern: String, CaseIterable, Sendable {
    case allBusy = "all_busy"
    case fewHot = "few_hot"
    case heavyTail = "heavy_tail"
    case bursty
    case flash
    case floor400
    case multi
    case diurnal

    func scenario(seed: UInt64, seconds: Double, warmUp: Double, tracker: GovernedTracker) -> Scenario {
        var builder = ScenarioBuilder(seed: seed, seconds: seconds)
        let mebibyte = 1_048_576.0
        var caps: [Double] = []
        switch self {
        case .allBusy:
            caps = [10]
            for _ in 0..<60 { builder.steady(builder.uniform(1...4) * mebibyte) }
        case .fewHot:
            caps = [10]
            for _ in 0..<5 { builder.steady(builder.uniform(3...8) * mebibyte) }
            for _ in 0..<95 { builder.steady(builder.uniform(12...60) * 1024) }
            for _ in 0..<200 { builder.onOff(rate: builder.uniform(50...400) * 1024, on: 45, off: 2400) }
        case .heavyTail:
            caps = [8]
            let sizes = (0..<200).map { _ in builder.pareto(shape: 1.1) }
            let scale = 1.6 * 8 * mebibyte / sizes.reduce(0, +)
            for size in sizes { builder.noisy(mean: size * scale, sigma: 0.5, correlationSeconds: 120) }
        case .bursty:
            caps = [8]
            for _ in 0..<200 {
                builder.onOff(rate: builder.logNormal(median: 250 * 1024, sigma: 1), on: 60, off: 300)
            }
        case .flash:
            caps = [10]
            for _ in 0..<50 { builder.steady(0.6 * 10 * mebibyte / 50 * builder.uniform(0.5...1.5)) }
            for crowd in 1...3 {
                let time = warmUp + (seconds - warmUp) * Double(crowd) / 4
                for _ in 0..<8 {
                    builder.crowdMember(at: time + builder.uniform(0...20), rate: 6 * mebibyte, lasting: 240)
                }
            }
        case .floor400:
            caps = [2]
            for _ in 0..<400 { builder.steady(3 * 2 * mebibyte / 400 * builder.uniform(0.5...1.5)) }
        case .multi:
            caps = [4, 2, 2, 4]
            builder.fourTrackers(mebibyte: mebibyte)
        case .diurnal:
            caps = [8]
            for _ in 0..<150 { builder.wave(peak: 3 * 8 * mebibyte / 150, low: 0.2 / 3) }
        }
        let priorities = [10, 10, 5, 1]
        let trackers = caps.enumerated().map { index, cap in
            var tracker = tracker
            tracker.id = "t\(index)"
            tracker.cap = .bytesPerSecond(Int64(cap * mebibyte))
            tracker.priority = priorities[index]
            return tracker
        }
        return builder.scenario(trackers: trackers, warmUp: warmUp)
    }
}

/// Collects torrents and their demand over time.
struct ScenarioBuilder {
    private var random: SplitMix64
    private let seconds: Double
    private var members: [Int] = []
    private var addedAt: [Double] = []
    private var events: [DemandEvent] = []

    init(seed: UInt64, seconds: Double) {
        self.random = SplitMix64(seed: seed)
        self.seconds = seconds
    }

    mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        Double.random(in: range, using: &self.random)
    }

    mutating func pareto(shape: Double) -> Double { pow(1 - self.uniform(0...0.9999), -1 / shape) }

    mutating func normal() -> Double {
        sqrt(-2 * log(self.uniform(1e-12...1))) * cos(2 * Double.pi * self.uniform(0...1))
    }

    mutating func logNormal(median: Double, sigma: Double) -> Double { median * exp(sigma * self.normal()) }

    private mutating func add(tracker: Int = 0, at second: Double = 0) -> Int {
        self.members.append(tracker)
        self.addedAt.append(second)
        return self.members.count - 1
    }

    private mutating func want(_ torrent: Int, _ rate: Double, from second: Double) {
        self.events.append(DemandEvent(second: second, torrent: torrent, demand: Int64(max(0, rate))))
    }

    mutating func steady(_ rate: Double, tracker: Int = 0) {
        let torrent = self.add(tracker: tracker)
        self.want(torrent, rate, from: 0)
    }

    /// Pareto on-times, exponential off-times, with the given means; a new rate for each burst.
    mutating func onOff(rate: Double, on: Double, off: Double, tracker: Int = 0) {
        let torrent = self.add(tracker: tracker)
        var second = -self.uniform(0...(on + off))
        while second < self.seconds {
            second += -off * log(self.uniform(1e-9...1))
            self.want(torrent, rate * self.uniform(0.5...1.5), from: max(0, second))
            // A Pareto distribution of shape 1.5 has three times its least value as its mean.
            second += min(on / 3 * self.pareto(shape: 1.5), 20 * on)
            self.want(torrent, 0, from: max(0, second))
        }
    }

    /// A first-order random walk of the logarithm around a mean.
    mutating func noisy(mean: Double, sigma: Double, correlationSeconds: Double) {
        let torrent = self.add()
        let step = 10.0
        let memory = exp(-step / correlationSeconds)
        var deviation = sigma * self.normal()
        for second in stride(from: 0, to: self.seconds, by: step) {
            self.want(torrent, mean * exp(deviation - sigma * sigma / 2), from: second)
            deviation = memory * deviation + sigma * sqrt(1 - memory * memory) * self.normal()
        }
    }

    mutating func crowdMember(at second: Double, rate: Double, lasting duration: Double) {
        let torrent = self.add(at: second)
        self.want(torrent, rate, from: second)
        self.want(torrent, 0, from: second + duration)
    }

    /// A is quiet with two busy periods, B and C always want three times their caps, D comes and goes.
    mutating func fourTrackers(mebibyte: Double) {
        for _ in 0..<40 {
            let torrent = self.add(tracker: 0)
            self.want(torrent, self.uniform(0.2...0.6) * 0.25 * mebibyte / 4, from: 0)
            for start in [0.3, 0.7] {
                self.want(
                    torrent, self.uniform(0.5...1.5) * 2 * 4 * mebibyte / 40, from: start * self.seconds)
                self.want(torrent, 0.02 * mebibyte, from: (start + 0.15) * self.seconds)
            }
        }
        for tracker in [1, 2] {
            for _ in 0..<40 { self.steady(self.uniform(0.5...1.5) * 3 * 2 * mebibyte / 40, tracker: tracker) }
        }
        for _ in 0..<40 { self.onOff(rate: self.uniform(0.3...1) * mebibyte, on: 60, off: 240, tracker: 3) }
    }

    /// On and off, with a part of the time on that follows one slow wave from low to peak and back.
    mutating func wave(peak: Double, low: Double) {
        let torrent = self.add()
        var second = -self.uniform(0...120)
        while second < self.seconds {
            let level = low + (1 - low) * (1 - cos(2 * Double.pi * max(0, second) / self.seconds)) / 2
            self.want(torrent, 2 * peak * self.uniform(0.5...1.5), from: max(0, second))
            second += 120 * level * self.uniform(0.5...1.5)
            self.want(torrent, 0, from: max(0, second))
            second += 120 * max(0.05, 2 - level) * self.uniform(0.5...1.5)
        }
    }

    func scenario(trackers: [GovernedTracker], warmUp: Double) -> Scenario {
        Scenario(
            trackers: trackers, members: self.members, addedAt: self.addedAt, demand: self.events,
            seconds: self.seconds, warmUpSeconds: warmUp)
    }
}
