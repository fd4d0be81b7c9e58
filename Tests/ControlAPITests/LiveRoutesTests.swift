import Foundation
import HTTPServing
import SwarmTypes
import Testing
import TorrentCatalog

@testable import ControlAPI

@Suite("What the dashboard reads and does")
struct LiveRoutesTests {
    @Test("A cap adds up the instances and the engine, and shows each of them")
    func caps() async throws {
        let governor = FakeGovernor()
        governor.shares = [
            TrackerShare(
                tracker: "alpha", source: "a", rate: ByteRate(bytesPerSecond: 2 << 20), torrents: 8, active: 3
            )
        ]
        let answer = try await handler(governor).response(to: request("GET", "/api/ui/overview")).object()
        let caps = try #require(answer["caps"] as? [[String: Any]])
        #expect(caps.map { $0["id"] as? String } == ["alpha", "free"])
        #expect(caps[0]["used"] as? Int == 3 << 20)
        #expect(caps[0]["cap"] as? Int == 4 << 20)
        #expect(caps[0]["effective"] as? Int == 5 << 20)
        #expect(caps[0]["borrowed"] as? Int == 1 << 20)
        #expect((caps[0]["sources"] as? [[String: Any]])?.map { $0["name"] as? String } == ["a", "engine"])
        #expect(caps[1]["cap"] as? Int == -1)
    }

    @Test("What is stuck comes by reason with its remedy, and what is as it should be does not")
    func stuck() async throws {
        let answer = try await handler().response(to: request("GET", "/api/ui/overview")).object()
        let stuck = try #require(answer["stuck"] as? [[String: Any]])
        #expect(stuck.count == 1)
        #expect(stuck[0]["code"] as? String == "tracker_unregistered")
        #expect(stuck[0]["count"] as? Int == 2)
        #expect((stuck[0]["remedy"] as? String)?.isEmpty == false)
        // The longest-standing first.
        #expect((stuck[0]["examples"] as? [[String: Any]])?.first?["name"] as? String == "Torrent 7")
        #expect(answer["states"] as? [String: Int] == ["stopped": 4, "seeding": 3, "downloading": 3])
    }

    @Test("The list has a value for each column, names as they are, and no passkey")
    func list() async throws {
        let response = await handler().response(to: request("GET", "/api/ui/torrents"))
        let answer = try response.object()
        let columns = try #require(answer["columns"] as? [String])
        let rows = try #require(answer["rows"] as? [[Any]])
        #expect(columns == torrentColumns)
        #expect(rows.count == 10)
        for row in rows { #expect(row.count == columns.count) }
        let name = try #require(columns.firstIndex(of: "name"))
        #expect(rows.contains { $0[name] as? String == "<img src=x onerror=alert(1)>\u{202E}\n" })
        let tracker = try #require(columns.firstIndex(of: "tracker"))
        #expect(rows.allSatisfy { $0[tracker] as? String == "alpha.example" })
        #expect(!response.text.contains("0123456789abcdef/") && !response.text.contains("secretsecret"))
    }

    @Test("A torrent's page tells everything but the passkey, wherever it was repeated")
    func page() async throws {
        let response = await handler().response(
            to: request("GET", "/api/ui/torrent", query: [("id", torrent(1).hex)]))
        let answer = try response.object()
        let trackers = try #require(answer["trackers"] as? [[String: Any]])
        #expect(trackers[0]["url"] as? String == "https://alpha.example:8443/…/announce?…")
        #expect(trackers[0]["words"] as? String == "unregistered torrent for … <b>")
        #expect(!response.text.contains("0123456789abcdef") && !response.text.contains("secretsecret"))
        #expect((answer["row"] as? [Any])?.count == torrentColumns.count)
        #expect((answer["verdict"] as? [String: Any])?["headline"] is String)
        #expect((answer["peers"] as? [[String: Any]])?[0]["client"] as? String == "Evil\\u001b[31m <script>")
        for id in ["", "zz", String(repeating: "0", count: 39)] {
            let bad = await handler().response(to: request("GET", "/api/ui/torrent", query: [("id", id)]))
            #expect(bad.status == 400)
        }
        let none = await handler().response(
            to: request("GET", "/api/ui/torrent", query: [("id", torrent(500).hex)]))
        #expect(none.status == 404)
    }

    @Test("A preview counts what would change and changes nothing")
    func preview() async throws {
        let library = FakeLibrary()
        func preview(_ body: String) async throws -> [String: Any] {
            try await handler(FakeGovernor(), AccessPolicy(), library).response(
                to: posting("/api/ui/torrents/preview", body)
            ).object()
        }
        let stop = try await preview(#"{"action":"stop","all":true}"#)
        #expect(
            stop["matched"] as? Int == 10 && stop["changes"] as? Int == 6 && stop["unchanged"] as? Int == 4)
        #expect((stop["warnings"] as? [String])?.first == "3 of them upload at this moment.")
        let category = try await preview(#"{"action":"category","category":"films","all":true}"#)
        #expect(category["changes"] as? Int == 5)
        let some = try await preview(
            #"{"action":"remove","with_files":true,"ids":["\#(torrent(1).hex)","\#(torrent(999).hex)"]}"#)
        #expect(some["matched"] as? Int == 1 && some["bytes"] as? Int == 100_000)
        #expect((some["warnings"] as? [String])?.first?.contains("cannot be undone") == true)
        #expect(library.commands.isEmpty)
    }

    @Test("Many torrents, and any removal, are changed only when that is confirmed")
    func confirmation() async throws {
        let one = torrent(1).hex
        for (body, isDone) in [
            (#"{"action":"stop","ids":["\#(one)"]}"#, true),
            (#"{"action":"stop","all":true}"#, false),
            (#"{"action":"stop","ids":["\#(one)","\#(torrent(2).hex)"]}"#, false),
            (#"{"action":"remove","ids":["\#(one)"]}"#, false),
            (#"{"action":"remove","ids":["\#(one)"],"confirm":true}"#, true),
            (#"{"action":"stop","all":true,"confirm":true}"#, true),
        ] {
            let library = FakeLibrary()
            let response = await handler(FakeGovernor(), AccessPolicy(), library).response(
                to: posting("/api/ui/torrents/apply", body))
            #expect(response.status == (isDone ? 200 : 400), "\(body)")
            #expect(library.commands.count == (isDone ? 1 : 0), "\(body)")
            if !isDone { #expect(try response.errorCode() == "not_confirmed") }
        }
    }

    @Test(
        "What makes no sense is refused with a code",
        arguments: [
            (#"{}"#, "bad_action"), (#"{"action":"explode","all":true}"#, "bad_action"),
            (#"{"action":"stop"}"#, "bad_targets"), (#"{"action":"stop","ids":[]}"#, "bad_targets"),
            (#"{"action":"stop","ids":["x"]}"#, "bad_hash"), (#"{"action":"stop","ids":[1]}"#, "bad_hash"),
            (#"{"action":"stop","all":true,"ids":["x"]}"#, "bad_targets"),
            (#"{"action":"up_limit","all":true,"limit":0}"#, "bad_limit"),
            (#"{"action":"up_limit","all":true,"limit":-2}"#, "bad_limit"),
            (#"{"action":"up_limit","all":true}"#, "bad_limit"),
            (#"{"action":"up_limit","all":true,"limit":9e99}"#, "bad_limit"),
            (#"{"action":"add_tags","all":true,"tags":[]}"#, "bad_tags"),
            (#"{"action":"add_tags","all":true,"tags":["a",1]}"#, "bad_tags"),
            (#"{"action":"category","all":true}"#, "bad_category"),
            (#"{"action":"share_limits","all":true,"ratio":-1}"#, "bad_ratio"),
            (#"{"action":"share_limits","all":true,"seeding_minutes":1.5}"#, "bad_seeding_minutes"),
        ])
    func badActions(body: String, code: String) async throws {
        for path in ["/api/ui/torrents/preview", "/api/ui/torrents/apply"] {
            let library = FakeLibrary()
            let response = await handler(FakeGovernor(), AccessPolicy(), library).response(
                to: posting(path, body))
            #expect(response.status == 400)
            #expect(try response.errorCode() == code)
            #expect(library.commands.isEmpty)
        }
    }

    @Test("Links and files are added; what the library refuses is told with its code")
    func adding() async throws {
        let library = FakeLibrary()
        let added = await handler(FakeGovernor(), AccessPolicy(), library).response(
            to: posting("/api/ui/torrents/add", #"{"link":"magnet:?xt=x","category":"films"}"#))
        #expect(try added.object()["id"] as? String == torrent(77).hex)
        let file = await handler(FakeGovernor(), AccessPolicy(), library).response(
            to: request(
                "POST", "/api/ui/torrents/upload", query: [("category", "films")],
                headers: localHost + [("content-type", "application/x-bittorrent")], body: "d1:ae"))
        #expect(file.status == 200)
        #expect(library.commands == ["add magnet:?xt=x [films]", "add file of 5 [films]"])
        for (failure, status, code) in [
            (CatalogFailure.alreadyThere(torrent(1)), 409, "already_there"), (.invalid("no"), 400, "invalid"),
            (.conflict("no"), 409, "conflict"), (.failed("no"), 500, "failed"),
            (.notSupported("no"), 409, "not_supported"),
        ] {
            let response = await handler(FakeGovernor(), AccessPolicy(), FakeLibrary(failing: failure))
                .response(
                    to: posting("/api/ui/torrents/add", #"{"link":"magnet:?"}"#))
            #expect(response.status == status)
            #expect(try response.errorCode() == code)
        }
    }

    @Test("Without an engine the list is empty, and what needs one says so")
    func noEngine() async throws {
        let control = handler(FakeGovernor(), AccessPolicy(), nil)
        #expect(try await control.response(to: request("GET", "/api/ui/torrents")).object()["rows"] is [Any])
        let answer = await control.response(to: posting("/api/ui/torrents/add", #"{"link":"magnet:?"}"#))
        #expect(answer.status == 409)
        #expect(try answer.errorCode() == "no_engine")
    }
}
