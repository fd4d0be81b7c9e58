import SwarmTypes
import TorrentCatalog

/// Which torrents `torrents/info` lists, and in which order.
struct TorrentFilter: Sendable {
    private var state: String
    private var category: String?
    private var tag: String?
    private var isPrivate: Bool?
    private var only: Set<TorrentID>?
    private var sort: String?
    private var isReversed: Bool
    private var limit: Int
    private var offset: Int

    init(_ call: FacadeCall) throws(FacadeRefusal) {
        self.state = call["filter"]?.lowercased() ?? "all"
        self.category = call["category"]
        self.tag = call["tag"]
        self.isPrivate = call.flag("private")
        if let hashes = call["hashes"], hashes != "all", !hashes.isEmpty {
            self.only = Set(hashes.split(separator: "|").compactMap { TorrentID(facadeHash: $0) })
        }
        let sort = call["sort"].flatMap { $0.isEmpty ? nil : $0 }
        guard sort == nil || sort == "hash" || torrentFields.contains(where: { $0.name == sort }) else {
            throw FacadeRefusal(400, "'sort' parameter is invalid")
        }
        self.sort = sort
        self.isReversed = call.flag("reverse") ?? false
        self.limit = Int(clamping: call.integer("limit") ?? 0)
        self.offset = Int(clamping: call.integer("offset") ?? 0)
    }

    func select(from rows: [TorrentID: TorrentRow]) -> [TorrentRow] {
        // Summaries are large values: who asks for a page of all is answered by identifiers alone.
        if self.takesAll, self.sort == nil || self.sort == "hash" {
            let isReversed = self.isReversed && self.sort == "hash"
            let ids = self.first(of: Array(rows.keys)) { isReversed ? $1 < $0 : $0 < $1 }
            return self.page(ids).compactMap { rows[$0] }
        }
        var found: [TorrentRow] = []
        if let only {
            found = only.compactMap { rows[$0] }.filter { self.takes($0.summary) }
        } else {
            for row in rows.values where self.takes(row.summary) { found.append(row) }
        }
        self.order(&found)
        return self.page(found)
    }

    private var takesAll: Bool {
        self.only == nil && self.category == nil && self.tag == nil && self.isPrivate == nil
            && self.state == "all"
    }

    private func takes(_ torrent: TorrentSummary) -> Bool {
        if let category, torrent.category != category { return false }
        if let tag, tag.isEmpty ? !torrent.tags.isEmpty : !torrent.tags.contains(tag) { return false }
        if let isPrivate, (torrent.isPrivate ?? false) != isPrivate { return false }
        return torrent.matches(filter: self.state)
    }

    /// By id where nothing else tells them apart, so that pages do not overlap.
    private func order(_ torrents: inout [TorrentRow]) {
        guard let sort, let field = sort == "hash" ? nil : torrentFields.first(where: { $0.name == sort })
        else {
            let isReversed = self.isReversed && self.sort == "hash"
            let keyed = torrents.map { ($0.summary.id, $0) }
            torrents = self.first(of: keyed) { isReversed ? $1.0 < $0.0 : $0.0 < $1.0 }.map(\.1)
            return
        }
        let keyed = torrents.map { (field.value($0.summary), $0) }
        torrents = keyed.sorted { left, right in
            switch comparison(left.0, right.0) {
            case 0: left.1.summary.id < right.1.summary.id
            case let comparison: (comparison < 0) != self.isReversed
            }
        }.map(\.1)
    }

    /// In order, at least as far as the page reaches: who asks for one torrent does not wait for all to be sorted.
    private func first<Element>(of all: [Element], _ isBefore: (Element, Element) -> Bool) -> [Element] {
        let (count, overflows) = self.offset.addingReportingOverflow(self.limit)
        guard self.limit > 0, self.offset >= 0, !overflows, count <= 64, all.count > 2 * count else {
            return all.sorted(by: isBefore)
        }
        var least: [Element] = []
        least.reserveCapacity(count + 1)
        for element in all {
            if least.count == count, let last = least.last, !isBefore(element, last) { continue }
            let place = least.firstIndex { isBefore(element, $0) } ?? least.count
            least.insert(element, at: place)
            if least.count > count { least.removeLast() }
        }
        return least
    }

    /// A negative offset counts from the end; no limit is all.
    private func page<Element>(_ torrents: [Element]) -> [Element] {
        let start = self.offset < 0 ? max(0, torrents.count + self.offset) : self.offset
        let rest = torrents.dropFirst(start)
        return Array(self.limit > 0 ? rest.prefix(self.limit) : rest)
    }
}

/// Less than 0, 0 or more than 0, as the left comes before, beside or behind the right.
private func comparison(_ left: FieldValue, _ right: FieldValue) -> Int {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): left < right ? -1 : left > right ? 1 : 0
    case (.number(let left), .number(let right)): left < right ? -1 : left > right ? 1 : 0
    case (.text(let left), .text(let right)): left < right ? -1 : left > right ? 1 : 0
    case (.bool(let left), .bool(let right)): (left ? 1 : 0) - (right ? 1 : 0)
    case (.null, .null): 0
    case (.null, _): -1
    default: 1
    }
}

extension TorrentSummary {
    /// Unknown filters take all, as qBittorrent has them.
    func matches(filter: String) -> Bool {
        let isMoving = self.upRate > .zero || self.downRate > .zero
        switch filter {
        case "downloading":
            return !self.isComplete && self.state != .failed && self.state != .missingFiles
        case "seeding": return self.isComplete && (self.state == .seeding || self.state == .queued)
        case "completed": return self.isComplete
        case "stopped", "paused": return self.state == .stopped
        case "running", "resumed": return self.state != .stopped
        case "active": return isMoving || (self.isForced && self.state == .seeding)
        case "inactive": return !(isMoving || (self.isForced && self.state == .seeding))
        case "stalled": return self.isStalled
        case "stalled_uploading": return self.isStalled && self.isComplete
        case "stalled_downloading": return self.isStalled && !self.isComplete
        case "checking": return self.state == .checking || self.state == .checkingAtStart
        case "moving": return self.state == .moving
        case "errored": return self.state == .failed || self.state == .missingFiles
        default: return true
        }
    }

    private var isStalled: Bool {
        switch self.state {
        case .downloading, .metadata: self.downRate == .zero
        case .seeding: self.upRate == .zero
        default: false
        }
    }
}
