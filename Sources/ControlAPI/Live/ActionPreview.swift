import JSONValues
import SwarmTypes
import TorrentCatalog

/// What an action would change, counted before it is done.
struct ActionPreview: Sendable {
    private static let shownNames = 12

    /// Targets that are there.
    var matched = 0
    /// Those that would be as before.
    var unchanged = 0
    /// Payload of those that change.
    var bytes: Int64 = 0
    var uploading = 0
    var downloading = 0
    var names: [String] = []
    private let kind: TorrentAction.Kind
    private let command: TorrentCommand

    var changes: Int { self.matched - self.unchanged }

    init(_ action: TorrentAction, _ rows: [TorrentID: TorrentRow]) {
        self.kind = action.kind
        self.command = action.command
        switch action.targets {
        case .all: for row in rows.values { self.count(row.summary) }
        case .some(let ids): for id in Set(ids) { if let row = rows[id] { self.count(row.summary) } }
        }
    }

    private mutating func count(_ torrent: TorrentSummary) {
        self.matched += 1
        guard Self.changes(torrent, self.command) else {
            self.unchanged += 1
            return
        }
        self.bytes += torrent.done
        if torrent.upRate != .zero { self.uploading += 1 }
        if torrent.downRate != .zero { self.downloading += 1 }
        if self.names.count < Self.shownNames { self.names.append(torrent.name) }
    }

    private static func changes(_ torrent: TorrentSummary, _ command: TorrentCommand) -> Bool {
        switch command {
        case .start: torrent.state == .stopped || torrent.state == .failed || torrent.state == .missingFiles
        case .stop: torrent.state != .stopped
        case .announce: torrent.state != .stopped && !torrent.trackers.isEmpty
        case .recheck: torrent.hasMetadata
        case .force(let isForced): torrent.isForced != isForced
        case .setCategory(let name): torrent.category != name
        case .addTags(let tags): !tags.allSatisfy(torrent.tags.contains)
        case .removeTags(let tags): tags.contains(where: torrent.tags.contains)
        case .setUploadLimit(let limit): torrent.uploadLimit != limit
        case .setDownloadLimit(let limit): torrent.downloadLimit != limit
        case .setShareLimits(let limits): torrent.shareLimits != limits
        case .move(let directory): torrent.directory != directory
        case .queue: torrent.queuePosition != nil
        default: true
        }
    }

    private var warnings: [String] {
        var warnings: [String] = []
        if case .remove(let withFiles) = self.command {
            warnings.append(
                withFiles
                    ? "The files are deleted from disk. This cannot be undone."
                    : "The files stay on disk; Weir forgets the torrents.")
        }
        if self.kind == .recheck, self.changes > 0 {
            warnings.append("Nothing is uploaded from a torrent while it is checked.")
        }
        let stops = self.kind == .stop || self.kind == .remove || self.kind == .recheck
        if stops, self.uploading > 0 { warnings.append("\(self.uploading) of them upload at this moment.") }
        if stops, self.downloading > 0 {
            warnings.append("\(self.downloading) of them download at this moment.")
        }
        return warnings
    }

    func write(to json: inout JSONWriter) {
        json.member("action", self.kind.rawValue)
        json.member("matched", self.matched)
        json.member("changes", self.changes)
        json.member("unchanged", self.unchanged)
        json.member("bytes", self.bytes)
        json.member("names", self.names)
        json.member("warnings", self.warnings)
    }

    static let schema = Schema.object([
        "action": .string, "matched": .integer, "changes": .integer, "unchanged": .integer, "bytes": .integer,
        "names": .array(.string), "warnings": .array(.string),
    ])
}
