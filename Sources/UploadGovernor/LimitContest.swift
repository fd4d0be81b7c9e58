import SwarmTypes

/// Notices that another hand changes the limits of one client that Weir sets, again and again: a second governor by mistake.
///
/// Whoever wins such a contest, the limits are worth nothing meanwhile; so Weir stops writing what is contested until it has
/// been quiet there for a while. Each further contest is waited out twice as long, for the other one may wait as well.
struct LimitContest: Sendable {
    /// Changes of one torrent's limit within the window that are no accident any more.
    static let rounds = 5
    static let windowSeconds = 600.0
    static let quietSeconds = 600.0
    static let longestQuietSeconds = 86_400.0
    /// So many contested torrents stand for all of the client's.
    static let torrentsForAll = 3

    private struct Record: Sendable {
        var rounds = 0
        /// Of the rounds that are counted.
        var first: Instant
        var last: Instant
        /// As last seen.
        var limit: UploadLimit
    }

    private var records: [TorrentID: Record] = [:]
    private var quiet = Self.quietSeconds
    /// Torrents that are left alone.
    private(set) var held = 0

    var count: Int { self.records.count }
    var holdsAll: Bool { self.held >= Self.torrentsForAll }

    func holds(_ id: TorrentID) -> Bool {
        self.holdsAll || (self.held > 0 && self.isHeld(self.records[id]))
    }

    private func isHeld(_ record: Record?) -> Bool { (record?.rounds ?? 0) >= Self.rounds }

    /// Another hand has changed what Weir had set. True when that was once too often.
    /// - Parameter pollSeconds: between two looks; who looks seldom sees seldom.
    mutating func changed(
        _ id: TorrentID, to limit: UploadLimit, at now: Instant, pollSeconds: Double = 5
    ) -> Bool {
        var record = self.records[id] ?? Record(first: now, last: now, limit: limit)
        guard !self.isHeld(record) else { return false }
        let window = max(Self.windowSeconds, Double(2 * Self.rounds) * pollSeconds)
        if now.seconds(since: record.first) > window {
            record.rounds = 0
            record.first = now
        }
        record.rounds += 1
        record.last = now
        record.limit = limit
        self.records[id] = record
        guard self.isHeld(record) else { return false }
        self.held += 1
        return true
    }

    /// The limit of a torrent that is left alone: the contest lasts as long as it changes.
    mutating func saw(_ id: TorrentID, _ limit: UploadLimit, at now: Instant) {
        guard self.held > 0, let record = self.records[id], self.isHeld(record), record.limit != limit else {
            return
        }
        self.records[id]?.limit = limit
        self.records[id]?.last = now
    }

    /// Forgets what is long past. Answers how many torrents are Weir's again because nothing changed any more.
    mutating func settle(at now: Instant) -> Int {
        guard !self.records.isEmpty else { return 0 }
        self.records = self.records.filter { _, record in
            self.isHeld(record) || now.seconds(since: record.last) <= 10 * Self.windowSeconds
        }
        guard self.held > 0,
            self.records.values.allSatisfy({
                !self.isHeld($0) || now.seconds(since: $0.last) > self.quiet
            })
        else { return 0 }
        self.quiet = min(self.quiet * 2, Self.longestQuietSeconds)
        return self.end()
    }

    /// On a command: as if nothing had been.
    mutating func clear() {
        _ = self.end()
        self.quiet = Self.quietSeconds
    }

    private mutating func end() -> Int {
        defer {
            self.records = [:]
            self.held = 0
        }
        return self.held
    }
}
