import AccessControl
import HTTPServing
import Testing

@testable import ControlAPI

@Suite("Requests that a proxy passed on")
struct ForwardedRequestTests {
    private func forwarded(_ path: String, host: String, isTrusted: Bool, method: String = "GET")
        -> HTTPRequest
    {
        var forwarded = request(method, path, headers: [("host", host)])
        forwarded.isForwarded = true
        forwarded.hasOuterHost = isTrusted
        return forwarded
    }

    @Test("are no guests of this machine: before there is a user they see and change nothing")
    func guests() async throws {
        let open = handler()
        #expect(await open.response(to: request("GET", "/stats")).status == 200)
        for isTrusted in [true, false] {
            for (method, path) in [("GET", "/stats"), ("POST", "/pause"), ("GET", "/api/ui/overview")] {
                let answer = await open.response(
                    to: self.forwarded(path, host: "localhost", isTrusted: isTrusted, method: method))
                #expect(answer.status == 401, "\(method) \(path)")
            }
            let access = await open.response(
                to: self.forwarded("/api/access", host: "localhost", isTrusted: isTrusted))
            #expect(try access.object()["role"] as? String == "none")
        }
    }

    @Test("are let in by a session or a key as everybody else")
    func keys() async {
        var keyed = self.forwarded("/stats", host: "localhost", isTrusted: true)
        keyed.headers.append(("x-api-key", "read"))
        #expect(await handler().response(to: keyed).status == 200)
    }

    @Test("come under an allowed name at any port of a trusted proxy, and under no other name")
    func hosts() {
        let policy = AccessPolicy(allowedHosts: ["weir.example"])
        func refuses(_ host: String, _ isTrusted: Bool) -> Bool {
            policy.refusal(of: self.forwarded("/", host: host, isTrusted: isTrusted), right: .none) != nil
        }
        #expect(!refuses("weir.example", true) && !refuses("weir.example:8443", true))
        #expect(!refuses("192.0.2.7", true), "an address cannot be pointed elsewhere")
        #expect(!refuses("weir.example", false) && refuses("weir.example:8443", false))
        for host in ["evil.example", "weir.example.evil.example", "", "a b", "weir.example/x"] {
            #expect(refuses(host, true) && refuses(host, false), "\(host)")
        }
    }

    @Test(
        "get a cookie for their path, and one that only https carries when the client speaks it",
        arguments: [
            ("", false, "Path=/"), ("/weir", false, "Path=/weir/"), ("/weir", true, "Path=/weir/; Secure"),
        ])
    func cookies(base: String, isSecure: Bool, ending: String) async throws {
        for path in ["/api/access/login", "/api/access/logout"] {
            var entering = posting(path, #"{"name": "me", "password": "long enough"}"#)
            entering.basePath = base
            entering.isSecure = isSecure
            let cookie = try #require(await handler().response(to: entering).header("set-cookie"))
            #expect(cookie.hasSuffix("; HttpOnly; SameSite=Strict; \(ending)"), "\(cookie)")
        }
    }
}
