import SwarmTypes

/// Slows down those who guess: after a few failures an address waits, each time twice as long, and is forgiven with time.
struct AttemptGuard {
    private struct Record {
        var failures: Double
        var last: Instant
        var blockedUntil: Instant?
    }

    static let freeFailures = 5
    static let longestWaitSeconds = 900.0
    /// One failure is forgotten in so many seconds.
    static let forgivingSeconds = 300.0
    static let maximumAddresses = 4096

    private var records: [String: Record] = [:]

    var addressCount: Int { self.records.count }

    /// Seconds to wait before the next attempt; nil when it may be made now.
    func wait(for address: String, at now: Instant) -> Double? {
        guard let until = self.records[address]?.blockedUntil else { return nil }
        let seconds = until.seconds(since: now)
        return seconds > 0 ? seconds : nil
    }

    mutating func failed(_ address: String, at now: Instant) {
        if self.records[address] == nil, self.records.count >= Self.maximumAddresses { self.forget(at: now) }
        var record = self.records[address] ?? Record(failures: 0, last: now)
        record.failures =
            max(0, record.failures - now.seconds(since: record.last) / Self.forgivingSeconds) + 1
        record.last = now
        let excess = Int(record.failures.rounded()) - Self.freeFailures
        if excess >= 0 {
            var seconds = 2.0
            for _ in 0..<min(excess, 10) { seconds *= 2 }
            record.blockedUntil = now.advanced(bySeconds: min(seconds, Self.longestWaitSeconds))
        }
        self.records[address] = record
    }

    mutating func succeeded(_ address: String) { self.records[address] = nil }

    /// Makes room: those that are forgiven, else the one that failed longest ago.
    private mutating func forget(at now: Instant) {
        self.records = self.records.filter { now.seconds(since: $0.value.last) < Self.longestWaitSeconds }
        if self.records.count >= Self.maximumAddresses,
            let oldest = self.records.min(by: { $0.value.last < $1.value.last })
        {
            self.records[oldest.key] = nil
        }
    }
}
