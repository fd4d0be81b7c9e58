import JSONValues
import SwarmTypes
import TorrentCatalog

/// When each member of `sync/maindata` changed last.
///
/// A client names the last number (`rid`) that reached it, and gets what changed after it: right also when the answer in
/// between was lost, and for any number of clients, without keeping anything for any of them.
struct MaindataLedger: Sendable {
    private struct Entry: Sendable {
        var row: TorrentRow
        /// By field, in the order of `torrentFields`.
        var changed: [Int64]
        var latest: Int64
    }

    /// The number of the last change. Numbers of an earlier run are smaller than `floor`.
    private(set) var number: Int64
    var telling = Telling()
    /// Changes up to here are not told apart any more.
    private var floor: Int64
    private var torrents: [TorrentID: Entry] = [:]
    private var removed: [(id: TorrentID, at: Int64)] = []
    private var categories = ChangeStamps<TorrentCategory>()
    private var tags = ChangeStamps<Bool>()
    private var trackers = ChangeStamps<Set<TorrentID>>()
    private var serverState = ChangeStamps<FieldValue>()

    private static let maximumRemovals = 10_000

    /// - Parameter start: no number of an earlier run was as great.
    init(_ state: CatalogMirror.State, startingAt start: Int64) {
        self.number = start
        self.floor = start
        for (id, row) in state.rows { self.insert(id, row) }
        _ = self.takeSmallParts(state)
    }

    private mutating func insert(_ id: TorrentID, _ row: TorrentRow) {
        self.torrents[id] = Entry(
            row: row, changed: [Int64](repeating: self.number, count: torrentFields.count),
            latest: self.number)
        for url in row.summary.trackers { self.setMember(id, of: url, isMember: true) }
    }

    /// Takes over what has changed.
    mutating func catchUp(with state: CatalogMirror.State, touched: Set<TorrentID>) {
        self.number += 1
        var isDifferent = false
        for id in touched where self.update(id, state.rows[id]) { isDifferent = true }
        if self.takeSmallParts(state) { isDifferent = true }
        if !isDifferent { self.number -= 1 }
        self.trim()
    }

    /// Answers whether anything that a client sees is different.
    private mutating func update(_ id: TorrentID, _ row: TorrentRow?) -> Bool {
        guard let row else {
            guard let old = self.torrents.removeValue(forKey: id) else { return false }
            for url in old.row.summary.trackers { self.setMember(id, of: url, isMember: false) }
            self.removed.append((id, self.number))
            return true
        }
        guard var entry = self.torrents[id] else {
            self.insert(id, row)
            return true
        }
        guard entry.row !== row else { return false }
        var isDifferent = false
        let old = entry.row.summary
        for (place, field) in torrentFields.enumerated()
        where field.value(old) != field.value(row.summary) {
            entry.changed[place] = self.number
            isDifferent = true
        }
        if isDifferent { entry.latest = self.number }
        if old.trackers != row.summary.trackers {
            for url in old.trackers { self.setMember(id, of: url, isMember: false) }
            for url in row.summary.trackers { self.setMember(id, of: url, isMember: true) }
            isDifferent = true
        }
        entry.row = row
        self.torrents[id] = entry
        return isDifferent
    }

    private mutating func setMember(_ id: TorrentID, of url: String, isMember: Bool) {
        var members = self.trackers.values[url]?.value ?? []
        // So that the set has one owner while it changes.
        self.trackers.set(url, [], as: self.number)
        if isMember { members.insert(id) } else { members.remove(id) }
        self.trackers.set(url, members.isEmpty ? nil : members, as: self.number)
    }

    private mutating func takeSmallParts(_ state: CatalogMirror.State) -> Bool {
        let categories = Dictionary(uniqueKeysWithValues: state.categories.map { ($0.name, $0) })
        let tags = Dictionary(state.tags.map { ($0, true) }, uniquingKeysWith: { $1 })
        let server = ServerState(session: state.session, preferences: state.preferences)
        let values = Dictionary(uniqueKeysWithValues: serverStateFields.map { ($0.name, $0.value(server)) })
        var isDifferent = self.categories.update(categories, as: self.number)
        isDifferent = self.tags.update(tags, as: self.number) || isDifferent
        return self.serverState.update(values, as: self.number) || isDifferent
    }

    private mutating func trim() {
        if self.removed.count > Self.maximumRemovals {
            let excess = self.removed.count - Self.maximumRemovals / 2
            self.floor = max(self.floor, self.removed[excess - 1].at)
            self.removed.removeFirst(excess)
        }
        for forgotten in [
            self.categories.trim(to: Self.maximumRemovals), self.tags.trim(to: Self.maximumRemovals),
            self.trackers.trim(to: Self.maximumRemovals),
        ] {
            if let forgotten { self.floor = max(self.floor, forgotten) }
        }
    }

    // MARK: - Answering

    /// The answer to who names `known`, beginning with what every answer begins with; `write` and `end` do the rest.
    func begin(after known: Int64, to writer: inout JSONWriter) -> Answer {
        let isFull = known < self.floor || known > self.number || known <= 0
        let since = isFull ? Int64.min : known
        let torrents = self.torrents.compactMap { $0.value.latest > since ? $0.key : nil }
        writer.begin(.object)
        writer.member("rid", self.number)
        if isFull { writer.member("full_update", true) }
        if !torrents.isEmpty {
            writer.name("torrents")
            writer.begin(.object)
        }
        return Answer(since: since, isFull: isFull, torrents: torrents)
    }

    /// What is still to be written of an answer.
    struct Answer: Sendable {
        fileprivate let since: Int64
        fileprivate let isFull: Bool
        fileprivate(set) var torrents: [TorrentID]
        fileprivate var hasTorrents: Bool

        fileprivate init(since: Int64, isFull: Bool, torrents: [TorrentID]) {
            self.since = since
            self.isFull = isFull
            self.torrents = torrents
            self.hasTorrents = !torrents.isEmpty
        }
    }

    /// Writes the next torrents, at most so many.
    func write(_ count: Int, of answer: inout Answer, to writer: inout JSONWriter) {
        for _ in 0..<min(count, answer.torrents.count) {
            let id = answer.torrents.removeLast()
            guard let entry = self.torrents[id] else { continue }
            writer.nested(id.hex) { writer in
                for (place, field) in torrentFields.enumerated() where entry.changed[place] > answer.since {
                    writer.name(field.name)
                    field.told(of: entry.row.summary, self.telling).write(to: &writer)
                }
            }
        }
    }

    func end(_ answer: Answer, to writer: inout JSONWriter) {
        if answer.hasTorrents { writer.end(.object) }
        self.writeRemoved(answer.since, answer.isFull, &writer)
        self.writeOthers(answer.since, answer.isFull, &writer)
        writer.end(.object)
    }

    /// What changed after `known`; all of it for a number that says nothing.
    func write(after known: Int64, to writer: inout JSONWriter) {
        var answer = self.begin(after: known, to: &writer)
        self.write(answer.torrents.count, of: &answer, to: &writer)
        self.end(answer, to: &writer)
    }

    private func writeRemoved(_ since: Int64, _ isFull: Bool, _ writer: inout JSONWriter) {
        guard !isFull else { return }
        let gone = Set(self.removed.filter { $0.at > since && self.torrents[$0.id] == nil }.map(\.id))
        if !gone.isEmpty {
            writer.member("torrents_removed", array: { for id in gone.sorted() { $0.string(id.hex) } })
        }
    }

    private func writeOthers(_ since: Int64, _ isFull: Bool, _ writer: inout JSONWriter) {
        let categories = self.categories.changed(after: since)
        if !categories.isEmpty {
            writer.nested("categories") { for (_, category) in categories { $0.member(category) } }
        }
        let tags = self.tags.changed(after: since)
        if !tags.isEmpty { writer.member("tags", tags.map(\.name)) }
        let trackers = self.trackers.changed(after: since)
        if !trackers.isEmpty, self.telling.showsKeys {
            writer.nested("trackers") {
                for (url, members) in trackers {
                    $0.member(url, array: { for id in members.sorted() { $0.string(id.hex) } })
                }
            }
        }
        let state = self.serverState.changed(after: since)
        if !state.isEmpty {
            writer.nested("server_state") {
                for (name, value) in state {
                    $0.name(name)
                    value.write(to: &$0)
                }
            }
        }
        guard !isFull else { return }
        for (name, removed) in [
            ("categories_removed", self.categories.removed(after: since)),
            ("tags_removed", self.tags.removed(after: since)),
            ("trackers_removed", self.telling.showsKeys ? self.trackers.removed(after: since) : []),
        ] where !removed.isEmpty {
            writer.member(name, removed)
        }
    }
}

extension JSONWriter {
    mutating func nested(_ name: String, _ members: (inout JSONWriter) -> Void) {
        self.member(name, object: members)
    }

    mutating func member(_ category: TorrentCategory) {
        self.nested(category.name) {
            $0.member("name", category.name)
            $0.member("savePath", category.directory)
        }
    }
}
