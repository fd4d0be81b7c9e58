import Foundation
import HTTPServing
import LimitPlanning
import SwarmTypes
import Testing

@testable import ControlAPI

@Suite("Endpoints")
struct EndpointTests {
    /// The keys of Qguardarr 0.3.7, which programs of its users read.
    @Test(
        "The keys that Qguardarr answered are all there",
        arguments: [
            ("/", "name version description status endpoints"),
            (
                "/health",
                """
                status uptime_seconds version last_cycle_time last_cycle_duration rollout_percentage update_interval \
                dry_run active_torrents managed_torrents api_calls_last_cycle
                """
            ),
            (
                "/stats",
                """
                allocation_cycles api_calls_last_cycle torrents_processed limits_applied errors last_cycle_duration \
                last_cycle_time active_torrents managed_torrents managed_torrent_count score_distribution used_count \
                free_slots capacity utilization_percent rollout_percentage cache_stats estimated_memory_mb strategy \
                dry_run
                """
            ),
            ("/stats/managed", "generated_at total counts_by_tracker trackers"),
            (
                "/preview/next-cycle",
                "strategy torrents_considered proposed_count proposed_changes trackers summary"
            ),
        ])
    func keys(path: String, names: String) async throws {
        let answer = try await handler().response(to: request("GET", path)).object()
        for name in names.split(separator: " ") { #expect(answer[String(name)] != nil, "\(name)") }
    }

    @Test("The endpoints that Qguardarr listed are listed under the same names, and every other one too")
    func listing() async throws {
        let answer = try await handler().response(to: request("GET", "/")).object()
        let endpoints = try #require(answer["endpoints"] as? [String: String])
        for (name, path) in [
            "health": "/health", "stats": "/stats", "stats_trackers": "/stats/trackers",
            "webhook": "/webhook",
            "config": "/config", "config_reload": "/config/reload",
            "preview_next_cycle": "/preview/next-cycle",
            "smoothing_reset": "/smoothing/reset",
        ] { #expect(endpoints[name] == path) }
        #expect(endpoints.count == routeTable.count - 1)
    }

    @Test("One version everywhere")
    func version() async throws {
        let root = try await handler().response(to: request("GET", "/")).object()
        let health = try await handler().response(to: request("GET", "/health")).object()
        let openAPI = try await handler().response(to: request("GET", "/openapi.json")).object()
        let metrics = await handler().response(to: request("GET", "/metrics")).text
        #expect(root["version"] as? String == "1.2.3")
        #expect(health["version"] as? String == "1.2.3")
        #expect((openAPI["info"] as? [String: Any])?["version"] as? String == "1.2.3")
        #expect(metrics.contains("weir_info{version=\"1.2.3\"} 1"))
    }

    @Test(
        "Health is 200 in every state, and says why it is not healthy",
        arguments: HealthReport.Status.allCases)
    func health(status: HealthReport.Status) async throws {
        let governor = FakeGovernor()
        governor.report.status = status
        governor.report.problems = ["seedbox does not answer"]
        let response = await handler(governor).response(to: request("GET", "/health"))
        #expect(response.status == 200)
        #expect(try response.object()["status"] as? String == status.rawValue)
        #expect(try response.object()["problems"] as? [String] == ["seedbox does not answer"])
        #expect(try response.object()["last_cycle_time"] is NSNull)
    }

    @Test("\"mbps\" is MiB/s, unlimited is null, and what is borrowed is the difference")
    func trackers() async throws {
        let answer = try await handler().response(to: request("GET", "/stats/trackers")).object()
        let alpha = try #require(answer["alpha"] as? [String: Any])
        #expect(alpha["name"] as? String == "Alpha \"1\"")
        #expect(alpha["configured_limit_mbps"] as? Double == 4)
        #expect(alpha["effective_cap_mbps"] as? Double == 5)
        #expect(alpha["borrowed_mbps"] as? Double == 1)
        #expect(alpha["current_usage_mbps"] as? Double == 2.5)
        #expect(alpha["efficiency_percent"] as? Double == 50)
        let free = try #require(answer["free"] as? [String: Any])
        #expect(free["configured_limit_mbps"] is NSNull && free["efficiency_percent"] is NSNull)
        #expect(free["borrowed_mbps"] as? Double == 0)
    }

    @Test("Managed torrents come by tracker, with whole seconds, and unlimited as -1")
    func managed() async throws {
        let answer = try await handler().response(to: request("GET", "/stats/managed")).object()
        #expect(answer["total"] as? Int == 2)
        #expect(answer["generated_at"] as? Int == 1000)
        #expect(answer["counts_by_tracker"] as? [String: Int] == ["alpha": 1, "free": 1, "empty": 0])
        let trackers = try #require(answer["trackers"] as? [String: [[String: Any]]])
        #expect(trackers["alpha"]?.first?["hash"] as? String == torrent(1).hex)
        #expect(trackers["alpha"]?.first?["age_seconds"] as? Int == 10)
        #expect(trackers["free"]?.first?["current_limit"] as? Int == -1)
        #expect(trackers["free"]?.first?["age_seconds"] as? Int == 0)
    }

    @Test(
        "The configuration has \"global\" and \"global_settings\", and no secret even when one slipped through"
    )
    func configuration() async throws {
        let response = await handler().response(to: request("GET", "/config"))
        let answer = try response.object()
        let global = try #require(answer["global"] as? NSDictionary)
        #expect(answer["global_settings"] as? NSDictionary == global)
        #expect(!response.text.contains("hunter2"))
        #expect(response.text.contains(#""password":"***""#))
        #expect(response.text.contains(#""api_key":null"#))
    }

    @Test("The preview keeps both instances of a torrent apart, with reasons")
    func preview() async throws {
        let answer = try await handler().response(to: request("GET", "/preview/next-cycle")).object()
        #expect(answer["proposed_count"] as? Int == 3)
        #expect(answer["proposed_changes"] as? [String: Int] == [torrent(1).hex: 10_240, torrent(2).hex: -1])
        let changes = try #require(answer["changes"] as? [[String: Any]])
        #expect(changes.map { $0["instance"] as? String } == ["a", "b", "a"])
        #expect(changes.map { $0["reason"] as? String } == ["share", "newcomer", "uncapped"])
        let summary = try #require(answer["summary"] as? [String: [[String: Any]]])
        let alpha = try #require(summary["trackers"]?.first)
        #expect(alpha["base_cap_h"] as? String == "4.00 MiB/s")
        #expect(alpha["borrowed_h"] as? String == "1.00 MiB/s")
        #expect(summary["trackers"]?.last?["base_cap_h"] as? String == "unlimited")
        #expect(summary["trackers"]?.last?["base_cap_mbps"] is NSNull)
        #expect(
            summary["top_changes"]?.map { $0["new_limit_h"] as? String } == [
                "unlimited", "20.0 KiB/s", "10.0 KiB/s",
            ])
        #expect(summary["top_changes"]?.last?["delta_h"] as? String == "6 KiB/s")
    }

    @Test("The top changes are the ten largest, wherever they stand in the plan")
    func topChanges() async throws {
        let governor = FakeGovernor()
        governor.previewReport.changes = (0..<100).map { number in
            let size = Int64((number * 37) % 100)
            return .init(
                torrent: torrent(number), instance: "a", tracker: "alpha", from: .bytesPerSecond(200 * 1024),
                to: .bytesPerSecond((200 + (number % 2 == 0 ? size : -size)) * 1024), reason: .share)
        }
        let answer = try await handler(governor).response(to: request("GET", "/preview/next-cycle")).object()
        let top = try #require((answer["summary"] as? [String: Any])?["top_changes"] as? [[String: Any]])
        #expect(top.map { abs($0["delta_kib"] as? Int ?? 0) } == (90...99).reversed())
    }

    @Test(
        "A rollout percentage is an integer from 1 to 100 and nothing else",
        arguments: [
            "0", "101", "-1", "true", "false", "null", "\"50\"", "50.0", "5e1", "[50]",
            "99999999999999999999",
        ])
    func badRollout(value: String) async throws {
        let governor = FakeGovernor()
        let response = await handler(governor).response(to: posting("/rollout", "{\"percentage\":\(value)}"))
        #expect(response.status == 400)
        #expect(
            try response.object()["detail"] as? String == "Percentage must be an integer between 1 and 100")
        #expect(governor.commands.isEmpty)
    }

    @Test("A rollout percentage reaches the governor", arguments: [1, 50, 100])
    func rollout(percentage: Int) async throws {
        let governor = FakeGovernor()
        let response = await handler(governor).response(
            to: posting("/rollout", "{\"percentage\": \(percentage)}"))
        #expect(try response.object()["rollout_percentage"] as? Int == percentage)
        #expect(try response.object()["timestamp"] as? Double == 1_756_900_000.25)
        #expect(governor.commands == ["rollout \(percentage)"])
    }

    @Test(
        "A rollback needs {\"confirm\": true} and nothing that looks like it",
        arguments: [
            "{}", #"{"confirm":false}"#, #"{"confirm":1}"#, #"{"confirm":"true"}"#, #"{"confirm":null}"#,
            #"{"CONFIRM":true}"#,
        ])
    func unconfirmed(body: String) async throws {
        for path in ["/rollback", "/limits/reset"] {
            let governor = FakeGovernor()
            let response = await handler(governor).response(to: posting(path, body))
            #expect(response.status == 400)
            #expect(try response.errorCode() == "not_confirmed")
            #expect(governor.commands.isEmpty)
        }
    }

    @Test("A rollback that could not reach every torrent says so")
    func partialRollback() async throws {
        let governor = FakeGovernor()
        governor.rollback.remaining = 2
        let answer = try await handler(governor).response(to: posting("/rollback", #"{"confirm":true}"#))
            .object()
        #expect(answer["status"] as? String == "partial")
        #expect(answer["changes_reversed"] as? Int == 3)
        #expect(answer["remaining"] as? Int == 2)
        #expect(governor.commands == ["rollback Manual rollback"])
    }

    @Test(
        "An empty body of a command that needs one is told what to send",
        arguments: ["/smoothing/reset", "/rollback", "/rollout", "/limits/reset"])
    func emptyBody(path: String) async throws {
        let governor = FakeGovernor()
        for headers in [localHost, localHost + jsonType] {
            let response = await handler(governor).response(to: request("POST", path, headers: headers))
            #expect(response.status == 400)
            #expect(try response.errorCode() == "body_missing")
            #expect(response.text.contains("Send {"))
        }
        #expect(governor.commands.isEmpty)
    }

    @Test("Smoothing is reset for all or for one tracker, never for both or by accident")
    func smoothing() async throws {
        let governor = FakeGovernor()
        for (body, status) in [
            (#"{"all":true}"#, 200), (#"{"tracker_id":"alpha"}"#, 200),
            (#"{"all":false,"tracker_id":"beta"}"#, 200),
            ("{}", 400), (#"{"all":false}"#, 400), (#"{"all":true,"tracker_id":"x"}"#, 400),
            (#"{"all":1}"#, 400),
            (#"{"tracker_id":7}"#, 400), (#"{"tracker_id":null}"#, 400),
        ] {
            let response = await handler(governor).response(to: posting("/smoothing/reset", body))
            #expect(response.status == status, "\(body)")
            if status == 200 { #expect(try response.object()["message"] == nil) }
        }
        #expect(governor.commands == ["smoothing all", "smoothing alpha", "smoothing beta"])
        governor.strategy = .equal
        let other = await handler(governor).response(to: posting("/smoothing/reset", #"{"all":true}"#))
        #expect(try other.object()["message"] as? String != nil)
    }

    @Test("Limits are reset in the scope that was asked for")
    func limits() async throws {
        let governor = FakeGovernor()
        for body in [
            #"{"confirm":true}"#, #"{"confirm":true,"scope":"all","mark_restored":true}"#,
            #"{"confirm":true,"scope":"everything"}"#, #"{"confirm":true,"scope":7}"#,
            #"{"confirm":true,"mark_restored":"yes"}"#,
        ] { _ = await handler(governor).response(to: posting("/limits/reset", body)) }
        #expect(governor.commands == ["limits unrestored false", "limits all true"])
    }

    @Test("History is bounded and can be of one torrent; what is no number or no hash is refused")
    func history() async throws {
        let governor = FakeGovernor()
        let hash = torrent(5).hex
        let good: [[(name: String, value: String)]] = [
            [], [("limit", "1")], [("limit", "10000"), ("hash", hash)],
        ]
        for query in good {
            #expect(
                await handler(governor).response(to: request("GET", "/history", query: query)).status == 200)
        }
        #expect(governor.commands == ["history 100 all", "history 1 all", "history 10000 \(hash)"])
        let bad: [[(name: String, value: String)]] = [
            [("limit", "0")], [("limit", "-1")], [("limit", "10001")], [("limit", "x")], [("limit", "")],
            [("limit", "99999999999999999999")], [("hash", "")], [("hash", "xyz")],
            [("limit", "1"), ("limit", "2")],
        ]
        for query in bad {
            #expect(
                await handler(governor).response(to: request("GET", "/history", query: query)).status == 400)
        }
    }

    @Test("Match test: without a URL 422, with a monstrous one 400, else the winner or every pattern")
    func match() async throws {
        let governor = FakeGovernor()
        func get(_ query: [(name: String, value: String)]) async -> HTTPResponse {
            await handler(governor).response(to: request("GET", "/match/test", query: query))
        }
        #expect(await get([]).status == 422)
        #expect(await get([("url", String(repeating: "a", count: 8193))]).status == 400)
        #expect(await get([("url", "u"), ("detailed", "perhaps")]).status == 422)
        #expect(governor.commands.isEmpty)
        let brief = try await get([("url", "https://alpha.example/\"\n\u{1}")]).object()
        #expect(brief["url"] as? String == "https://alpha.example/\"\n\u{1}")
        #expect(brief["matched_tracker"] as? String == "alpha")
        #expect((brief["matches"] as? [Any])?.count == 1)
        let detailed = try await get([("url", "u"), ("detailed", "True")]).object()
        #expect((detailed["matches"] as? [Any])?.count == 2)
    }

    @Test(
        "What the service refuses has its status, its code and its detail",
        arguments: [
            (ControlFailure.Kind.notReady, 503), (.invalid, 400), (.notFound, 404), (.conflict, 409),
            (.unreachable, 502), (.failed, 500),
        ])
    func failures(kind: ControlFailure.Kind, status: Int) async throws {
        let failure = ControlFailure(
            kind, code: "some_code", message: "Do \"this\"", detail: ["b": "2", "a": "1"])
        let response = await handler(FakeGovernor(failing: failure)).response(
            to: request("POST", "/cycle/force"))
        #expect(response.status == status)
        #expect(
            response.text.contains(
                #""error":{"code":"some_code","message":"Do \"this\"","detail":{"a":"1","b":"2"}}"#))
        #expect(try response.object()["detail"] as? String == "Do \"this\"")
    }

    @Test("Commands without a body take none, or an object of JSON")
    func bodyless() async {
        let governor = FakeGovernor()
        for path in ["/cycle/force", "/config/reload", "/pause", "/resume"] {
            #expect(await handler(governor).response(to: request("POST", path)).status == 200)
            #expect(await handler(governor).response(to: posting(path, "{}")).status == 200)
        }
        #expect(
            governor.commands == ["cycle", "cycle", "reload", "reload", "pause", "pause", "resume", "resume"])
    }

    @Test("Thirty thousand managed torrents are written, and read by another reader")
    func manyTorrents() async throws {
        let governor = FakeGovernor()
        let rows = (0..<30_000).map { number in
            ManagedReport.Torrent(
                id: torrent(number), instance: "a", limit: .bytesPerSecond(Int64(number)), addedAt: 1,
                lastSeen: 2)
        }
        governor.managed = ManagedReport(generatedAt: 3, trackers: [("alpha", rows)])
        let answer = try await handler(governor).response(to: request("GET", "/stats/managed")).object()
        let listed = try #require((answer["trackers"] as? [String: [[String: Any]]])?["alpha"])
        #expect(listed.count == 30_000)
        #expect(listed.last?["current_limit"] as? Int == 29_999)
    }
}
