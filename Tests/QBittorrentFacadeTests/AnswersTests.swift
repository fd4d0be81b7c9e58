import EventIO
import HTTPServing
import JSONValues
import SwarmTypes
import Testing
import TorrentCatalog

@testable import QBittorrentFacade

/// Odd requests, answered as a qBittorrent 5.1 was seen to answer them (`Tests/EndToEnd/beside.py`).
@Suite struct AnswersTests {
    let bench = Bench()
    private let hash = torrentID(1).hex

    private func status(_ name: String, _ body: String = "") async -> Int {
        await self.bench.post(name, body).status
    }

    private func rows(_ query: (String, String)...) async throws -> [JSONValue] {
        try await self.bench.json("torrents/info", query).elements ?? []
    }

    @Test("Until the next announce it is so many seconds, wherever that is told, and sorted by it")
    func reannounce() async throws {
        self.bench.library.publish([
            torrent(1) { $0.nextAnnounceAt = 1_700_000_090 },
            torrent(2) { $0.nextAnnounceAt = 1_699_999_000 },
            torrent(3),
        ])
        let told = try await self.rows(("sort", "reannounce")).map { $0["reannounce"]?.integer }
        #expect(told == [0, 0, 90])
        let full = try await self.bench.json("sync/maindata")
        #expect(full["torrents"]?[self.hash]?["reannounce"]?.integer == 90)
        // Time that passes is no change.
        let rid = "\(full["rid"]?.integer ?? 0)"
        #expect(try await self.bench.json("sync/maindata", [("rid", rid)])["torrents"] == nil)
    }

    @Test("What trackers have not said is what is seen, and sizes without a description are -1")
    func unknownNumbers() async throws {
        self.bench.library.publish([
            torrent(1) {
                $0.state = .stopped
                $0.connectedSeeds = 2
            }
        ])
        let row = try #require(try await self.rows().first)
        #expect(row["num_complete"]?.integer == 2 && row["num_incomplete"]?.integer == 0)
        #expect(row["total_size"]?.integer == -1 && row["availability"]?.double == 0)
        let properties = try await self.bench.json("torrents/properties", [("hash", self.hash)])
        #expect(properties["progress"]?.double == 0 && properties["is_private"]?.boolean == false)
        #expect(properties["private"] == .null && properties["pieces_have"]?.integer == 0)
        #expect(properties["up_speed_avg"]?.integer == -1 && properties["dl_speed_avg"]?.integer == -1)
    }

    @Test("Lists: no hashes are all, an order that does not exist is refused, and what may be private is not")
    func lists() async throws {
        self.bench.library.publish([
            torrent(1) { $0.isPrivate = true }, torrent(2) { $0.isPrivate = false }, torrent(3),
        ])
        #expect(try await self.rows(("hashes", "")).count == 3)
        #expect(try await self.rows(("private", "false")).count == 2)
        #expect(try await self.rows(("private", "true")).count == 1)
        #expect(await self.bench.get("torrents/info", [("sort", "nonsense")]).status == 400)
        #expect(await self.bench.get("torrents/info", [("sort", "hash")]).status == 200)
        #expect(await self.bench.get("sync/torrentPeers").status == 404)
    }

    @Test("An option that cannot be is left out, and the file is none the worse for it")
    func oddOptions() async {
        let body = "urls=magnet:?xt=1&category=a//b&tags=good,\u{1}bad,,%20&savepath=/a/./x/..//y/"
        #expect(await self.bench.post("torrents/add", body).text == "Ok.")
        let addition = self.bench.library.additions.first
        #expect(addition?.category == "" && addition?.tags == ["good"] && addition?.directory == "/a/y")
    }

    @Test(
        "Paths are cleaned and lead no further up than there is",
        arguments: [
            ("/a/b", "/a/b"), ("/a//b/", "/a/b"), ("/", "/"), ("/..", "/"), ("/../../a", "/a"),
            ("a/./b", "a/b"),
            ("a/..", ""), ("../a", "../a"), ("a/../../b", "../b"), ("", ""),
        ])
    func paths(text: String, cleaned: String) { #expect(cleanedPath(text) == cleaned) }

    @Test("What is missing is refused before anything is changed")
    func missing() async {
        self.bench.library.publish([torrent(1)])
        for (name, body) in [
            ("setShareLimits", "hashes=all&ratioLimit=1&seedingTimeLimit=1"), ("setForceStart", "hashes=all"),
            ("setSuperSeeding", "hashes=all"), ("setAutoManagement", "hashes=all"),
            ("editCategory", "category=tv"), ("topPrio", ""),
            ("filePrio", "hash=\(self.hash)&id=&priority=1"),
        ] {
            #expect(await self.status("torrents/\(name)", body) == 400, "\(name)")
        }
        #expect(self.bench.library.commands.isEmpty)
        #expect(await self.status("torrents/createCategory", "category=a//b") == 409)
        #expect(
            await self.bench.get("torrents/files", [("hash", self.hash), ("indexes", "9")]).status == 409)
        #expect(
            await self.bench.get("torrents/files", [("hash", self.hash), ("indexes", "0")]).status == 200)
    }

    @Test("What was to go and is not there is no error; without a name all tags go")
    func leniency() async {
        self.bench.library.publish([torrent(1)])
        self.bench.library.refusal.withLock { $0 = .conflict("no such tracker") }
        #expect(await self.status("torrents/removeTrackers", "hash=\(self.hash)&urls=http://x") == 200)
        self.bench.library.refusal.withLock { $0 = .invalid("no path") }
        #expect(await self.status("torrents/renameFile", "hash=\(self.hash)&oldPath=a&newPath=../b") == 409)
        #expect(await self.status("torrents/filePrio", "hash=\(self.hash)&id=99&priority=1") == 409)
        self.bench.library.refusal.withLock { $0 = nil }
        #expect(await self.status("torrents/removeTags", "hashes=all") == 200)
        #expect(self.bench.library.commands.map(\.0) == [.removeTags([])])
    }

    @Test("Of several addresses, those that are trackers' are added")
    func someTrackers() async {
        self.bench.library.publish([torrent(1)])
        self.bench.library.refusedTracker.withLock { $0 = "wss://b" }
        let both = "hash=\(self.hash)&urls=http://a%0Awss://b%0Ahttp://c"
        #expect(await self.status("torrents/addTrackers", both) == 200)
        #expect(
            self.bench.library.commands.map(\.0) == [.addTrackers(["http://a"]), .addTrackers(["http://c"])])
        #expect(await self.status("torrents/addTrackers", "hash=\(self.hash)&urls=wss://b") == 400)
    }

    @Test("Peers that are added are counted for each torrent; a setter's answer is empty text")
    func answers() async throws {
        self.bench.library.publish([torrent(1)])
        let answer = await self.bench.post(
            "torrents/addPeers", "hashes=\(self.hash)&peers=192.0.2.1:5|nonsense")
        let added = try JSONReader.read(answer.body)
        #expect(added[self.hash]?["added"]?.integer == 1 && added[self.hash]?["failed"]?.integer == 0)
        let stop = await self.bench.post("torrents/stop", "hashes=all")
        #expect(stop.body.isEmpty)
        #expect(stop.headers.contains { $0.name == "content-type" && $0.value.hasPrefix("text/plain") })
        #expect(await self.status("torrents/rename", "hash=\(self.hash)&name=a%0Ab") == 200)
        #expect(self.bench.library.commands.last?.0 == .rename("a b"))
    }

    @Test("Logging out takes the cookie away, and no page of another origin does it")
    func logOut() async {
        let foreign = [("host", "weir:8089"), ("referer", "http://evil/")]
        #expect(await self.bench.get("auth/logout", headers: foreign).status == 401)
        let answer = await self.bench.post("auth/logout")
        #expect(answer.headers.contains { $0.name == "set-cookie" && $0.value.contains("Max-Age=0") })
    }

    @Test("A long body is refused before it is read where its answer would be a refusal")
    func earlyRefusal() async {
        let bench = Bench(needsLogIn: true)
        func refusal(_ name: String, _ cookie: String, _ method: String = "POST") -> Int? {
            bench.facade.earlyRefusal(
                of: HTTPRequest(method: method, path: "/api/v2/\(name)", headers: [("cookie", cookie)]))?
                .status
        }
        #expect(refusal("torrents/add", "") == 403)
        #expect(refusal("torrents/nothing", "") == 403)
        #expect(refusal("torrents/nothing", "SID=s3cret") == 404)
        #expect(refusal("torrents/add", "SID=s3cret") == nil)
        #expect(refusal("torrents/add", "SID=s3cret", "PUT") == 501)
        #expect(refusal("auth/login", "") == 400)
    }

    @Test("Every preference of a qBittorrent 5.1 that clients show is there")
    func preferences() async throws {
        let read = try await self.bench.json("app/preferences")
        for name in ["async_io_threads", "i2p_address", "file_log_enabled", "ssl_enabled", "announce_port"] {
            #expect(read[name] != nil, "\(name)")
        }
    }

    @Test("Who may only read sees no key of a tracker, and whoever may change torrents sees all of them")
    func keysAreForChangers() async throws {
        let bench = Bench(needsLogIn: true)
        bench.library.publish([
            torrent(1) {
                $0.magnet =
                    "magnet:?xt=urn:btih:\(torrentID(1).hex)&dn=a&tr=http%3A%2F%2Ft%2Fpa55key%2Fannounce&x.pe=1"
                $0.trackers = ["http://t/pa55key/announce?k=0ther"]
                $0.tracker = "http://t/pa55key/announce?k=0ther"
            }
        ])
        let hash = [("hash", torrentID(1).hex)]
        var told: [String: [String]] = [:]
        for key in ["key", "reader"] {
            for (name, query) in [
                ("torrents/info", [("includeTrackers", "true")]), ("torrents/trackers", hash),
                ("torrents/webseeds", hash), ("torrents/properties", hash), ("sync/maindata", []),
                ("torrents/export", hash),
            ] {
                let answer = await bench.get(name, query, headers: [("authorization", "Bearer \(key)")])
                #expect(answer.status == (name == "torrents/export" && key == "reader" ? 403 : 200))
                told[key, default: []].append(answer.text)
            }
        }
        for text in told["reader"] ?? [] { #expect(!text.contains("pa55key") && !text.contains("0ther")) }
        #expect(told["reader"]?[0].contains("http://t/…/announce?…") == true)
        #expect(told["reader"]?[0].contains("magnet:?xt=urn:btih:\(torrentID(1).hex)&dn=a\"") == true)
        #expect(told["key"]?.count { $0.contains("pa55key") } == 4)
    }
}
