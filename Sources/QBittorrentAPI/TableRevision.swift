import JSONScanning
import SwarmTypes

/// What is found while answers are read, beside the table, which stays as it is until the poll is known to
/// have succeeded.
struct TableRevision {
    /// More torrents than these are not believed.
    static let maximumRows = 1_000_000

    private let base: TorrentTable
    private var trackerSets: TrackerSets
    private var updates: [(index: Int, row: TorrentRow)] = []
    private var newcomers: [TorrentRow] = []
    private var isSeen: [Bool]
    private var isRemoved: [Bool]
    /// Torrents seen since `startList`, if that was ever called.
    private(set) var listed: [TorrentID] = []
    private var keepsList = false

    private(set) var malformedRows = 0
    /// Whether a row could not even be told which torrent it is: any torrent may be that one.
    private(set) var hasUnknownRow = false
    /// Whether a torrent has uploaded less than before, in all: qBittorrent crashed before it saved that.
    private(set) var countersWentBack = false

    /// The places in `updates` of rows whose limit is another one than before.
    private var changedLimits: [TorrentID: Int] = [:]

    init(base: TorrentTable) {
        self.base = base
        self.trackerSets = base.trackerSets
        self.isSeen = Array(repeating: false, count: base.count)
        self.isRemoved = self.isSeen
    }

    mutating func startList() {
        self.listed = []
        self.keepsList = true
    }

    /// Takes a row; false when there are too many.
    mutating func receive(_ row: ScannedRow, hash: some Collection<UInt8>) -> Bool {
        guard let id = TorrentID(hexDigits: Array(hash)) else {
            self.receiveUnknown()
            return true
        }
        if self.keepsList { self.listed.append(id) }
        if let index = self.base.index(of: id) {
            self.isSeen[index] = true
            self.isRemoved[index] = false
            self.update(index, row)
        } else {
            self.add(id, row)
        }
        return self.newcomers.count + self.updates.count <= Self.maximumRows
    }

    mutating func receiveUnknown() {
        self.malformedRows += 1
        self.hasUnknownRow = true
    }

    mutating func remove(_ id: TorrentID) {
        if let index = self.base.index(of: id) { self.isRemoved[index] = true }
        self.newcomers.removeAll { $0.id == id }
    }

    private mutating func update(_ index: Int, _ row: ScannedRow) {
        let before = self.base.rows[index]
        var after = before
        guard row.update(&after, &self.trackerSets) else {
            self.malformedRows += 1
            return
        }
        if after.uploaded < before.uploaded { self.countersWentBack = true }
        if after.uploadLimit != before.uploadLimit { self.changedLimits[after.id] = self.updates.count }
        if after != before { self.updates.append((index, after)) }
    }

    var idsOfChangedLimits: [TorrentID] { Array(self.changedLimits.keys) }

    /// Puts the limit right of a row whose limit was changed.
    mutating func correctLimit(written: Int64, of id: TorrentID) {
        if let place = self.changedLimits[id] { self.updates[place].row.setLimit(written: written) }
    }

    private mutating func add(_ id: TorrentID, _ row: ScannedRow) {
        var added = TorrentRow(id: id)
        guard row.describesTorrent, row.update(&added, &self.trackerSets) else {
            self.malformedRows += 1
            return
        }
        added.uploadedBefore = added.uploaded
        self.newcomers.append(added)
    }

    /// The changes, with which the rows go that were not seen if `isComplete`. An unknown row may be any of
    /// those, so then they stay.
    consuming func changes(isComplete: Bool) -> TableChanges {
        let removesUnseen = isComplete && !self.hasUnknownRow
        let removed = self.base.rows.indices.filter { index in
            self.isRemoved[index] || removesUnseen && !self.isSeen[index]
        }
        // Moved out, so that sorting does not copy megabytes.
        var newcomers: [TorrentRow] = []
        swap(&newcomers, &self.newcomers)
        return TableChanges(
            updates: self.updates, newcomers: ordered(newcomers), removed: removed,
            trackerSets: self.trackerSets, isComplete: isComplete)
    }
}

/// In the order of identifiers, each once.
private func ordered(_ rows: consuming [TorrentRow]) -> [TorrentRow] {
    rows.sort { $0.id < $1.id }
    let isRepeated = rows.indices.dropFirst().contains { rows[$0].id == rows[$0 - 1].id }
    guard isRepeated else { return rows }
    var kept: [TorrentRow] = []
    for row in rows where kept.last?.id != row.id { kept.append(row) }
    return kept
}
