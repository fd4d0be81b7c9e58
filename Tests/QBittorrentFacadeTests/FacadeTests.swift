import EventIO
import HTTPServing
import JSONValues
import SwarmTypes
import Testing
import TorrentCatalog

@testable import QBittorrentFacade

@Suite struct FacadeTests {
    let bench = Bench()

    // MARK: - Logging in

    @Test("Without a session everything but logging in is forbidden, also what does not exist")
    func strangers() async {
        let bench = Bench(needsLogIn: true)
        for name in facadeTable.map(\.name) + ["nothing/here", "auth/logout"] {
            #expect(await bench.get(name).status == 403, "\(name)")
            #expect(await bench.post(name).status == 403, "\(name)")
        }
    }

    @Test("A good password gives a cookie that lets in, even when all of its line comes back")
    func logIn() async throws {
        let bench = Bench(needsLogIn: true)
        #expect(await bench.post("auth/login", "username=a&password=wrong").text == "Fails.")
        let answer = await bench.post("auth/login", "username=a&password=right")
        #expect(answer.text == "Ok.")
        let cookie = try #require(answer.headers.first { $0.name == "set-cookie" }?.value)
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
        for sent in [cookie, "SID=s3cret", "a=b; SID=s3cret"] {
            #expect(await bench.get("app/version", headers: [("cookie", sent)]).status == 200)
        }
        #expect(await bench.get("app/version", headers: [("cookie", "SID=other")]).status == 403)
        #expect(await bench.get("app/version", headers: [("authorization", "Bearer key")]).status == 200)
    }

    @Test("A page of another origin is turned away")
    func foreignOrigin() async {
        let host = ("host", "weir:8089")
        for (name, value, status) in [
            ("origin", "http://evil", 401), ("referer", "http://evil/weir:8089", 401),
            ("origin", "http://weir:8089", 200), ("referer", "http://weir:8089/page", 200),
            ("origin", "null", 401),
        ] {
            #expect(await self.bench.get("app/version", headers: [host, (name, value)]).status == status)
        }
    }

    // MARK: - Methods and parameters

    @Test("What changes something is refused by GET, and reads are answered by POST")
    func methods() async {
        for route in facadeTable {
            if route.isSetter {
                #expect(await self.bench.get(route.name).status == 405, "\(route.name)")
            } else {
                #expect(await self.bench.post(route.name).status != 405, "\(route.name)")
            }
        }
        #expect(await self.bench.get("torrents/nothing").status == 404)
    }

    @Test("A POST's parameters come from its body alone")
    func bodyAlone() async {
        self.bench.library.publish([torrent(1), torrent(2)])
        var request = HTTPRequest(method: "POST", path: "/api/v2/torrents/info")
        request.query = [(name: "hashes", value: torrentID(1).hex)]
        let all = await self.bench.send(request)
        #expect(all.text.contains(torrentID(2).hex))
    }

    @Test("A body of unknown kind is refused, an empty one of any kind is none")
    func contentTypes() async {
        let plain = [("content-type", "text/plain")]
        #expect(await self.bench.post("torrents/info", headers: plain).status == 200)
        #expect(await self.bench.post("torrents/info", "x=1", headers: plain).status == 400)
    }

    // MARK: - Torrents

    @Test("States are named as qBittorrent names them")
    func states() {
        let done = torrent(1) {
            $0.hasMetadata = true
            $0.wantedSize = 10
            $0.wantedDone = 10
        }
        var moving = done
        moving.upRate = ByteRate(bytesPerSecond: 5)
        #expect(done.facadeState == "stalledUP")
        #expect(moving.facadeState == "uploading")
        moving.isForced = true
        #expect(moving.facadeState == "forcedUP")
        var halfway = done
        halfway.wantedDone = 5
        halfway.state = .stopped
        #expect(halfway.facadeState == "stoppedDL")
        halfway.state = .downloading
        #expect(halfway.facadeState == "stalledDL")
    }

    @Test(
        "Long lists are whole however they are cut into slices and pages",
        arguments: [1, 39, 40, 41, 100, 101, 213])
    func longLists(count: Int) async throws {
        let rows = (1...count).map { torrent(UInt8($0), "name \($0 * 7 % 97)") }
        self.bench.library.publish(rows)
        let ids = rows.map(\.id.hex).sorted()
        func hashes(_ query: [(String, String)]) async throws -> [String] {
            try await self.bench.json("torrents/info", query).elements?.compactMap { $0["hash"]?.text } ?? []
        }
        #expect(try await hashes([]) == ids)
        #expect(try await hashes([("sort", "hash"), ("reverse", "true")]) == Array(ids.reversed()))
        for size in [1, 7, 64, 65, 500] {
            var pages: [String] = []
            for offset in stride(from: 0, to: count, by: size) {
                pages += try await hashes([("limit", "\(size)"), ("offset", "\(offset)")])
            }
            #expect(pages == ids, "by \(size)")
        }
        #expect(try await hashes([("limit", "3"), ("offset", "-2")]) == Array(ids.suffix(2)))
        let main = try await self.bench.json("sync/maindata")
        #expect(main["torrents"]?.members?.map(\.name).sorted() == ids)
        #expect(main["server_state"] != nil)
    }

    @Test("Lists are filtered, sorted and cut into pages")
    func lists() async throws {
        self.bench.library.publish([
            torrent(1, "c") { $0.category = "x" },
            torrent(2, "a") {
                $0.tags = ["t"]
                $0.state = .stopped
            },
            torrent(3, "b") { $0.upRate = ByteRate(bytesPerSecond: 9) },
        ])
        func names(_ query: [(String, String)]) async throws -> [String] {
            try await self.bench.json("torrents/info", query).elements?.compactMap { $0["name"]?.text } ?? []
        }
        #expect(try await names([("sort", "name")]) == ["a", "b", "c"])
        #expect(try await names([("sort", "name"), ("reverse", "true")]) == ["c", "b", "a"])
        #expect(try await names([("sort", "name"), ("limit", "1"), ("offset", "-2")]) == ["b"])
        #expect(try await names([("category", "x")]) == ["c"])
        #expect(try await names([("category", ""), ("sort", "name")]) == ["a", "b"])
        #expect(try await names([("tag", "t")]) == ["a"])
        #expect(try await names([("filter", "stopped")]) == ["a"])
        #expect(try await names([("filter", "active")]) == ["b"])
        #expect(try await names([("filter", "unheard-of"), ("sort", "name")]).count == 3)
        #expect(try await names([("hashes", "\(torrentID(3).hex)|zz")]) == ["b"])
    }

    @Test("A command reaches the torrents that it names")
    func commands() async throws {
        let hash = torrentID(1).hex
        #expect(await self.bench.post("torrents/pause", "hashes=\(hash)|nonsense").status == 200)
        #expect(await self.bench.post("torrents/stop", "hashes=all").status == 200)
        #expect(await self.bench.post("torrents/delete", "hashes=all").status == 200)
        #expect(await self.bench.post("torrents/setUploadLimit", "hashes=all&limit=-1").status == 200)
        #expect(await self.bench.post("torrents/setUploadLimit", "hashes=all&limit=1000").status == 200)
        #expect(await self.bench.post("torrents/setUploadLimit", "hashes=all").status == 400)
        let commands = self.bench.library.commands
        #expect(
            commands.map(\.0) == [
                .stop, .stop, .remove(withFiles: false), .setUploadLimit(.unlimited),
                .setUploadLimit(.bytesPerSecond(1000)),
            ])
        #expect(commands.map(\.1) == [.some([torrentID(1)]), .all, .all, .all, .all])
    }

    @Test("Torrents are added from files and links of one form")
    func add() async throws {
        let form = [
            "--B", "Content-Disposition: form-data; name=\"torrents\"; filename=\"a.torrent\"", "", "d1:ae",
            "--B",
            "Content-Disposition: form-data; name=\"urls\"", "", "magnet:?xt=1\nhttp://x/a.torrent", "--B",
            "Content-Disposition: form-data; name=\"category\"", "", "tv", "--B",
            "Content-Disposition: form-data; name=\"paused\"", "", "true", "--B--", "",
        ].joined(separator: "\r\n")
        let type = [("content-type", "multipart/form-data; boundary=B")]
        #expect(await self.bench.post("torrents/add", form, headers: type).text == "Ok.")
        let additions = self.bench.library.additions
        #expect(additions.count == 3)
        #expect(additions.allSatisfy { $0.category == "tv" && $0.isStopped == true })
        let bad = form.replacing("d1:ae", with: "no torrent")
        #expect(await self.bench.post("torrents/add", bad, headers: type).status == 415)
        #expect(await self.bench.post("torrents/add", "urls=").text == "Fails.")
    }

    @Test("A torrent that is not there is 404 where one is asked for")
    func missing() async {
        for name in ["properties", "files", "trackers", "pieceStates", "export", "webseeds"] {
            #expect(await self.bench.get("torrents/\(name)", [("hash", torrentID(5).hex)]).status == 404)
        }
    }

    @Test("Trackers come after the three that are none, with the tracker's own words")
    func trackers() async throws {
        self.bench.library.publish([torrent(1)])
        let lines =
            try await self.bench.json("torrents/trackers", [("hash", torrentID(1).hex)]).elements ?? []
        #expect(lines.count == 5)
        #expect(lines[0]["url"]?.text == "** [DHT] **")
        #expect(lines[3]["msg"]?.text == "unregistered")
        #expect(lines[3]["status"]?.integer == 4)
    }

    // MARK: - Settings

    @Test("Preferences that are set are read again, and what is unknown is passed over")
    func preferences() async throws {
        let json =
            #"{"up_limit":2048,"max_ratio_enabled":true,"max_ratio":1.5,"queueing_enabled":true,"x":{}}"#
        #expect(await self.bench.post("app/setPreferences", "json=\(json)").status == 200)
        let read = try await self.bench.json("app/preferences")
        #expect(read["up_limit"]?.integer == 2048)
        #expect(read["max_ratio"]?.double == 1.5)
        #expect(read["queueing_enabled"]?.boolean == true)
        #expect(await self.bench.post("app/setPreferences", #"json={"listen_port":70000}"#).status == 400)
        #expect(try await self.bench.json("app/preferences")["listen_port"]?.integer == 0)
    }

    @Test("The limit in force is the one that is set, the alternative one while that is on")
    func limits() async throws {
        #expect(await self.bench.post("transfer/setUploadLimit", "limit=5000").status == 200)
        #expect(await self.bench.post("transfer/setSpeedLimitsMode", "mode=1").status == 200)
        #expect(self.bench.library.mirror.state.preferences.uploadLimit == .bytesPerSecond(5000))
        #expect(self.bench.library.mirror.state.preferences.usesAlternativeLimits)
        #expect(await self.bench.post("transfer/setSpeedLimitsMode", "mode=x").status == 400)
    }

    @Test("Of two who set something at the same time, neither takes back what the other has set")
    func concurrentPreferences() async throws {
        let bench = self.bench
        bench.library.beforeChange.withLock {
            $0 = Pause {
                // The other one comes between what this one knows and what it does.
                bench.library.beforeChange.withLock { $0 = Pause() }
                _ = await bench.post("transfer/setUploadLimit", "limit=5000")
            }
        }
        #expect(await bench.post("transfer/setDownloadLimit", "limit=6000").status == 200)
        let preferences = bench.library.mirror.state.preferences
        #expect(preferences.uploadLimit == .bytesPerSecond(5000))
        #expect(preferences.downloadLimit == .bytesPerSecond(6000))
    }

    @Test("A category that is there already is a conflict")
    func categories() async throws {
        #expect(await self.bench.post("torrents/createCategory", "category=tv&savePath=/tv").status == 200)
        #expect(await self.bench.post("torrents/createCategory", "category=tv").status == 409)
        #expect(await self.bench.post("torrents/setCategory", "hashes=all&category=none").status == 409)
        let read = try await self.bench.json("torrents/categories")
        #expect(read["tv"]?["savePath"]?.text == "/tv")
    }

    @Test("No member of an answer comes twice")
    func noRepeatedMembers() {
        for names in [
            torrentFields.map(\.name), serverStateFields.map(\.name), preferenceFields.map(\.name),
            facadeTable.map(\.name),
        ] {
            #expect(Set(names).count == names.count)
        }
    }
}
