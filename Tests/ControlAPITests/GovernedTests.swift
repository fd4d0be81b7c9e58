import EventIO
import Foundation
import HTTPServing
import SwarmTypes
import TestKit
import Testing
import TorrentCatalog

@testable import ControlAPI

/// What the page knows of governed torrents, by the rules of its own code.
private struct Page {
    var number = ""
    var rows: [String: [Any]] = [:]
    var fetches = 0

    mutating func fetch(_ list: GovernedList) async throws {
        self.fetches += 1
        let value = try JSONSerialization.jsonObject(with: Data(await list.list())) as? [String: Any]
        self.number = try #require(value?["number"] as? String)
        self.rows = [:]
        for row in value?["rows"] as? [[Any]] ?? [] { self.rows[try #require(row[0] as? String)] = row }
    }

    mutating func take(_ event: [UInt8]?, _ list: GovernedList) async throws {
        guard let event else { return }
        let line = try #require(String(decoding: event, as: UTF8.self).components(separatedBy: "data: ").last)
        let value = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        guard value["reset"] as? Bool == false, value["before"] as? String == self.number else {
            return try await self.fetch(list)
        }
        self.number = try #require(value["number"] as? String)
        for row in value["rows"] as? [[Any]] ?? [] { self.rows[try #require(row[0] as? String)] = row }
        for key in value["removed"] as? [String] ?? [] { self.rows[key] = nil }
    }

    func has(_ governed: [GovernedRow]) -> Bool {
        let rate = torrentColumns.firstIndex(of: "up") ?? 0
        return self.rows.count == governed.count
            && governed.allSatisfy {
                self.rows[$0.key.text]?[rate] as? Int == Int($0.rate.bytesPerSecond)
            }
    }
}

private func row(_ number: Int, rate: Int64 = 0, instance: String = "home") -> GovernedRow {
    GovernedRow(
        id: torrent(number), instance: instance, state: .seeding, tracker: "alpha", reason: .share,
        rate: ByteRate(bytesPerSecond: rate), limit: .bytesPerSecond(1000))
}

@Suite("Governed torrents", .timeLimit(.minutes(1)))
struct GovernedTests {
    @Test(
        "The page has what the instances have, whatever changes, and with events that are lost",
        arguments: 0..<200 as Range<UInt64>)
    func consistency(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let governor = FakeGovernor()
        let list = GovernedList(governor, run: 1)
        var page = Page()
        try await page.fetch(list)
        for _ in 0..<12 {
            let change = Int.random(in: 0..<4, using: &random)
            governor.governed.withLock { rows in
                switch change {
                case 0: rows.append(row(Int.random(in: 100..<130, using: &random), instance: "attic"))
                case 1: if !rows.isEmpty { rows.remove(at: Int.random(in: 0..<rows.count, using: &random)) }
                default:
                    for place in rows.indices where Bool.random(using: &random) {
                        rows[place].rate = ByteRate(
                            bytesPerSecond: Int64.random(in: 0..<5000, using: &random))
                    }
                }
                var seen: Set<GovernedRow.Key> = []
                rows = rows.filter { seen.insert($0.key).inserted }
            }
            let event = await list.news()
            if Int.random(in: 0..<5, using: &random) > 0 { try await page.take(event, list) }
            if Int.random(in: 0..<6, using: &random) == 0 {
                await list.forget()
                try await page.fetch(list)
            }
        }
        // One event at least comes after what was lost.
        governor.governed.withLock { $0.append(row(999, rate: 7)) }
        try await page.take(await list.news(), list)
        #expect(page.has(governor.governed.withLock { $0 }))
    }

    @Test("More rows than a reader may have waiting go with several events, and a new list is fetched anew")
    func bounded() async throws {
        let governor = FakeGovernor()
        governor.governed.withLock { $0 = (0..<6000).map { row($0) } }
        let list = GovernedList(governor, run: 1)
        var page = Page()
        try await page.fetch(list)
        governor.governed.withLock { $0 = (0..<6000).map { row($0, rate: 5) } }
        var events = 0
        while let event = await list.news() {
            #expect(event.count < 900_000)
            try await page.take(event, list)
            events += 1
        }
        #expect(events == 3 && page.fetches == 1)
        #expect(page.has(governor.governed.withLock { $0 }))
        governor.governed.withLock { $0 = (10_000..<17_000).map { row($0) } }
        try await page.take(await list.news(), list)
        #expect(page.fetches == 2)
        #expect(page.has(governor.governed.withLock { $0 }))
    }

    @Test("Each row has a value for each column, and hostile names come as they are")
    func rows() async throws {
        let response = await handler().response(to: request("GET", "/api/ui/governed"))
        let rows = try #require(try response.object()["rows"] as? [[Any]])
        #expect(rows.count == GovernedReason.allCases.count + 1)
        #expect(rows.allSatisfy { $0.count == torrentColumns.count })
        let place = { (name: String) in torrentColumns.firstIndex(of: name) ?? 0 }
        #expect(rows.contains { $0[place("name")] as? String == "<img src=x onerror=alert(1)>\u{202E}\n" })
        #expect(rows.contains { $0[place("instance")] as? String == "attic" && $0[place("cap")] is NSNull })
        #expect(
            Set(rows.compactMap { $0[place("reason")] as? String })
                == Set(GovernedReason.allCases.map(\.rawValue)))
    }

    @Test(
        "Each reason has an explanation with evidence, the same for page and command",
        arguments: GovernedReason.allCases)
    func explains(reason: GovernedReason) async throws {
        let governor = FakeGovernor()
        let found = try #require(
            governor.governed.withLock { $0 }.first { $0.reason == reason && $0.instance == "home" })
        let explanation = try await governor.explanation(of: found, at: 1_756_900_000)
        #expect(!explanation.headline.isEmpty && explanation.headline.last == ".")
        #expect(explanation.evidence.contains { $0.contains("1000 B/s") || $0.contains("Alpha") })
        #expect(explanation.lines.count >= 4)
        let path = "/api/ui/governed/torrent"
        let query = [(name: "id", value: found.id.hex), (name: "instance", value: "home")]
        let page = try await handler(governor).response(to: request("GET", path, query: query)).object()
        let verdict = try #require(page["verdict"] as? [String: Any])
        #expect(verdict["code"] as? String == explanation.code)
        for missing in [[query[0]], [query[0], (name: "instance", value: "nowhere")]] {
            #expect(await handler(governor).response(to: request("GET", path, query: missing)).status == 404)
        }
    }

    @Test("What holds a torrent: a full cap, its own limit, nobody who wants it, or nothing")
    func verdicts() async throws {
        let governor = FakeGovernor()
        func code(rate: Int64, limit: Int64, leeches: Int32 = 3, used: Int64) async throws -> String {
            var found = row(1, rate: rate)
            found.limit = .bytesPerSecond(limit)
            found.leeches = leeches
            var situation = try await governor.situation()
            situation.trackers[0].uploadRate = ByteRate(bytesPerSecond: used)
            return GovernedExplanation(found, situation, changes: [], at: 0).code
        }
        #expect(try await code(rate: 950, limit: 1000, used: 5 << 20) == "held_by_cap")
        #expect(try await code(rate: 950, limit: 1000, used: 1 << 20) == "held_by_cap")
        #expect(try await code(rate: 400, limit: 1000, used: 5 << 20) == "below_limit")
        #expect(try await code(rate: 0, limit: 1000, used: 0) == "no_demand")
        var away = row(1, rate: 950)
        away.isCurrent = false
        let situation = try await governor.situation()
        #expect(GovernedExplanation(away, situation, changes: [], at: 0).severity == .problem)
    }
}
