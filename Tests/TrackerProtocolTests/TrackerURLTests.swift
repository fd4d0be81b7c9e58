import SwarmTypes
import TestKit
import Testing

@testable import TrackerProtocol

@Suite("A tracker's URL")
struct TrackerURLTests {
    @Test(
        "Is taken apart, and kept as it is",
        arguments: [
            ("http://t.example/announce", "t.example", 80, "/announce", ""),
            ("HTTPS://T.Example/a/announce?passkey=x&y", "t.example", 443, "/a/announce", "?passkey=x&y"),
            ("udp://t.example:6969", "t.example", 6969, "", ""),
            ("udp://[2001:db8::1]:1/x", "2001:db8::1", 1, "/x", ""),
            ("http://u:p@t.example:81?q", "t.example", 81, "", "?q"),
            ("http://t.example:/announce", "t.example", 80, "/announce", ""),
        ])
    func parts(text: String, host: String, port: UInt16, path: String, query: String) throws {
        let url = try TrackerURL(text)
        #expect(url.host == host && url.port == port && url.path == path && url.query == query)
        #expect(url.text == text)
    }

    @Test(
        "What a tracker repeats of a passkey is hidden, and its words are left alone",
        arguments: [
            (
                "http://t.example/c4na7ypa55key/announce",
                "no such user: /c4na7ypa55key/announce?c4na7ypa55key",
                "no such user: /***/announce?***"
            ),
            (
                "http://t.example/announce.php?passkey=0123456789ab&x=1", "0123456789ab, passkey",
                "***, passkey"
            ),
            ("http://me:secret@t.example/a/announce", "who is me:secret?", "who is ***?"),
            (
                "http://t.example/tracker/announce", "unregistered tracker announce",
                "unregistered tracker announce"
            ),
        ])
    func repeated(text: String, words: String, shown: String) throws {
        let url = try TrackerURL(text)
        #expect(TrackerText(words).hiding(url.secrets) == TrackerText(shown))
        var entry = TrackerEntry(url: url, tier: 0)
        var random = SplitMix64(seed: 1)
        entry.failed(
            .refused(TrackerText(words), retry: .never), isNew: false, at: seconds(1), using: &random)
        #expect(entry.lastFailure == .refused(TrackerText(shown), retry: .never))
        entry.succeeded(AnnounceAnswer(warning: TrackerText(words)), at: seconds(2), using: &random)
        #expect(entry.warning == TrackerText(shown))
    }

    @Test("Blanks around it and a fragment go, letters outside ASCII are encoded")
    func cleaning() throws {
        #expect(try TrackerURL(" \n http://t.example/é#x\t ").text == "http://t.example/%C3%A9")
    }

    @Test(
        "That we cannot ask is refused, with the reason",
        arguments: [
            ("", .unsupportedScheme("")), ("t.example", .unsupportedScheme("")),
            ("file:///etc/passwd", .unsupportedScheme("file")),
            ("gopher://t.example/", .unsupportedScheme("gopher")),
            ("wss://t.example/", .unsupportedScheme("wss")), ("dht://x", .unsupportedScheme("dht")),
            ("http:/t.example", .unsupportedScheme("http")),
            ("http://", .badHost), ("http:///announce", .badHost), ("http://a%2eb/", .badHost),
            ("http://é.example/", .badHost), ("http://[::1/", .badHost), ("http://[x]/", .badHost),
            ("udp://t.example/announce", .badPort), ("http://t.example:0/", .badPort),
            ("http://t.example:65536/", .badPort), ("http://t.example:+80/", .badPort),
            ("http://t.example:8x/", .badPort), ("http://[::1]x/", .badPort),
            ("http://a b/", .badCharacter(offset: 8)), ("http://a\\@b/", .badCharacter(offset: 8)),
            ("http://a/\u{0}", .badCharacter(offset: 9)),
        ] as [(String, TrackerURL.Problem)])
    func refused(text: String, problem: TrackerURL.Problem) {
        // A trailing NUL counts as a blank around it, so something follows it here.
        let text = text.hasSuffix("\u{0}") ? text + "x" : text
        #expect(throws: problem) { try TrackerURL(text) }
    }

    @Test("Is at most 2,048 bytes long, whatever comes")
    func length() throws {
        let start = "http://t.example/"
        let longest = start + String(repeating: "a", count: TrackerURL.maximumBytes - start.utf8.count)
        #expect(try TrackerURL(longest).text == longest)
        for text in [longest + "a", String(repeating: "x", count: 1 << 20)] {
            #expect(throws: TrackerURL.Problem.tooLong(maximum: 2048)) { try TrackerURL(text) }
        }
        let growing = start + String(repeating: "é", count: 1000)
        #expect(throws: TrackerURL.Problem.tooLong(maximum: 2048)) { try TrackerURL(growing) }
    }

    @Test(
        "Is shown without what may be a passkey",
        arguments: [
            ("http://t.example/announce", "http://t.example:80/announce"),
            ("https://t.example/SECRET/announce", "https://t.example:443/***/announce"),
            ("https://t.example/announce/SECRET", "https://t.example:443/***"),
            ("https://t.example/announce.php?passkey=SECRET", "https://t.example:443/announce.php?***"),
            ("https://SECRET:SECRET@t.example/SECRET", "https://t.example:443/***"),
            ("udp://t.example:1/?auth=SECRET", "udp://t.example:1?***"),
            ("udp://[::1]:1", "udp://[::1]:1"),
        ])
    func masked(text: String, masked: String) throws {
        #expect(try TrackerURL(text).masked == masked)
        #expect(!masked.contains("SECRET"))
    }

    @Test(
        "Names the place for scrapes only where its last word begins with announce",
        arguments: [
            ("http://t.example/announce", "http://t.example/scrape"),
            ("http://t.example/x/announce.php?a=b", "http://t.example/x/scrape.php?a=b"),
            ("http://t.example/announce/x", nil), ("http://t.example/a", nil), ("http://t.example", nil),
            ("udp://t.example:1/x", "udp://t.example:1/x"),
        ] as [(String, String?)])
    func scrape(text: String, scrape: String?) throws {
        #expect(try TrackerURL(text).scrapeURL?.text == scrape)
    }

    @Test("Random bytes never trap, and what is taken is taken again the same", arguments: 0..<300)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "http://", "udp://", "a", "[::1]", ":80", ":", "/", "?", "@", "%", "é", "\u{1}", ".", "#",
        ]
        var text = ["http://", "udp://x:1", "https://h"].randomElement(using: &random) ?? ""
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            text += pieces.randomElement(using: &random) ?? ""
        }
        guard let url = try? TrackerURL(text) else { return }
        #expect(try TrackerURL(url.text) == url)
        #expect(!url.host.isEmpty && !url.masked.isEmpty)
    }
}

@Suite("Where a tracker's URL may lead")
struct TrackerURLPolicyTests {
    private func address(_ host: String) throws -> PeerAddress {
        try #require(PeerAddress(host: host, port: 80))
    }

    @Test("Public addresses always, link-local and impossible ones never")
    func outside() throws {
        for text in ["http://t.example/announce", "http://t.example/x?y", "udp://t.example:1"] {
            let url = try TrackerURL(text)
            for host in ["192.0.2.1", "2001:db8::1"] { #expect(url.mayReach(try self.address(host))) }
            for host in ["169.254.169.254", "0.0.0.0", "224.0.0.1", "fe80::1", "::", "ff02::1"] {
                #expect(!url.mayReach(try self.address(host)))
            }
        }
    }

    @Test(
        "This machine only by a path that ends in /announce without a query, or over UDP",
        arguments: [
            ("http://x/announce", true), ("http://x/key/announce", true),
            ("http://x:9091/transmission/rpc", false),
            ("http://x/announce?cmd=1", false), ("http://x/announce/x", false), ("http://x", false),
            ("udp://x:1", true),
        ])
    func loopback(text: String, may: Bool) throws {
        let hosts = [
            "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::",
            "::127.0.0.1",
        ]
        for host in hosts { #expect(try TrackerURL(text).mayReach(try self.address(host)) == may, "\(host)") }
    }

    @Test("A private network only by a path that speaks of announcing, or over UDP")
    func privateNetwork() throws {
        for host in ["10.0.0.1", "192.168.1.1", "172.16.0.1", "fd00::1"] {
            let address = try self.address(host)
            #expect(try TrackerURL("http://x/announce.php?passkey=1").mayReach(address))
            #expect(try TrackerURL("udp://x:1").mayReach(address))
            #expect(try !TrackerURL("http://x/reboot?now").mayReach(address))
        }
    }

    @Test("A redirect never leads into a narrower network than it comes from")
    func redirects() throws {
        let url = try TrackerURL("http://x/announce?info_hash=1")
        let (open, local) = (try self.address("192.0.2.1"), try self.address("127.0.0.1"))
        let lan = try self.address("192.168.0.1")
        #expect(url.mayReach(open, redirectedFrom: open) && url.mayReach(open, redirectedFrom: local))
        #expect(!url.mayReach(local, redirectedFrom: open) && !url.mayReach(lan, redirectedFrom: open))
        #expect(!url.mayReach(local, redirectedFrom: lan) && !url.mayReach(lan, redirectedFrom: local))
        #expect(url.mayReach(local, redirectedFrom: local))
        #expect(try !TrackerURL("http://x/rpc").mayReach(local, redirectedFrom: local))
    }

    @Test(
        "A Location is read as RFC 3986 says, and other schemes are not followed",
        arguments: [
            ("https://b.example/z", "https://b.example/z"), ("//b.example/z", "http://b.example/z"),
            ("/z?a", "http://a.example:81/z?a"), ("?a", "http://a.example:81/x/announce?a"),
            ("z", "http://a.example:81/x/z"), ("udp://b.example:1", nil), ("file:///etc/passwd", nil),
            ("javascript:1", nil), ("http://", nil),
        ] as [(String, String?)])
    func locations(location: String, target: String?) throws {
        let url = try TrackerURL("http://a.example:81/x/announce?q")
        #expect(url.redirected(to: location)?.text == target)
    }
}

@Suite("Who may name whom as a peer")
struct NamingTests {
    @Test("Hosts of the world may name only hosts of the world, those of our own network also its own")
    func naming() throws {
        let outside = try ["192.0.2.1:80", "[2001:db8::1]:80"].map { try #require(PeerAddress($0)) }
        let inside = try [
            "10.0.0.1:80", "192.168.1.1:80", "172.16.0.1:80", "169.254.1.1:80", "127.0.0.1:80", "[::1]:80",
            "[fe80::1]:80",
            "[fd00::1]:80", "[64:ff9b::a00:1]:80",
        ].map { try #require(PeerAddress($0)) }
        for host in outside {
            for peer in outside { #expect(host.mayName(peer)) }
            for peer in inside { #expect(!host.mayName(peer), "\(host) \(peer)") }
        }
        for host in inside {
            for peer in outside + inside { #expect(host.mayName(peer), "\(host) \(peer)") }
        }
    }
}
