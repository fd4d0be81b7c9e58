import HTTPFetching
import SwarmTypes
import TestKit
import Testing

@testable import QBittorrentAPI

@Suite struct PollTests {
    @Test("The first poll reads everything with four calls, the next ones take one", arguments: versions)
    func calls(api: String) async throws {
        let fake = FakeQBittorrent(api: api, torrents: 300)
        let (client, server) = makeClient(fake)
        let first = try await client.poll()
        #expect(first.isComplete && !first.restarted)
        #expect(first.added.count == 300)
        #expect(first.calls == 4)
        #expect(summaries(client.table) == summaries(fake))
        server.forget()
        for _ in 0..<3 {
            let report = try await client.poll()
            #expect(report.calls == 1 && !report.isComplete && report.added.isEmpty && report.removed.isEmpty)
        }
        #expect(server.paths.allSatisfy { $0 == (api == versions[0] ? "torrents/info" : "sync/maindata") })
        #expect(try await client.poll(.full).isComplete)
        #expect(client.calls[.login]?.calls == 1)
    }

    @Test("Through any changes the table is what qBittorrent has", arguments: 0..<200 as Range<UInt64>)
    func followsChanges(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let fake = FakeQBittorrent(
            api: versions[Int(seed % 2)], torrents: Int.random(in: 0...30, using: &random))
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        var nextNumber = 1000
        for _ in 0..<12 {
            var torrents = fake.all
            for id in torrents.keys.sorted() where Int.random(in: 0...3, using: &random) == 0 {
                torrents[id]?.mutate(using: &random)
            }
            if Bool.random(using: &random), let gone = torrents.keys.sorted().randomElement(using: &random) {
                torrents[gone] = nil
            }
            if Bool.random(using: &random) {
                let torrent = FakeTorrent(nextNumber)
                nextNumber += 1
                torrents[torrent.id] = torrent
            }
            fake.all = torrents
            // By lists of active torrents only a full poll, or a hint, shows the changes of idle ones.
            let isCheap = client.usesDifferences && Int.random(in: 0...3, using: &random) > 0
            let hints = Bool.random(using: &random) ? Array(torrents.keys.sorted().prefix(3)) : []
            _ = try await client.poll(isCheap ? .cheap : .full, hints: hints)
            #expect(summaries(client.table) == summaries(fake))
        }
    }

    @Test(
        "Any failure of a poll throws, leaves the table as it was, and the next poll misses nothing",
        arguments: versions)
    func failures(api: String) async throws {
        let faults: [Answer] = [
            .status(500), .status(502, "<html>Bad Gateway</html>"), .status(503),
            .status(200, "<html><body>Please log in</body></html>"), .status(200, ""),
            .status(200, "[{\"hash\":"), .status(200, "{\"rid\":3,\"torrents\":{\"aa"),
            .status(200, "[] trailing"), .status(200, "{} trailing"), .status(200, "null"),
            .status(200, String(repeating: "garbage ", count: 650_000)),
            .status(200, String(repeating: "[", count: 5_000_000)),
            .cutAfter(100, FetchResponse(status: 200)), .failure(.timedOut(afterSeconds: 30)),
            .failure(.connectionRefused), .failure(.untrusted("self-signed")), .status(401),
            .status(302), .failure(.bodyTooLong(maximum: 5)), .failure(.cancelled),
        ]
        let fake = FakeQBittorrent(api: api, torrents: 50)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        var random = SplitMix64(seed: 1)
        for fault in faults {
            let before = summaries(client.table)
            for id in fake.all.keys.sorted().prefix(20) { fake.all[id]?.mutate(using: &random) }
            let action = client.usesDifferences ? "sync/maindata" : "torrents/info"
            // Twice, because one closed connection is forgiven.
            fake.change { $0.faults[action] = [fault, fault] }
            await #expect(throws: ClientFailure.self, "\(fault)") { try await client.poll() }
            #expect(summaries(client.table) == before)
            fake.change { $0.faults = [:] }
            _ = try await client.poll(client.usesDifferences ? .cheap : .full)
            #expect(summaries(client.table) == summaries(fake))
        }
    }

    @Test(
        "Differences that were sent but did not arrive are not lost",
        arguments: [
            Answer.cutAfter(40, FetchResponse(status: 200)), .cutAfter(0, FetchResponse(status: 200)),
        ])
    func lostDifferences(fault: Answer) async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 5)
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        let id = try #require(fake.all.keys.first)
        fake.all[id]?.limit = 4321
        fake.change { $0.faults["sync/maindata"] = [fault] }
        await #expect(throws: ClientFailure.self) { try await client.poll() }
        let report = try await client.poll()
        #expect(report.isComplete && !report.restarted)
        #expect(client.table.row(of: id)?.uploadLimit == .bytesPerSecond(4321))
        #expect(server.requests.last { $0.action == "sync/maindata" }?.parameters["rid"] == "0")
    }

    @Test("A connection that was closed while idle costs a complete read, not a poll")
    func idleConnection() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 5)
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        fake.change { $0.faults["sync/maindata"] = [.failure(.other(code: 52, message: "empty reply"))] }
        let report = try await client.poll()
        #expect(report.isComplete && !report.restarted)
        #expect(server.requests.suffix(2).map { $0.parameters["rid"] } == ["1", "0"])
    }

    @Test("One malformed torrent is counted and stays as it was; the others are read", arguments: versions)
    func malformedRow(api: String) async throws {
        let fake = FakeQBittorrent(api: api, torrents: 3)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let ids = fake.all.keys.sorted()
        let broken = "\"up_limit\":\"many\",\"uploaded\":7"
        let good = "\"num_leechs\":77"
        if client.usesDifferences {
            fake.change {
                $0.faults["sync/maindata"] = [
                    .status(
                        200,
                        "{\"rid\":9,\"torrents\":{\"\(ids[0])\":{\(broken)},\"\(ids[1])\":{\(good)},\"xyz\":{}}}"
                    )
                ]
            }
        } else {
            fake.change {
                $0.faults["torrents/info"] = [
                    .status(
                        200,
                        "[{\"hash\":\"\(ids[0])\",\(broken)},{\"hash\":\"\(ids[1])\",\(good)},{\"hash\":5}]")
                ]
            }
        }
        let report = try await client.poll(client.usesDifferences ? .cheap : .full)
        #expect(report.malformedRows == 2)
        #expect(report.removed.isEmpty)
        #expect(client.table.row(of: ids[0])?.uploaded == 1000)
        #expect(client.table.row(of: ids[1])?.leeches == 77)
        #expect(client.table.count == 3)
    }

    @Test("A complete answer whose list is no list empties nothing")
    func listOfWrongKind() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 3)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        fake.change {
            $0.faults["sync/maindata"] = [.status(200, "{\"rid\":9,\"full_update\":true,\"torrents\":[1]}")]
        }
        let report = try await client.poll(.full)
        #expect(report.malformedRows == 1)
        #expect(client.table.count == 3)
    }

    @Test("Torrents that cease to be active are read once more", arguments: [false, true])
    func leavers(isRemoved: Bool) async throws {
        let fake = FakeQBittorrent(api: "2.8.19", torrents: 4)
        let ids = fake.all.keys.sorted()
        fake.all[ids[0]]?.upspeed = 5000
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        #expect(client.table.row(of: ids[0])?.uploadRate == ByteRate(bytesPerSecond: 5000))
        if isRemoved {
            fake.all[ids[0]] = nil
        } else {
            fake.all[ids[0]]?.upspeed = 0
            fake.all[ids[0]]?.uploaded = 9000
            fake.all[ids[0]]?.state = "pausedUP"
        }
        let report = try await client.poll()
        #expect(report.calls == 2)
        #expect(report.removed == (isRemoved ? [ids[0]] : []))
        #expect(summaries(client.table) == summaries(fake))
        if !isRemoved { #expect(client.table.row(of: ids[0])?.uploadedSincePoll == 8000) }
        server.forget()
        _ = try await client.poll()
        #expect(server.paths == ["torrents/info"])
        #expect(client.table.rows.allSatisfy { $0.uploadedSincePoll == 0 })
    }

    @Test("A hint brings in an idle newcomer, and takes out a torrent that is gone", arguments: versions)
    func hints(api: String) async throws {
        let fake = FakeQBittorrent(api: api, torrents: 2)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let new = FakeTorrent(50)
        let gone = try #require(fake.all.keys.first)
        fake.all[new.id] = new
        fake.all[gone] = nil
        let report = try await client.poll(hints: [new.id, gone, FakeTorrent(51).id])
        #expect(report.added == [new.id])
        #expect(report.removed == [gone])
        #expect(summaries(client.table) == summaries(fake))
    }

    @Test("Two uninvited complete answers in a row mean a shared session: polls go on by lists")
    func sharedSession() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 3)
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        fake.change { $0.isSessionShared = true }
        #expect(try await client.poll().restarted)
        #expect(client.usesDifferences)
        #expect(try await client.poll().restarted == false)
        #expect(!client.usesDifferences)
        server.forget()
        _ = try await client.poll()
        #expect(server.paths == ["torrents/info"])
    }

    @Test(
        "After a restart everything is read again in the same poll", arguments: versions, ["login", "cookie"])
    func restart(api: String, shownBy: String) async throws {
        let fake = FakeQBittorrent(api: api, torrents: 3)
        fake.change { $0.needsLogin = shownBy == "login" }
        let (client, server) = makeClient(fake)
        for id in fake.all.keys { fake.all[id]?.limit = 9000 }
        _ = try await client.poll()
        // Idle torrents whose limits were lost with the process.
        for id in fake.all.keys { fake.all[id]?.limit = 0 }
        fake.restart()
        fake.change { $0.api = versions.first { $0 != api } ?? "" }
        server.forget()
        let report = try await client.poll()
        #expect(report.restarted && report.isComplete)
        #expect(summaries(client.table) == summaries(fake))
        #expect(server.count("app/webapiVersion") >= 1)
        let next = try await client.poll()
        #expect(!next.restarted)
        #expect(client.usesDifferences == (api == versions[0]))
    }

    @Test("Counters that went back show a restart where the session cannot")
    func restartByCounters() async throws {
        let fake = FakeQBittorrent(api: "2.15.1", torrents: 3)
        fake.change { $0.apiKey = "k" }
        let (client, _) = makeClient(fake, credentials: .apiKey("k"))
        let ids = fake.all.keys.sorted()
        fake.all[ids[1]]?.limit = 9000
        _ = try await client.poll()
        #expect(try await client.poll().restarted == false)
        fake.change { $0.uploadedThisSession = 5 }
        fake.all[ids[1]]?.limit = 0
        let report = try await client.poll()
        #expect(report.restarted && report.isComplete)
        #expect(client.table.row(of: ids[1])?.uploadLimit == .unlimited)
    }

    @Test("The server's own counter going back shows a restart to differences")
    func restartByServerState() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 1)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        fake.change { $0.alltime = 100 }
        let report = try await client.poll()
        #expect(report.restarted && report.isComplete)
        #expect(try await client.poll().restarted == false)
    }

    @Test("A torrent that lost its count of uploaded bytes shows a crash", arguments: versions)
    func restartByTorrent(api: String) async throws {
        let fake = FakeQBittorrent(api: api, torrents: 3)
        let (client, _) = makeClient(fake)
        let ids = fake.all.keys.sorted()
        fake.all[ids[0]]?.upspeed = 100
        _ = try await client.poll()
        fake.all[ids[0]]?.uploaded = 10
        fake.all[ids[1]]?.limit = 9000
        let report = try await client.poll()
        #expect(report.restarted && report.isComplete)
        #expect(client.table.row(of: ids[1])?.uploadLimit == .bytesPerSecond(9000))
        #expect(client.table.row(of: ids[0])?.uploadedSincePoll == 0)
    }

    @Test("Differences where everything was asked for are no answer")
    func differencesFirst() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 3)
        let (client, _) = makeClient(fake)
        fake.change { $0.faults["sync/maindata"] = [.status(200, "{\"rid\":2}")] }
        await #expect(throws: ClientFailure.self) { try await client.poll() }
        #expect(try await client.poll().added.count == 3)
    }

    @Test("Maindata that is behind does not undo a limit that was read back", arguments: PollDepth.allCases)
    func staleLimits(depth: PollDepth) async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 3)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let id = try #require(fake.all.keys.first)
        fake.change { $0.staleLimits = [id: 77] }
        try await client.setUploadLimit(.bytesPerSecond(5000), of: [id])
        _ = try await client.readLimits(of: [id])
        let report = try await client.poll(depth)
        #expect(report.calls == 2)
        #expect(client.table.row(of: id)?.uploadLimit == .bytesPerSecond(5000))
        fake.change { $0.staleLimits = [:] }
        #expect(try await client.poll().calls == 2)
        #expect(try await client.poll().calls == 1)
        #expect(summaries(client.table) == summaries(fake))
    }

    @Test("A limit that another hand set back to what it was makes no difference, and is seen all the same")
    func setBack() async throws {
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 3)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let id = try #require(fake.all.keys.first)
        let before = try #require(client.table.row(of: id)?.uploadLimit)
        try await client.setUploadLimit(.bytesPerSecond(5000), of: [id])
        _ = try await client.readLimits(of: [id])
        #expect(client.table.row(of: id)?.uploadLimit == .bytesPerSecond(5000))
        fake.all[id]?.limit = 0
        _ = try await client.poll()
        #expect(client.table.row(of: id)?.uploadLimit == before)
        #expect(summaries(client.table) == summaries(fake))
    }

    @Test("Polls and calls that overlap wait for each other")
    func overlapping() async throws {
        actor Owner {
            let client: QBittorrentClient
            init(_ server: ScriptedServer) {
                self.client = QBittorrentClient(
                    fetcher: server, address: ServerAddress(host: "h"),
                    credentials: .password(user: "admin", password: "secret"))
            }
            func poll() async throws -> Int { try await self.client.poll(.full).added.count }
            func read(_ id: TorrentID) async throws -> Int {
                try await self.client.readLimits(of: [id]).count
            }
        }
        let fake = FakeQBittorrent(api: "2.11.4", torrents: 20)
        let server = ScriptedServer { fake.answer($0) }
        let owner = Owner(server)
        let id = try #require(fake.all.keys.first)
        let added = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<10 {
                group.addTask { try await owner.poll() }
                group.addTask { try await owner.read(id) - 1 }
            }
            return try await group.reduce(0, +)
        }
        #expect(added == 20)
        #expect(server.count("auth/login") == 1)
    }
}
