import AccessControl
import Foundation
import HTTPServing
import SwarmTypes
import Testing

@testable import ControlAPI

/// A request that each route answers with success. A route that is missing here fails the first test.
private let validRequests: [String: (query: [(name: String, value: String)], body: String)] = [
    "GET /": ([], ""),
    "GET /health": ([], ""),
    "GET /healthz": ([], ""),
    "GET /metrics": ([], ""),
    "GET /openapi.json": ([], ""),
    "GET /stats": ([], ""),
    "GET /stats/trackers": ([], ""),
    "GET /stats/managed": ([], ""),
    "GET /instances": ([], ""),
    "GET /preview/next-cycle": ([], ""),
    "GET /history": ([("limit", "5")], ""),
    "GET /match/test": ([("url", "https://alpha.example/announce")], ""),
    "GET /config": ([], ""),
    "GET /api/ui/overview": ([], ""),
    "GET /api/ui/caps/history": ([("range", "24h")], ""),
    "GET /api/ui/torrents": ([], ""),
    "GET /api/ui/governed": ([], ""),
    "GET /api/ui/governed/torrent": ([("id", torrent(1).hex), ("instance", "home")], ""),
    "GET /api/ui/torrent": ([("id", torrent(1).hex)], ""),
    "GET /api/ui/events": ([("since", "0")], ""),
    "POST /api/ui/torrents/preview": ([], #"{"action":"stop","all":true}"#),
    "POST /api/ui/torrents/apply": ([], #"{"action":"stop","all":true,"confirm":true}"#),
    "POST /api/ui/torrents/add": (
        [], #"{"link":"magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"}"#
    ),
    "POST /api/ui/torrents/upload": ([("category", "films")], "d4:infod4:name1:aee"),
    "POST /api/ui/torrent/edit": ([], #"{"id":"\#(torrent(1).hex)","edit":"name","name":"other"}"#),
    "GET /api/access": ([], ""),
    "POST /api/access/setup": ([], #"{"token":"right","name":"me","password":"long enough"}"#),
    "POST /api/access/login": ([], #"{"name":"me","password":"long enough"}"#),
    "POST /api/access/logout": ([], ""),
    "POST /api/access/password": ([], #"{"name":"me","password":"long enough"}"#),
    "POST /api/access/password/change": (
        [], #"{"name":"me","current":"long enough","password":"even longer"}"#
    ),
    "GET /api/access/sessions": ([], ""),
    "POST /api/access/sessions/end": ([], #"{"id":"ab"}"#),
    "GET /api/access/keys": ([], ""),
    "POST /api/access/keys/create": ([], #"{"name":"sonarr","role":"control"}"#),
    "POST /api/access/keys/revoke": ([], #"{"name":"sonarr"}"#),
    "POST /webhook": ([], #"{"hash":"0123456789abcdef0123456789abcdef01234567","event":"added"}"#),
    "POST /cycle/force": ([], ""),
    "POST /rollback": ([], #"{"confirm":true,"reason":"test"}"#),
    "POST /rollout": ([], #"{"percentage":50}"#),
    "POST /smoothing/reset": ([], #"{"all":true}"#),
    "POST /limits/reset": ([], #"{"confirm":true}"#),
    "POST /config/reload": ([], ""),
    "POST /pause": ([], ""),
    "POST /resume": ([], ""),
]

private let torrentType: Headers = [("content-type", "application/x-bittorrent")]

private let remote = AccessPolicy(
    isBoundToLoopback: false, boundAddress: "0.0.0.0", apiKey: "correct horse",
    allowedHosts: ["weir.example"],
    access: FakeAccess())

extension Route {
    fileprivate var name: String { "\(self.method.rawValue) \(self.path)" }

    fileprivate func valid(_ headers: Headers) throws -> HTTPRequest {
        let valid = try #require(validRequests[self.name], "no test request for \(self.name)")
        let type =
            if case .torrent = self.body { torrentType } else { valid.body.isEmpty ? [] : jsonType }
        return request(
            self.method.rawValue, self.path, query: valid.query, headers: headers + type, body: valid.body)
    }

    fileprivate var successStatus: Int {
        if case .json(_, let status) = self.answer { status } else { 200 }
    }
}

@Suite("Every route")
struct RouteMatrixTests {
    @Test("Each route has a test request, and each test request a route")
    func complete() {
        #expect(Set(routeTable.map(\.name)) == Set(validRequests.keys))
        #expect(Set(routeTable.map(\.name)).count == routeTable.count)
    }

    @Test("From this machine each route succeeds without a key", arguments: routeTable.indices)
    func loopback(index: Int) async throws {
        let route = routeTable[index]
        for host in ["localhost:8089", "127.0.0.1:8089", "[::1]:8089", "localhost", "LOCALHOST:8089"] {
            let response = await handler().response(to: try route.valid([("host", host)]))
            #expect(response.status == route.successStatus, "\(host): \(response.text)")
        }
    }

    @Test(
        "Beyond this machine what changes state needs the key, in either header",
        arguments: routeTable.indices)
    func keys(index: Int) async throws {
        let route = routeTable[index]
        let host: Headers = [("host", "weir.example:8089")]
        let good: [Headers] = [
            [("x-api-key", "correct horse")], [("authorization", "Bearer correct horse")],
            [("authorization", "bearer  correct horse")],
            [("x-api-key", "wrong"), ("authorization", "Bearer correct horse")],
        ]
        let bad: [Headers] = [
            [], [("x-api-key", "correct horsf")], [("x-api-key", "")], [("authorization", "Bearer")],
            [("authorization", "Bearer x")], [("authorization", "Basic correct horse")],
            [("authorization", "correct horse")], [("x-api-key", "correct horse ")],
        ]
        for key in good {
            let response = await handler(FakeGovernor(), remote).response(to: try route.valid(host + key))
            #expect(response.status == route.successStatus, "\(key)")
        }
        for key in bad {
            let governor = FakeGovernor()
            let response = await handler(governor, remote).response(to: try route.valid(host + key))
            let isGuarded = route.right == .control || route.right == .admin
            #expect(response.status == (isGuarded ? 401 : route.successStatus), "\(key)")
            if isGuarded {
                #expect(governor.commands.isEmpty)
                #expect(try response.errorCode() == "api_key_needed")
                #expect(response.header("www-authenticate") != nil)
            }
        }
    }

    @Test(
        "Beyond this machine and without a configured key nothing can be changed",
        arguments: routeTable.indices, ["", nil])
    func noKey(index: Int, configured: String?) async throws {
        let route = routeTable[index]
        var policy = remote
        policy.apiKey = configured
        policy.access = nil
        for sent in [[], [("x-api-key", "")], [("authorization", "Bearer ")]] as [Headers] {
            let response = await handler(FakeGovernor(), policy).response(
                to: try route.valid([("host", "weir.example")] + sent))
            let isGuarded = route.right == .control || route.right == .admin
            // Without users there is nothing to log in to either.
            let isAccess = route.path.hasPrefix("/api/access/") && route.path != "/api/access/logout"
            #expect(response.status == (isGuarded ? 403 : isAccess ? 503 : route.successStatus))
        }
    }

    @Test(
        "Once there is a user, each route lets in the roles that it is for, and no guest",
        arguments: routeTable.indices)
    func roles(index: Int) async throws {
        let route = routeTable[index]
        let needed: [RouteRight: Set<AccessRole>] = [
            .read: [.read, .control, .admin], .control: [.control, .admin], .admin: [.admin],
        ]
        for policy in [remote, AccessPolicy()] {
            var policy = policy
            policy.access = FakeAccess(needsSetUp: false)
            let host: Headers = [("host", policy.isBoundToLoopback ? "localhost:8089" : "weir.example:8089")]
            let guest = await handler(FakeGovernor(), policy).response(to: try route.valid(host))
            #expect(guest.status == (needed[route.right] == nil ? route.successStatus : 401))
            for role in AccessRole.allCases {
                for shown in [
                    [("x-api-key", role.rawValue)], [("cookie", "a=b; weir_session=\(role.rawValue)")],
                ] as [Headers] {
                    let response = await handler(FakeGovernor(), policy).response(
                        to: try route.valid(host + shown))
                    let mayPass = needed[route.right]?.contains(role) ?? true
                    #expect(response.status == (mayPass ? route.successStatus : 403), "\(role)")
                }
            }
        }
    }

    @Test(
        "A page of another origin changes nothing, and no header lets it read", arguments: routeTable.indices)
    func foreignOrigin(index: Int) async throws {
        let route = routeTable[index]
        let foreign: [Headers] = [
            [("origin", "http://evil.example")], [("origin", "null")], [("origin", "")],
            [("origin", "http://localhost:8090")], [("origin", "http://localhost.evil.example:8089")],
            [("origin", "file://")], [("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")],
            [("origin", "http://localhost:8089"), ("sec-fetch-site", "cross-site")],
            [("origin", "http://localhost:8089"), ("origin", "http://evil.example")],
        ]
        for headers in foreign {
            let governor = FakeGovernor()
            let response = await handler(governor).response(to: try route.valid(localHost + headers))
            #expect(response.status == (route.right.changesState ? 403 : route.successStatus), "\(headers)")
            if route.right.changesState { #expect(governor.commands.isEmpty && governor.hooks.isEmpty) }
            #expect(!response.headers.contains { $0.name.hasPrefix("access-control") })
        }
        for headers in [
            [("origin", "http://localhost:8089")], [("sec-fetch-site", "none")],
            [("origin", "http://LOCALHOST:8089"), ("sec-fetch-site", "same-origin")],
        ] as [Headers] {
            let response = await handler().response(to: try route.valid(localHost + headers))
            #expect(response.status == route.successStatus, "\(headers)")
        }
    }

    @Test(
        "A name that is not ours gets no answer, whatever address it leads to", arguments: routeTable.indices)
    func unknownHost(index: Int) async throws {
        let route = routeTable[index]
        for host in [
            "evil.example", "evil.example:8089", "localhost:80", "localhost.evil.example:8089",
            "192.168.1.5:8089",
        ] {
            let response = await handler().response(to: try route.valid([("host", host)]))
            #expect(response.status == (route.right.needsKnownHost ? 403 : route.successStatus), "\(host)")
        }
        for headers in [[], [("host", "")], [("host", "a b")], localHost + localHost] as [Headers] {
            let response = await handler().response(to: try route.valid(headers))
            #expect(response.status == (route.right.needsKnownHost ? 400 : route.successStatus), "\(headers)")
        }
    }

    @Test(
        "Every answer is of its schema, and every error of the errors' schema", arguments: routeTable.indices)
    func schemas(index: Int) async throws {
        let route = routeTable[index]
        let response = await handler().response(to: try route.valid(localHost))
        if case .json(let schema, _) = route.answer {
            #expect(response.header("content-type") == "application/json")
            let value = try JSONSerialization.jsonObject(with: Data(response.body))
            #expect(violations(of: schema, value, at: route.name).isEmpty)
        }
        let unready = await handler(FakeGovernor(failing: .notReady)).response(to: try route.valid(localHost))
        if route.failures.contains(503) {
            #expect(unready.status == 503)
            #expect(try unready.object()["detail"] as? String == "Service not ready")
            #expect(violations(of: errorSchema, try unready.object(), at: route.name).isEmpty)
        } else {
            #expect(unready.status == route.successStatus)
        }
    }

    @Test("Every answer says that it is not to be sniffed, kept or framed", arguments: routeTable.indices)
    func securityHeaders(index: Int) async throws {
        let good = await handler().response(to: try routeTable[index].valid(localHost))
        let bad = await handler().response(to: request("PATCH", routeTable[index].path))
        for response in [good, bad] {
            #expect(response.header("x-content-type-options") == "nosniff")
            #expect(response.header("cache-control") == "no-store")
            #expect(response.header("content-security-policy")?.hasPrefix("default-src 'none'") == true)
            #expect(response.headers.count { $0.name == "content-type" } == 1)
        }
    }

    @Test("Another method gets 405 and is told which ones there are", arguments: routeTable.indices)
    func methods(index: Int) async throws {
        let route = routeTable[index]
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "", "GET ", "POST\0"] {
            let response = await handler().response(to: request(method, route.path))
            #expect(response.status == 405, "\(method)")
            #expect(response.header("allow") == (route.method == .get ? "GET, HEAD" : "POST"))
        }
        let other = await handler().response(to: request(route.method == .get ? "POST" : "GET", route.path))
        #expect(other.status == 405)
        let head = await handler().response(
            to: request("HEAD", route.path, query: validRequests[route.name]?.query ?? []))
        #expect(head.status == (route.method == .get ? 200 : 405))
    }

    @Test(
        "A body over the limit is refused, and the server is told the limit before it reads",
        arguments: routeTable.indices)
    func longBodies(index: Int) async throws {
        let route = routeTable[index]
        let limit = handler().maximumBodyBytes(method: route.method.rawValue, path: route.path)
        let others = [
            "/webhook": 65_536, "/api/ui/torrents/preview": 2 << 20, "/api/ui/torrents/apply": 2 << 20,
            "/api/ui/torrents/upload": 10 << 20, "/api/ui/torrent/edit": 1 << 20,
        ]
        #expect(limit == others[route.path] ?? 16_384)
        guard route.method == .post else { return }
        let governor = FakeGovernor()
        let body = String(repeating: " ", count: limit + 1)
        let response = await handler(governor).response(to: posting(route.path, body))
        #expect(response.status == 413)
        #expect(governor.commands.isEmpty && governor.hooks.isEmpty)
    }

    @Test("A body that is not JSON, or does not say so, changes nothing", arguments: routeTable.indices)
    func badBodies(index: Int) async throws {
        let route = routeTable[index]
        guard route.right == .control else { return }
        let governor = FakeGovernor()
        for type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "", "json"] {
            let sent = request(
                "POST", route.path, headers: localHost + [("content-type", type)], body: #"{"confirm":true}"#)
            let response = await handler(governor).response(to: sent)
            #expect(response.status == 415, "\(type)")
            #expect(response.text.contains("application/"))
        }
        if case .torrent = route.body { return }
        for body in [
            "{", "[]", "1", "nul", #"{"confirm":true,}"#, "{}x", #"{"confirm":true,"confirm":false}"#,
            "\u{FEFF}{}",
        ] {
            let response = await handler(governor).response(to: posting(route.path, body))
            #expect(response.status == 400, "\(body)")
        }
        #expect(governor.commands.isEmpty)
    }

    @Test("Paths that are not in the table get 404 with a way out")
    func unknownPaths() async throws {
        for path in [
            "", "//", "/healt", "/health/", "/Health", "/stats/", "/stats/none", "/health\0", "/../health",
            "/docs", "*",
        ] {
            for method in ["GET", "POST", "HEAD", "DELETE"] {
                let response = await handler().response(to: request(method, path))
                #expect(response.status == 404, "\(path)")
                #expect(try response.errorCode() == "not_found")
            }
        }
    }

    @Test("A path arrives decoded, so an escaped letter is the same path")
    func encodedPath() async {
        // "/%68ealth" as the server hands it over.
        let response = await handler().response(to: request("GET", "/health"))
        #expect(response.status == 200)
        let twice = await handler().response(to: request("GET", "/%68ealth"))
        #expect(twice.status == 404)
    }
}
