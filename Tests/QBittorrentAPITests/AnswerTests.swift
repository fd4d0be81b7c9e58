import HTTPFetching
import SwarmTypes
import Testing

@testable import QBittorrentAPI

/// A client whose every call but the login gets one answer.
private func client(answering body: String, status: Int = 200) -> (QBittorrentClient, ScriptedServer) {
    let server = ScriptedServer(pieceBytes: 3) { request in
        request.action == "auth/login" ? .status(200, "Ok.") : .status(status, body)
    }
    let client = QBittorrentClient(
        fetcher: server, address: ServerAddress(host: "h"), credentials: .password(user: "a", password: "b"))
    return (client, server)
}

private let id = FakeTorrent(1).id

@Suite struct AnswerTests {
    @Test("Trackers come with their state, without the pseudo trackers, in every version's spelling")
    func trackers() async throws {
        let (client, server) = client(
            answering: """
                [{"url":"** [DHT] **","status":2,"tier":""},{"url":"** [PeX] **","status":0,"tier":-1},
                {"url":"http://a","status":2},{"url":"udp://b","status":4},{"url":"http://c","status":"Funktioniert"},
                {"url":"http://d","status":5},{"url":"http://e","status":6},{"url":"http://f","status":99},
                {"url":"http://g","status":0},{"url":"http://h","status":1},{"url":"http://i","status":3,"endpoints":[{}]}]
                """)
        let entries = try await client.trackers(of: id)
        #expect(
            entries == [
                TrackerEntry(url: "http://a", status: .working),
                TrackerEntry(url: "udp://b", status: .notWorking),
                TrackerEntry(url: "http://c", status: .unknown),
                TrackerEntry(url: "http://d", status: .trackerError),
                TrackerEntry(url: "http://e", status: .unreachable),
                TrackerEntry(url: "http://f", status: .unknown),
                TrackerEntry(url: "http://g", status: .disabled),
                TrackerEntry(url: "http://h", status: .notContacted),
                TrackerEntry(url: "http://i", status: .updating),
            ])
        #expect(server.requests.last?.url == "http://h/api/v2/torrents/trackers?hash=\(id.hex)")
    }

    @Test("A torrent that is gone has no trackers, which differs from an answer that failed")
    func goneTorrent() async throws {
        #expect(try await client(answering: "Not Found", status: 404).0.trackers(of: id) == nil)
        await #expect(throws: ClientFailure.serverError(status: 500, endpoint: .trackers)) {
            try await client(answering: "", status: 500).0.trackers(of: id)
        }
        await #expect(throws: ClientFailure.self) { try await client(answering: "[{").0.trackers(of: id) }
    }

    @Test("Preferences are read, absent ones are nil")
    func preferences() async throws {
        let (full, _) = client(
            answering: """
                {"up_limit":122880,"limit_tcp_overhead":false,"limit_lan_peers":true,"limit_utp_rate":true,
                "refresh_interval":1500,"autorun_enabled":true,"autorun_program":"/bin/x \\"%I\\"",
                "autorun_on_torrent_added_enabled":false,"autorun_on_torrent_added_program":"","scan_dirs":{}}
                """)
        let preferences = try await full.preferences()
        #expect(preferences.globalUploadLimit == .bytesPerSecond(122_880))
        #expect(preferences.limitsIncludeOverhead == false && preferences.limitsLocalPeers == true)
        #expect(preferences.refreshIntervalMilliseconds == 1500)
        #expect(preferences.onCompletion == Autorun(isEnabled: true, commandLine: "/bin/x \"%I\""))
        #expect(preferences.onAddition == Autorun(isEnabled: false, commandLine: ""))

        let old = try await client(answering: "{\"up_limit\":0}").0.preferences()
        #expect(old.globalUploadLimit == .unlimited)
        #expect(old.onAddition == nil && old.limitsLocalPeers == nil)
        await #expect(throws: ClientFailure.self) { try await client(answering: "{}").0.preferences() }
    }

    @Test("A hook's command line arrives unharmed, whatever is in it")
    func autorun() async throws {
        let (client, server) = client(answering: "")
        let line = "curl -d \"hash=%I\" 'http://h/?a=1&b=2+3' \\ \u{1} é 😀"
        try await client.setAutorun(onAddition: Autorun(isEnabled: true, commandLine: line))
        let json = try #require(server.requests.last?.parameters["json"])
        #expect(
            json
                == #"{"autorun_on_torrent_added_enabled":true,"autorun_on_torrent_added_program":"curl -d \"hash=%I\" 'http://h/?a=1&b=2+3' \\ \u0001 é 😀"}"#
        )
        let sent = server.requests.count
        try await client.setAutorun()
        #expect(server.requests.count == sent)
    }

    @Test("Transfer figures are read")
    func transfer() async throws {
        let info = try await client(
            answering: "{\"up_info_speed\":12,\"up_info_data\":34,\"up_rate_limit\":2048}"
        ).0.transferInfo()
        #expect(info.uploadRate == ByteRate(bytesPerSecond: 12))
        #expect(info.uploadedThisSession == 34)
        #expect(info.globalUploadLimit == .bytesPerSecond(2048))
    }

    @Test("Details are asked for by hash and come for the torrents there are")
    func details() async throws {
        let fake = FakeQBittorrent(torrents: 3)
        let (client, _) = makeClient(fake)
        let ids = fake.all.keys.sorted()
        let details = try await client.details(of: [ids[0], ids[2], FakeTorrent(99).id])
        #expect(details.map(\.id) == [ids[0], ids[2]])
        #expect(details[0].name == "Name é 1600000000")
        #expect(details[0].tags == ["a", "b"])
        #expect(
            details[0].category == "films" && details[0].savePath == "/data" && details[0].sizeBytes == 16384)
        #expect(try await client.details(of: []).isEmpty)
    }

    @Test("Calls, failures and bytes are counted by endpoint")
    func counting() async throws {
        let fake = FakeQBittorrent(torrents: 2)
        let (client, _) = makeClient(fake)
        _ = try await client.poll()
        fake.change { $0.faults["torrents/info"] = [.status(500, "oops")] }
        await #expect(throws: ClientFailure.self) { try await client.poll() }
        let torrents = try #require(client.calls[.torrents])
        #expect(torrents.calls == 2 && torrents.failures == 1 && torrents.bytes > 500)
        #expect(client.calls[.login]?.calls == 1)
    }

    @Test("A failure's description holds neither password nor passkey nor cookie")
    func descriptions() async throws {
        let bodies = [
            "[{\"hash\":\"s3cret", "<html>s3cret", "{\"tracker\":\"http://t/s3cret/announce\"", "s3cret",
        ]
        for body in bodies {
            let server = ScriptedServer { request in
                request.action == "auth/login"
                    ? .status(200, "Ok.", headers: [("set-cookie", "SID=s3cret")])
                    : request.action == "app/webapiVersion" ? .status(200, "2.8.19") : .status(200, body)
            }
            let client = QBittorrentClient(
                fetcher: server, address: ServerAddress(host: "h"),
                credentials: .password(user: "a", password: "s3cret"))
            do {
                _ = try await client.poll()
                Issue.record("taken")
            } catch {
                #expect(!"\(error) \(String(reflecting: error))".contains("s3cret"))
            }
        }
    }
}
