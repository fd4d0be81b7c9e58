import HTTPServing
import Testing

@testable import ControlAPI

@Suite("The page and its files")
struct StaticFileTests {
    private let files = [
        StaticFile(path: "/", type: "text/html; charset=utf-8", tag: "\"a1\"", bytes: Array("page".utf8)),
        StaticFile(path: "/ui/main.js", type: "text/javascript", tag: "\"b2\"", bytes: Array("script".utf8)),
    ]

    private func get(
        _ path: String, _ headers: Headers = [], host: String = "localhost:8089", method: String = "GET"
    ) async -> HTTPResponse {
        await handler(FakeGovernor(), AccessPolicy(), nil, files: self.files).response(
            to: request(method, path, headers: [("host", host)] + headers))
    }

    @Test("At the root a browser gets the page, and a program the list of endpoints")
    func root() async throws {
        let browser: Headers = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]
        #expect(await self.get("/", browser).text == "page")
        #expect(await self.get("/", browser, method: "HEAD").status == 200)
        #expect(await self.get("/", browser, method: "POST").status == 405)
        for accept in [[], [("accept", "*/*")], [("accept", "application/json")]] as [Headers] {
            #expect(try await self.get("/", accept).object()["endpoints"] is [String: Any])
        }
    }

    @Test("A file has its exact path and no other")
    func paths() async {
        #expect(await self.get("/ui/main.js").text == "script")
        for path in ["/ui", "/ui/", "/ui/main.js/", "/ui//main.js", "/ui/Main.js", "/main.js", "/index.html"]
        {
            #expect(await self.get(path).status == 404, "\(path)")
        }
    }

    @Test("The page may load and ask its own origin only, and nobody may frame it")
    func headers() async throws {
        let response = await self.get("/ui/main.js")
        let policy = try #require(response.header("content-security-policy"))
        for part in [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'", "form-action 'self'", "require-trusted-types-for 'script'",
        ] { #expect(policy.contains(part)) }
        #expect(!policy.contains("unsafe"))
        for (name, value) in [
            ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"), ("content-type", "text/javascript"),
            ("cache-control", "no-cache"), ("etag", "\"b2\""),
        ] { #expect(response.header(name) == value) }
        #expect(!response.headers.contains { $0.name.hasPrefix("access-control") })
    }

    @Test(
        "What the browser has already is not sent again",
        arguments: [
            ("\"b2\"", 304), ("W/\"b2\"", 304), ("\"x\", \"b2\"", 304), ("*", 304), ("\"a1\"", 200),
            ("b2", 200),
            ("", 200),
        ])
    func tags(sent: String, status: Int) async {
        let response = await self.get("/ui/main.js", [("if-none-match", sent)])
        #expect(response.status == status)
        #expect(response.text == (status == 200 ? "script" : ""))
        #expect(response.header("etag") == "\"b2\"")
    }

    @Test("A name that is not ours gets no page")
    func rebinding() async {
        let response = await self.get("/ui/main.js", host: "evil.example")
        #expect(response.status == 403 && !response.text.contains("script"))
    }
}
