import JSONValues
import SwarmTypes

/// What each tracker's torrents uploaded, by source: the last hour in steps of 5 s and the last day in steps of a minute.
///
/// Bounded: 2,160 samples of 4 bytes for each of at most 192 series.
struct CapHistory: Sendable {
    enum Range: String, CaseIterable, Sendable {
        case hour = "1h"
        case day = "24h"

        var stepSeconds: Int { self == .hour ? 5 : 60 }
        var samples: Int { self == .hour ? 720 : 1440 }
    }

    static let secondsPerSample = Range.hour.stepSeconds
    private static let maximumSeries = 192

    struct Key: Hashable, Sendable {
        var tracker: String
        /// Nil: the effective cap, which is no use.
        var source: String?
    }

    /// A ring; `Float.nan` where nothing is known.
    private struct Ring: Sendable {
        var samples: [Float]
        init(_ count: Int) { self.samples = Array(repeating: .nan, count: count) }
    }

    private struct Series: Sendable {
        var hour = Ring(Range.hour.samples)
        var day = Ring(Range.day.samples)
        /// Of the minute that is under way.
        var sum: Float = 0
        var count = 0
    }

    private var series: [Key: Series] = [:]
    private var hourTicks = 0
    private var dayTicks = 0
    /// Seconds since 1970 of the newest sample.
    private(set) var newest: Double = 0

    /// Takes one sample; to be called every 5 s. Unlimited caps are no line to draw.
    mutating func take(_ caps: [CapOverview], at now: Double) {
        self.newest = now
        let place = self.hourTicks % Range.hour.samples
        var values: [Key: Float] = [:]
        for cap in caps {
            if let effective = cap.effective.rate {
                values[Key(tracker: cap.id, source: nil)] = Float(effective.bytesPerSecond)
            }
            for source in cap.sources {
                values[Key(tracker: cap.id, source: source.name)] = Float(source.rate.bytesPerSecond)
            }
        }
        for key in values.keys where self.series[key] == nil && self.series.count < Self.maximumSeries {
            self.series[key] = Series()
        }
        self.hourTicks += 1
        let endsMinute = self.hourTicks % (Range.day.stepSeconds / Range.hour.stepSeconds) == 0
        let dayPlace = self.dayTicks % Range.day.samples
        for key in self.series.keys {
            let value = values[key] ?? .nan
            self.series[key]?.hour.samples[place] = value
            if !value.isNaN {
                self.series[key]?.sum += value
                self.series[key]?.count += 1
            }
            guard endsMinute, let done = self.series[key] else { continue }
            self.series[key]?.day.samples[dayPlace] = done.count > 0 ? done.sum / Float(done.count) : .nan
            self.series[key]?.sum = 0
            self.series[key]?.count = 0
        }
        if endsMinute {
            self.dayTicks += 1
            self.series = self.series.filter {
                $0.value.day.samples.contains { !$0.isNaN } || values[$0.key] != nil
            }
        }
    }

    /// The oldest first; leading steps of which nothing is known by any series are left out.
    func write(_ range: Range, to json: inout JSONWriter) {
        let ticks = range == .hour ? self.hourTicks : self.dayTicks
        let count = min(ticks, range.samples)
        json.member("range", range.rawValue)
        json.member("step", range.stepSeconds)
        json.member("end", self.newest)
        json.member(
            "series",
            array: { json in
                for (key, series) in self.series.sorted(by: { Self.isBefore($0.key, $1.key) }) {
                    let ring = range == .hour ? series.hour : series.day
                    json.object { json in
                        json.member("tracker", key.tracker)
                        json.member("source", key.source)
                        json.member(
                            "rates",
                            array: { json in
                                for tick in (ticks - count)..<ticks {
                                    let value = ring.samples[tick % range.samples]
                                    if value.isNaN { json.null() } else { json.integer(Int64(value)) }
                                }
                            })
                    }
                }
            })
    }

    private static func isBefore(_ left: Key, _ right: Key) -> Bool {
        (left.tracker, left.source ?? "") < (right.tracker, right.source ?? "")
    }
}

let historyOfCapsSchema = Schema.object([
    "range": .choice(CapHistory.Range.allCases.map(\.rawValue)), "step": .integer, "end": .number,
    "series": .array(
        .object([
            "tracker": .string, "source": .nullable(.string), "rates": .array(.nullable(.integer)),
        ])),
])
