import EventIO
import HTTPFetching
import SwarmTypes
import Testing
import TrackerProtocol

@testable import TrackerClient

/// Answers from a table, and keeps what was asked.
private final class Web: Fetching {
    let pages: [String: FetchResponse]
    let asked = Lock<[String]>([])

    init(_ pages: [String: FetchResponse]) { self.pages = pages }

    func fetch(
        _ request: FetchRequest, into sink: (any BodySink)?
    ) async throws(FetchFailure) -> FetchResponse {
        self.asked.withLock { $0.append(request.url) }
        guard let page = self.pages[request.url] else { throw .hostNotFound("no such host") }
        if let address = page.remoteAddress, let mayReach = request.mayReach, !mayReach(address) {
            throw .addressRefused(address)
        }
        return page
    }

    static func page(_ body: String, from address: String = "192.0.2.1:80") -> FetchResponse {
        FetchResponse(status: 200, body: Array(body.utf8), remoteAddress: PeerAddress(address))
    }

    static func redirect(_ location: String, from address: String = "192.0.2.1:80") -> FetchResponse {
        FetchResponse(
            status: 302, headers: [("location", location)], remoteAddress: PeerAddress(address))
    }
}

@Suite("Torrents from web addresses")
struct TorrentDownloadTests {
    private func outcome(
        _ url: String, _ pages: [String: FetchResponse]
    ) async throws -> (Result<TorrentDownload.Found, TorrentDownloadFailure>, [String]) {
        let web = Web(pages)
        let found = await TorrentDownload(userAgent: "Weir/test").fetch(try TrackerURL(url), by: web)
        return (found, web.asked.withLock { $0 })
    }

    @Test("A file is what the server answers with, also after five redirects, and not after six")
    func redirects() async throws {
        var pages = ["http://a.example/5": Web.page("d4:infode e")]
        for hop in 0..<5 { pages["http://a.example/\(hop)"] = Web.redirect("/\(hop + 1)") }
        #expect(
            try await self.outcome("http://a.example/0", pages).0
                == .success(.file(Array("d4:infode e".utf8))))
        pages["http://a.example/start"] = Web.redirect("http://a.example/0")
        let (found, asked) = try await self.outcome("http://a.example/start", pages)
        #expect(found == .failure(.notAllowed("it redirects more than 5 times")) && asked.count == 6)
    }

    @Test("A redirect to a magnet link is the magnet link")
    func magnet() async throws {
        let link = "magnet:?xt=urn:btih:" + String(repeating: "a", count: 40)
        let pages = ["https://a.example/dl": Web.redirect(link)]
        #expect(try await self.outcome("https://a.example/dl", pages).0 == .success(.magnet(link)))
    }

    @Test(
        "A public server sends us to no private, local or link-local address, and to no file",
        arguments: [
            "127.0.0.1:80", "10.0.0.1:80", "192.168.1.1:80", "169.254.169.254:80", "[::1]:80", "[fe80::1]:80",
        ])
    func narrowing(address: String) async throws {
        let pages = [
            "http://a.example/": Web.redirect("http://b.example/x"),
            "http://b.example/x": Web.page("d", from: address),
        ]
        guard case .failure(.notAllowed) = try await self.outcome("http://a.example/", pages).0 else {
            return #expect(Bool(false), "\(address) was reached")
        }
        for location in [
            "file:///etc/passwd", "gopher://b.example/", "udp://b.example:80/", "ftp://b.example/",
        ] {
            let (found, asked) = try await self.outcome(
                "http://a.example/", ["http://a.example/": Web.redirect(location)])
            guard case .failure(.notAllowed) = found else { return #expect(Bool(false), "\(location)") }
            #expect(asked.count == 1)
        }
    }

    @Test(
        "The user may name a server of his own network, which may redirect to itself and to nobody else there"
    )
    func ownNetwork() async throws {
        var pages = [
            "http://nas.example/": Web.redirect("/file", from: "192.168.1.2:80"),
            "http://nas.example/file": Web.page("d", from: "192.168.1.2:80"),
        ]
        #expect(try await self.outcome("http://nas.example/", pages).0 == .success(.file(Array("d".utf8))))
        pages["http://nas.example/file"] = Web.page("d", from: "192.168.1.1:80")
        guard case .failure(.notAllowed) = try await self.outcome("http://nas.example/", pages).0 else {
            return #expect(Bool(false))
        }
        let metadata = ["http://m.example/": Web.page("d", from: "169.254.169.254:80")]
        guard case .failure(.notAllowed) = try await self.outcome("http://m.example/", metadata).0 else {
            return #expect(Bool(false))
        }
    }

    @Test("HTTPS is not left for HTTP")
    func downgrade() async throws {
        let pages = [
            "https://a.example/": Web.redirect("http://a.example/x"), "http://a.example/x": Web.page("d"),
        ]
        #expect(
            try await self.outcome("https://a.example/", pages).0
                == .failure(.notAllowed("it redirects from HTTPS to HTTP")))
    }

    @Test("Refusals, silence and too much have words of their own")
    func failures() async throws {
        let pages = ["http://a.example/": FetchResponse(status: 404)]
        #expect(try await self.outcome("http://a.example/", pages).0 == .failure(.status(404)))
        #expect(
            try await self.outcome("http://b.example/", [:]).0 == .failure(.unreachable("no such host")))
        #expect("\(TorrentDownloadFailure.tooLong(maximum: TorrentDownload.maximumBytes))".contains("10 MiB"))
    }
}
