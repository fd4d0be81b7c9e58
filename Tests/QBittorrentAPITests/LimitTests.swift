import HTTPFetching
import SwarmTypes
import Testing

@testable import QBittorrentAPI

@Suite struct LimitTests {
    @Test(
        "Every spelling of a limit has one meaning",
        arguments: [
            (-1, nil), (0, nil), (-5, nil), (1, 1), (20480, 20480), (2_147_483_646, 2_147_483_646),
            (2_147_483_647, nil),
            (99_999_999_999, nil),
        ] as [(Int64, Int64?)])
    func spellings(written: Int64, expected: Int64?) {
        #expect(LimitSpelling.limit(from: written).rate?.bytesPerSecond == expected)
    }

    @Test(
        "A limit that qBittorrent would take for another is not sent",
        arguments: [
            0, 2_147_483_647, 99_999_999_999, Int64.max,
        ])
    func outOfRange(rate: Int64) async {
        let fake = FakeQBittorrent(torrents: 1)
        let (client, server) = makeClient(fake)
        await #expect(throws: ClientFailure.limitOutOfRange(bytesPerSecond: rate)) {
            try await client.setUploadLimit(.bytesPerSecond(rate), of: Array(fake.all.keys))
        }
        #expect(server.requests.isEmpty)
    }

    @Test("Limits go out in batches of 5,000 and are read back in batches of 20,000")
    func batches() async throws {
        let fake = FakeQBittorrent(torrents: 21_000)
        let (client, server) = makeClient(fake)
        let ids = fake.all.keys.sorted()
        try await client.setUploadLimit(.bytesPerSecond(12_345), of: ids)
        #expect(server.count("torrents/setUploadLimit") == 5)
        #expect(fake.all.values.allSatisfy { $0.limit == 12_345 })
        let read = try await client.readLimits(of: ids)
        #expect(server.count("torrents/uploadLimit") == 2)
        #expect(read.map(\.id) == ids)
        #expect(read.allSatisfy { $0.limit == .bytesPerSecond(12_345) })

        try await client.setUploadLimit(.unlimited, of: [ids[3]])
        #expect(server.requests.last?.parameters["limit"] == "0")
        #expect(try await client.readLimits(of: [ids[3]]).first?.limit == .unlimited)
        try await client.setUploadLimit(.unlimited, of: [])
    }

    @Test("The table shows a limit once it was read back, not when it was sent")
    func tableFollowsReadBack() async throws {
        let fake = FakeQBittorrent(torrents: 1)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let id = try #require(fake.all.keys.first)
        try await client.setUploadLimit(.bytesPerSecond(5000), of: [id])
        #expect(client.table.row(of: id)?.uploadLimit == .unlimited)
        _ = try await client.readLimits(of: [id])
        #expect(client.table.row(of: id)?.uploadLimit == .bytesPerSecond(5000))
    }

    @Test("-1 is a torrent never limited if qBittorrent lists it, else a torrent that is gone")
    func doubtful() async throws {
        let fake = FakeQBittorrent(torrents: 3)
        let (client, server) = makeClient(fake)
        let ids = fake.all.keys.sorted()
        fake.all[ids[0]]?.limit = -1
        fake.all[ids[1]] = nil
        let read = try await client.readLimits(of: ids)
        #expect(read.map(\.id) == [ids[0], ids[2]])
        #expect(read.allSatisfy { $0.limit == .unlimited })
        #expect(server.paths.suffix(2) == ["torrents/uploadLimit", "torrents/info"])
    }

    @Test(
        "A failed read of limits throws and changes nothing",
        arguments: [
            Answer.status(500), .status(200, "<html>"), .status(200, "{\"a\":"), .status(200, "[]"),
            .status(200, ""),
        ])
    func failedRead(fault: Answer) async throws {
        let fake = FakeQBittorrent(torrents: 2)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        let before = summaries(client.table)
        fake.change { $0.faults["torrents/uploadLimit"] = [fault] }
        await #expect(throws: ClientFailure.self) { try await client.readLimits(of: Array(fake.all.keys)) }
        #expect(summaries(client.table) == before)
    }

    @Test(
        "A closed connection is tried once more, another failure is not",
        arguments: [
            (FetchFailure.other(code: 55, message: "send"), 2), (.truncated, 2),
            (.timedOut(afterSeconds: 1), 1),
            (.connectionRefused, 1),
        ])
    func retries(failure: FetchFailure, attempts: Int) async throws {
        let fake = FakeQBittorrent(torrents: 1)
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        let ids = Array(fake.all.keys)
        fake.change {
            $0.faults["torrents/setUploadLimit"] = [.failure(failure), .failure(failure), .failure(failure)]
        }
        await #expect(throws: ClientFailure.self) {
            try await client.setUploadLimit(.bytesPerSecond(9), of: ids)
        }
        #expect(server.count("torrents/setUploadLimit") == attempts)
        fake.change { $0.faults["torrents/setUploadLimit"] = [.failure(.truncated)] }
        try await client.setUploadLimit(.bytesPerSecond(9), of: ids)
        #expect(fake.all[ids[0]]?.limit == 9)
    }
}
