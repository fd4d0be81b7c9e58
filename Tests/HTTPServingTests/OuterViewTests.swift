import SwarmTypes
import TestKit
import Testing

@testable import HTTPServing

@Suite("How a request looked before a proxy")
struct OuterViewTests {
    private func view(_ base: String = "", _ trusted: [String] = []) -> OuterView {
        OuterView(basePath: base, trusted: trusted.compactMap { AddressNetwork($0) })
    }

    private func request(
        _ path: String = "/", _ headers: [(String, String)] = [], from peer: String = "127.0.0.1",
        method: String = "GET"
    ) -> HTTPRequest {
        HTTPRequest(
            method: method, path: path,
            headers: [("host", "127.0.0.1:8089")] + headers.map { (name: $0.0, value: $0.1) },
            peerAddress: peer)
    }

    private func seen(_ view: OuterView, _ request: HTTPRequest) throws -> HTTPRequest {
        guard case .request(let request) = view.outcome(of: request) else {
            throw Unexpected()
        }
        return request
    }

    private struct Unexpected: Error {}

    @Test(
        "The base path is taken off, and other paths stay",
        arguments: [
            ("/weir/", "/", "/weir"), ("/weir/api/ui/overview", "/api/ui/overview", "/weir"), ("/", "/", ""),
            ("/webhook", "/webhook", ""), ("/weird", "/weird", ""), ("/weir/weir/", "/weir/", "/weir"),
        ])
    func basePath(path: String, inner: String, base: String) throws {
        let view = self.view("/weir")
        let request = try self.seen(view, self.request(path))
        #expect(request.path == inner)
        #expect(request.basePath == base)
        #expect(view.innerPath(path) == inner)
    }

    @Test(
        "The base path alone leads to its slash, for the page's addresses are relative; a POST to it does not"
    )
    func redirect() throws {
        guard case .redirect("/weir/") = self.view("/weir").outcome(of: self.request("/weir")) else {
            Issue.record("no redirect")
            return
        }
        #expect(try self.seen(self.view("/weir"), self.request("/weir", method: "POST")).path == "/weir")
        #expect(try self.seen(self.view(), self.request("/weir")).path == "/weir")
    }

    @Test("Nobody is believed who is not trusted; that there is a proxy is noticed all the same")
    func untrusted() throws {
        let headers = [
            ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "weir.example"),
        ]
        for view in [self.view(), self.view("", ["10.0.0.0/8"])] {
            let request = try self.seen(view, self.request("/", headers))
            #expect(request.peerAddress == "127.0.0.1")
            #expect(!request.isSecure && !request.hasOuterHost)
            #expect(request.header("host") == "127.0.0.1:8089")
            #expect(request.isForwarded)
        }
    }

    @Test("A trusted proxy says who asks, by which scheme and for which host")
    func trusted() throws {
        let headers = [
            ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-host", "weir.example"),
        ]
        let request = try self.seen(self.view("", ["127.0.0.1"]), self.request("/", headers))
        #expect(request.peerAddress == "203.0.113.9")
        #expect(request.isSecure && request.hasOuterHost)
        #expect(request.headers.filter { $0.name == "host" }.map(\.value) == ["weir.example"])
    }

    @Test(
        "Of a chain the client is the nearest hop that nobody trusts",
        arguments: [
            ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
            ("198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            ("127.0.0.1, 203.0.113.9, 10.0.0.2,10.0.0.3", "203.0.113.9"), ("10.0.0.9", "10.0.0.9"),
            ("", "127.0.0.1"),
            ("unknown", "127.0.0.1"), ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
            ("203.0.113.9:4711", "203.0.113.9"),
            ("[2001:db8::9]:4711", "2001:db8::9"), ("[2001:db8::9]", "2001:db8::9"),
            ("2001:DB8:0::9", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"), ("203.0.113.9,", "127.0.0.1"),
            ("203.0.113.9\u{0}", "127.0.0.1"),
        ])
    func chains(header: String, client: String) throws {
        let view = self.view("", ["127.0.0.1", "10.0.0.0/8"])
        #expect(try self.seen(view, self.request("/", [("x-forwarded-for", header)])).peerAddress == client)
    }

    @Test("Several headers are one chain, and what a client makes up stands before what proxies add")
    func severalHeaders() throws {
        let view = self.view("", ["127.0.0.1", "10.0.0.0/8"])
        let forged = (0..<500).map { _ in ("x-forwarded-for", "127.0.0.1, 10.0.0.1") }
        let headers = forged + [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "10.0.0.2")]
        let request = try self.seen(view, self.request("/", headers))
        #expect(request.peerAddress == "203.0.113.9")
        let proto = [("x-forwarded-proto", "https, http")]
        #expect(try !self.seen(view, self.request("/", proto)).isSecure, "the nearest proxy's word counts")
    }

    @Test(
        "Whatever stands in the headers, an address is an address", arguments: 0..<200 as Range<UInt64>)
    func noise(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pool = [
            "127.0.0.1", "10.0.0.1", "203.0.113.9", "::1", "[::1]:5", "x", "", "unknown", ",", "1.2.3.4.5",
            "%", "[", "]",
        ]
        let text = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            pool.randomElement(using: &random) ?? ""
        }
        .joined(separator: ", ")
        let view = self.view("", ["127.0.0.1", "10.0.0.0/8", "::1"])
        let client = try self.seen(view, self.request("/", [("x-forwarded-for", text)])).peerAddress
        #expect(PeerAddress(host: client, port: 0) != nil)
    }
}
