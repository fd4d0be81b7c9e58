import HTTPFetching
import SwarmTypes
import Testing

@testable import QBittorrentAPI

@Suite struct LoginTests {
    @Test(
        "One login serves all calls, whatever the cookie is called",
        arguments: ["SID", "QBT_SID_8080", "custom"])
    func keepsCookie(name: String) async throws {
        let fake = FakeQBittorrent(torrents: 1)
        fake.change {
            $0.cookieName = name
            $0.answersByStatus = name != "SID"
        }
        let (client, server) = makeClient(fake)
        for _ in 0..<3 { _ = try await client.poll() }
        #expect(server.count("auth/login") == 1)
        #expect(server.requests.last?.header("Cookie")?.hasPrefix("\(name)=") == true)
        #expect(server.requests.first?.parameters == ["username": "admin", "password": "secret"])
        #expect(client.version == "v4.5.2")
        #expect(client.webAPIVersion == WebAPIVersion(2, 8, 19))
    }

    @Test(
        "A wrong password is tried once, and not again before the credentials change",
        arguments: [false, true])
    func wrongPassword(byStatus: Bool) async throws {
        let fake = FakeQBittorrent(torrents: 1)
        fake.change { $0.answersByStatus = byStatus }
        let (client, server) = makeClient(fake, credentials: .password(user: "admin", password: "wrong"))
        for _ in 0..<10 {
            await #expect(throws: ClientFailure.wrongCredentials) { try await client.poll() }
            await #expect(throws: ClientFailure.wrongCredentials) { try await client.preferences() }
        }
        #expect(server.count("auth/login") == 1)
        #expect(client.credentialsRefused)

        client.use(.password(user: "admin", password: "wrong"))
        await #expect(throws: ClientFailure.wrongCredentials) { try await client.poll() }
        #expect(server.count("auth/login") == 1)

        client.use(.password(user: "admin", password: "secret"))
        #expect(!client.credentialsRefused)
        #expect(try await client.poll().added.count == 1)
    }

    @Test("A refusal from before a restart of Weir is remembered; one more try can be permitted")
    func rememberedRefusal() async throws {
        let fake = FakeQBittorrent()
        let server = ScriptedServer { fake.answer($0) }
        let client = QBittorrentClient(
            fetcher: server, address: ServerAddress(host: "h"),
            credentials: .password(user: "a", password: "secret"), credentialsRefused: true)
        await #expect(throws: ClientFailure.wrongCredentials) { try await client.poll() }
        #expect(server.requests.isEmpty)
        client.permitLogin()
        _ = try await client.poll()
    }

    @Test("A ban is its own failure, and does not make the credentials wrong")
    func banned() async throws {
        let fake = FakeQBittorrent()
        let (client, _) = makeClient(fake)
        fake.change { $0.faults["auth/login"] = [.status(403, "Your IP address has been banned")] }
        await #expect(throws: ClientFailure.banned) { try await client.poll() }
        #expect(!client.credentialsRefused)
        _ = try await client.poll()
    }

    @Test("A 401 for every call is a refused Host header, not a wrong password")
    func refusedHost() async throws {
        let server = ScriptedServer { _ in .status(401, "Unauthorized") }
        let client = QBittorrentClient(
            fetcher: server, address: ServerAddress(host: "h"),
            credentials: .password(user: "a", password: "b"))
        await #expect(throws: ClientFailure.rejected(status: 401, endpoint: .login)) {
            try await client.poll()
        }
        #expect(!client.credentialsRefused)
    }

    @Test("An ended session costs one login and one repetition")
    func endedSession() async throws {
        let fake = FakeQBittorrent(torrents: 2)
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        fake.restart()
        server.forget()
        let id = try #require(fake.all.keys.first)
        try await client.setUploadLimit(.bytesPerSecond(5000), of: [id])
        #expect(server.paths == ["torrents/setUploadLimit", "auth/login", "torrents/setUploadLimit"])
        #expect(fake.all[id]?.limit == 5000)
    }

    @Test("A call that stays forbidden after a login is rejected, without a loop of logins")
    func stillForbidden() async throws {
        let server = ScriptedServer { request in
            request.action == "auth/login" ? .status(200, "Ok.") : .status(403)
        }
        let client = QBittorrentClient(
            fetcher: server, address: ServerAddress(host: "h"),
            credentials: .password(user: "a", password: "b"))
        await #expect(throws: ClientFailure.rejected(status: 403, endpoint: .webAPIVersion)) {
            try await client.poll()
        }
        #expect(server.count("auth/login") == 2)
        #expect(!client.credentialsRefused)
    }

    @Test("A password that was changed in qBittorrent is noticed with one failed login")
    func passwordChanged() async throws {
        let fake = FakeQBittorrent()
        let (client, server) = makeClient(fake)
        _ = try await client.poll()
        fake.restart()
        fake.change { $0.password = "other" }
        for _ in 0..<5 { await #expect(throws: ClientFailure.wrongCredentials) { try await client.poll() } }
        #expect(server.count("auth/login") == 2)
    }

    @Test("An API key goes with every call, without a login")
    func apiKey() async throws {
        let fake = FakeQBittorrent(api: "2.15.1", torrents: 1)
        fake.change { $0.apiKey = "qbt_key" }
        let (client, server) = makeClient(fake, credentials: .apiKey("qbt_key"))
        #expect(try await client.poll().isComplete)
        #expect(server.requests.allSatisfy { $0.header("Authorization") == "Bearer qbt_key" })
        #expect(server.paths == ["app/webapiVersion", "app/version", "transfer/info", "torrents/info"])
        #expect(!client.usesDifferences)

        client.use(.apiKey("wrong"))
        await #expect(throws: ClientFailure.wrongCredentials) { try await client.poll() }
    }

    @Test("Where no login is needed any credentials work, and none")
    func noLoginNeeded() async throws {
        for credentials in [Credentials.none, .password(user: "a", password: "wrong")] {
            let fake = FakeQBittorrent(torrents: 1)
            fake.change { $0.needsLogin = false }
            let (client, _) = makeClient(fake, credentials: credentials)
            #expect(try await client.poll().added.count == 1)
            #expect(try await client.poll().restarted == false)
        }
    }

    @Test(
        "Another server at the address is named as such",
        arguments: [
            (200, "<html>Welcome to nginx</html>"), (404, "Not Found"), (302, ""),
        ])
    func notQBittorrent(status: Int, body: String) async {
        let server = ScriptedServer { _ in .status(status, body) }
        let client = QBittorrentClient(
            fetcher: server, address: ServerAddress(host: "h"),
            credentials: .password(user: "a", password: "b"))
        do {
            _ = try await client.poll()
            Issue.record("taken for qBittorrent")
        } catch {
            guard case .notQBittorrent = error else {
                Issue.record("\(error)")
                return
            }
        }
        #expect(!client.credentialsRefused)
    }

    @Test("No description shows a secret")
    func secrets() {
        for credentials in [Credentials.password(user: "u", password: "s3cret"), .apiKey("s3cret")] {
            var dumped = ""
            dump(credentials, to: &dumped)
            for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
                #expect(!text.contains("s3cret"))
            }
        }
    }

    @Test(
        "Addresses become URLs",
        arguments: [
            (ServerAddress(host: "nas"), "http://nas/api/v2/"),
            (
                ServerAddress(scheme: .https, host: "::1", port: 8443, basePath: "qb/"),
                "https://[::1]:8443/qb/api/v2/"
            ),
            (ServerAddress(host: "[::1]", port: 80, basePath: "/a/b"), "http://[::1]:80/a/b/api/v2/"),
            (ServerAddress(host: "h", basePath: "/"), "http://h/api/v2/"),
        ])
    func addresses(address: ServerAddress, root: String) { #expect(address.root == root) }

    @Test("Versions of two, three and four parts are read, other texts are none")
    func versionTexts() {
        #expect(WebAPIVersion(text: "2.2") == WebAPIVersion(2, 2, 0))
        #expect(WebAPIVersion(text: "v2.8.19\n") == WebAPIVersion(2, 8, 19))
        #expect(WebAPIVersion(text: "2.11.4.1") == WebAPIVersion(2, 11, 4))
        for text in ["", "2", "2.", "2.x", "<html>", "2.99999999999999999999", "-2.1", "2..1"] {
            #expect(WebAPIVersion(text: text) == nil, "\(text)")
        }
        #expect(WebAPIVersion(2, 8, 19) < .cheapDifferences)
        #expect(WebAPIVersion(2, 11) > .cheapDifferences)
    }
}
