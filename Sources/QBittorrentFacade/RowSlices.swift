import HTTPServing
import JSONValues
import SwarmTypes
import TorrentCatalog

/// The answer to `torrents/info`, a slice at a time. Made by one task and used by the server's loop alone: the proof of the
/// unchecked promise.
final class RowSlices: HTTPBodySlicing, @unchecked Sendable {
    /// About a millisecond's work, and 50 kB.
    private static let rowsPerSlice = 40

    private let rows: [TorrentRow]
    private let trackers: [TorrentID: [TrackerLine]]?
    private let telling: Telling
    private var next = 0
    private var writer = JSONWriter()
    private(set) var isOver = false

    /// - Parameter trackers: nil when nobody asked for them.
    init(_ rows: [TorrentRow], trackers: [TorrentID: [TrackerLine]]?, _ telling: Telling) {
        self.rows = rows
        self.telling = telling
        self.trackers = trackers
        self.writer.begin(.array)
    }

    func nextSlice() -> [UInt8] {
        guard !self.isOver else { return [] }
        let end = min(self.rows.count, self.next + Self.rowsPerSlice)
        for row in self.rows[self.next..<end] { self.write(row) }
        self.next = end
        if end == self.rows.count {
            self.writer.end(.array)
            self.isOver = true
        }
        return self.writer.takeBytes()
    }

    private func write(_ row: TorrentRow) {
        self.writer.object {
            $0.member("hash", row.summary.id.hex)
            $0.members(torrentFields, of: row.summary, self.telling)
            guard let trackers = self.trackers else { return }
            $0.name("trackers")
            $0.array { for tracker in trackers[row.summary.id] ?? [] { $0.object(tracker, self.telling) } }
        }
    }
}
