import SwarmTypes
import Testing

@testable import QBittorrentAPI

/// Against the qbittorrent-nox of this system; Debian 12 has 4.5.2. Without one these tests fail and say so.
@Suite(.serialized, .timeLimit(.minutes(4))) struct RealServerTests {
    private static let announces = [
        "--announce", "http://127.0.0.1:9/{n}/announce?passkey=a%20b,udp://127.0.0.1:9/announce",
        "--announce",
        "http://[::1]:9/announce",
    ]

    @Test("Login, versions, both depths of poll, trackers and preferences of a public and a private torrent")
    func reads() async throws {
        for kind in ["--no-login", "--public"] {
            let server = try await RealQBittorrent(
                "--torrents", "30", "--peer-exchange", kind, Self.announces[0], Self.announces[1],
                Self.announces[2],
                Self.announces[3])
            let client = server.client()
            let first = try await client.poll()
            #expect(first.added.count == 30 && first.malformedRows == 0 && first.isComplete)
            #expect(client.version == server.description.version)
            #expect(client.webAPIVersion == WebAPIVersion(text: server.description.api))
            let expected: Set = ["http://[::1]:9/announce", "udp://127.0.0.1:9/announce"]
            for row in client.table.rows {
                #expect(row.uploadLimit == .unlimited && row.activity == .canUpload && row.isComplete)
                let urls = Set(client.table.trackers(of: row))
                #expect(urls.count == 3 && urls.isSuperset(of: expected))
                #expect(urls.contains { $0.hasSuffix("/announce?passkey=a%20b") })
            }
            let row = try #require(client.table.rows.first)
            let entries = try #require(try await client.trackers(of: row.id))
            #expect(Set(entries.map(\.url)) == Set(client.table.trackers(of: row)))
            #expect(try await client.trackers(of: FakeTorrent(1).id) == nil)
            let details = try await client.details(of: [row.id, FakeTorrent(1).id])
            #expect(details.map(\.name) == ["payload.bin"])
            #expect(details.first?.sizeBytes == 16384)

            let preferences = try await client.preferences()
            #expect(preferences.globalUploadLimit == .unlimited && preferences.limitsLocalPeers != nil)
            #expect(
                preferences.onCompletion?.isEnabled == false
                    && preferences.refreshIntervalMilliseconds ?? 1500 == 1500)
            let hook = Autorun(
                isEnabled: true, commandLine: "curl --data-urlencode \"hash=%I\" 'http://é/?a&b=+'")
            try await client.setAutorun(onCompletion: hook)
            #expect(try await client.preferences().onCompletion == hook)
            #expect(try await client.transferInfo().globalUploadLimit == .unlimited)

            let later = try await client.poll()
            #expect(!later.restarted && later.removed.isEmpty && later.calls <= 2)
            #expect(try await client.poll(.full).isComplete)
            #expect(client.table.count == 30)
        }
    }

    @Test("A wrong password costs one failed login, which does not ban; a sixth failure would")
    func ban() async throws {
        let server = try await RealQBittorrent()
        let wrong = server.client(credentials: .password(user: "admin", password: "wrong"))
        for _ in 0..<8 { await #expect(throws: ClientFailure.wrongCredentials) { try await wrong.poll() } }
        #expect(try await server.client().poll().isComplete)

        for _ in 0..<5 {
            wrong.permitLogin()
            await #expect(throws: ClientFailure.wrongCredentials) { try await wrong.poll() }
        }
        await #expect(throws: ClientFailure.banned) { try await server.client().poll() }
    }

    @Test("The limits of 5,000 torrents are set and read back, and every spelling is understood")
    func limits() async throws {
        let server = try await RealQBittorrent("--torrents", "5000")
        let client = server.client()
        _ = try await client.poll()
        let ids = client.table.rows.map(\.id)
        #expect(ids.count == 5000)

        try await client.setUploadLimit(.bytesPerSecond(123_457), of: ids)
        let read = try await client.readLimits(of: ids + [FakeTorrent(1).id])
        #expect(read.map(\.id) == ids)
        #expect(read.allSatisfy { $0.limit == .bytesPerSecond(123_457) })
        #expect(client.table.rows.allSatisfy { $0.uploadLimit == .bytesPerSecond(123_457) })

        let known = ids[0]
        try await server.client().setUploadLimit(.bytesPerSecond(77), of: [known])
        _ = try await client.poll(hints: [known])
        #expect(client.table.row(of: known)?.uploadLimit == .bytesPerSecond(77))

        for limit in [1, 2_147_483_646] as [Int64] {
            try await client.setUploadLimit(.bytesPerSecond(limit), of: [known])
            #expect(try await client.readLimits(of: [known]).first?.limit == .bytesPerSecond(limit))
        }
        try await client.setUploadLimit(.unlimited, of: [known, FakeTorrent(1).id])
        #expect(try await client.readLimits(of: [known]).first?.limit == .unlimited)
        _ = try await client.poll(.full)
        #expect(client.table.row(of: known)?.uploadLimit == .unlimited)
        #expect(client.table.row(of: ids[1])?.uploadLimit == .bytesPerSecond(123_457))
    }

    @Test(
        "A killed and restarted qBittorrent is noticed in the next poll, with the limits it then has",
        arguments: ["kill", "restart"])
    func restart(how: String) async throws {
        let server = try await RealQBittorrent("--torrents", "50")
        let client = server.client()
        _ = try await client.poll()
        let ids = client.table.rows.map(\.id)
        try await client.setUploadLimit(.bytesPerSecond(50_000), of: ids)
        _ = try await client.readLimits(of: ids)
        try await server.command(how)
        let report = try await client.poll()
        #expect(report.restarted && report.isComplete)
        let table = client.table.rows.map(\.uploadLimit)
        #expect(try await client.readLimits(of: ids).map(\.limit) == table)
        #expect(try await client.poll().restarted == false)
    }
}
