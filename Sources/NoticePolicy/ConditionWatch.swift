public import SwarmTypes

/// Tells a condition that lasts from one that comes and goes: it counts once it was seen for so long without a gap.
public struct ConditionWatch<Key: Hashable & Sendable>: Sendable {
    /// Beyond it new conditions are not followed.
    public static var maximumKeys: Int { 10_000 }

    private struct Record {
        var since: Instant
        var hasCounted = false
    }

    private var records: [Key: Record] = [:]

    public init() {}

    /// What holds now; answers what has lasted long enough since the last time, and what of it is over.
    public mutating func observe(
        _ present: Set<Key>, patienceSeconds: Double, at now: Instant
    ) -> (begun: [Key], over: [Key]) {
        var over: [Key] = []
        for (key, record) in self.records where !present.contains(key) {
            if record.hasCounted { over.append(key) }
            self.records[key] = nil
        }
        var begun: [Key] = []
        for key in present {
            var record = self.records[key] ?? Record(since: now)
            if self.records[key] == nil, self.records.count >= Self.maximumKeys { continue }
            if !record.hasCounted, now.seconds(since: record.since) >= patienceSeconds {
                record.hasCounted = true
                begun.append(key)
            }
            self.records[key] = record
        }
        return (begun, over)
    }
}

/// Notices that many limits on one client are changed by another hand: a second governor, or a script.
public struct ForeignHandWatch: Sendable {
    /// So many changed torrents of one client within the time are more than somebody's own doing.
    static let torrents = 10
    static let seconds = 600.0

    private var changes: [String: [TorrentID: Instant]] = [:]

    public init() {}

    /// Somebody else changed a torrent's limit. Answers how many torrents that makes, when it is time to say so.
    public mutating func changed(_ torrent: TorrentID, of client: String, at now: Instant) -> Int? {
        var seen = self.changes[client, default: [:]]
        seen[torrent] = now
        if seen.count >= Self.torrents { seen = seen.filter { now.seconds(since: $0.value) < Self.seconds } }
        guard seen.count >= Self.torrents else {
            self.changes[client] = seen
            return nil
        }
        self.changes[client] = nil
        return seen.count
    }
}
