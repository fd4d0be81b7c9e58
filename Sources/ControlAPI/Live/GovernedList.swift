import JSONValues
import SwarmTypes

/// The governed torrents as the page has them: one list, and numbered changes of it.
///
/// Each event carries the number before its own, so that a page that missed one fetches the list anew. Nothing is compared
/// while nobody watches.
actor GovernedList {
    /// In one event: a reader may have a megabyte waiting. What is left goes with the next.
    static let maximumRows = 2500
    /// So many that came or went at once are cheaper to fetch anew.
    private static let maximumNewcomers = 6000

    private let control: any GovernorControl
    private var rows: [GovernedRow.Key: GovernedRow] = [:]
    private var number: UInt64
    private var isKnown = false
    private var made: [UInt8]?

    /// - Parameter run: Differs from run to run of the service, so that numbers do.
    init(_ control: any GovernorControl, run: UInt64) {
        self.control = control
        self.number = run << 20
    }

    /// Compares with what the page has; nil where nothing is new.
    func news() async -> [UInt8]? {
        let now = await self.read()
        guard self.isKnown else {
            self.take(now)
            return nil
        }
        let removed = self.rows.keys.filter { now[$0] == nil }
        let newcomers = now.keys.filter { self.rows[$0] == nil }
        if removed.count + newcomers.count > Self.maximumNewcomers {
            let before = self.number
            self.take(now)
            return self.event(from: before) { $0.member("reset", true) }
        }
        var changed: [GovernedRow] = []
        for (key, row) in now where self.rows[key] != row {
            changed.append(row)
            if changed.count >= Self.maximumRows { break }
        }
        guard !changed.isEmpty || !removed.isEmpty else { return nil }
        for key in removed { self.rows[key] = nil }
        for row in changed { self.rows[row.key] = row }
        let before = self.number
        self.number += 1
        self.made = nil
        return self.event(from: before) { json in
            json.member("reset", false)
            json.member("rows", array: { json in for row in changed { json.row(row) } })
            json.member("removed", array: { json in for key in removed { json.string(key.text) } })
        }
    }

    /// Nobody watches: what the page had is forgotten.
    func forget() {
        guard self.isKnown else { return }
        self.isKnown = false
        self.rows = [:]
        self.made = nil
        self.number += 1
    }

    /// All rows as JSON, encoded once for all who ask before the next change.
    func list() async -> [UInt8] {
        if !self.isKnown { self.take(await self.read()) }
        if let made { return made }
        var json = JSONWriter(reservingBytes: 256 + 220 * self.rows.count)
        json.object { json in
            json.member("number", String(self.number))
            json.member("rows", array: { json in for row in self.rows.values { json.row(row) } })
        }
        self.made = json.bytes
        return json.bytes
    }

    private func read() async -> [GovernedRow.Key: GovernedRow] {
        let rows = await self.control.governedTorrents()
        return Dictionary(rows.map { ($0.key, $0) }, uniquingKeysWith: { _, last in last })
    }

    private func take(_ rows: [GovernedRow.Key: GovernedRow]) {
        self.rows = rows
        self.isKnown = true
        self.number += 1
        self.made = nil
    }

    private func event(from before: UInt64, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter(reservingBytes: 1024)
        json.object { json in
            json.member("before", String(before))
            json.member("number", String(self.number))
            body(&json)
        }
        return serverSentEvent("governed", json.bytes)
    }
}

let governedListSchema = Schema.object(["number": .string, "rows": .array(.array(.any))])
