import ConfigFile
import Testing

@testable import WeirSettings

private let catchAll = "trackers: [{id: all, pattern: .*, max_upload_speed: -1}]\n"

@Suite("The instances")
struct InstanceSettingsTests {
    @Test("may be several, each with its own name, address and credentials")
    func several() throws {
        let loaded = try Settings.load(
            try sample("several-instances.yaml"), fileName: "s",
            environment: ConfigEnvironment(variables: ["API_KEY": "k"]))
        let instances = loaded.settings.instances
        #expect(instances.map(\.name) == ["attic", "cellar"])
        #expect(
            instances[0].address
                == InstanceAddress(usesTLS: true, host: "fd00::2", port: 443, basePath: "/qbittorrent"))
        #expect(instances[0].credentials == .apiKey("0123456789"))
        #expect(instances[0].tls.caFile == "/etc/weir/attic.pem")
        #expect(instances[1].address.url == "http://[::1]:8082")
        #expect(instances[1].credentials == .login(username: "admin", password: "pass${word}"))
        #expect(loaded.origins["qbittorrent[1].port"]?.description == "s:22")
        #expect(loaded.warnings == [])
    }

    @Test("may be none where nobody needs them, and are read all the same where the file has them")
    func none() throws {
        let file = Array(catchAll.utf8)
        let environment = ConfigEnvironment(variables: ["WEIR_QBITTORRENT_PASSWORD": "p"])
        let loaded = try Settings.load(file, fileName: "f", environment: environment, needsClients: false)
        #expect(loaded.settings.instances.isEmpty)
        #expect(loaded.settings.trackers.map(\.id) == ["all"])
        #expect(loaded.warnings.isEmpty)
        #expect(throws: SettingsFailure.self) {
            try Settings.load(Array("qbittorrent: 5\n".utf8) + file, fileName: "f", needsClients: false)
        }
    }

    @Test(
        "have addresses with scheme, host, port and base path",
        arguments: [
            ("http://a", "http://a:80"), ("https://a/", "https://a:443"), ("HTTP://a:8080", "http://a:8080"),
            ("http://[::1]", "http://[::1]:80"),
            ("https://[fe80::1%eth0]:1/x/y//", "https://[fe80::1%eth0]:1/x/y"),
            ("http://10.0.0.1:1/base", "http://10.0.0.1:1/base"),
        ])
    func addresses(text: String, url: String) throws {
        #expect(try InstanceAddress(url: text).url == url)
        #expect(try InstanceAddress(url: url).url == url)
    }

    @Test(
        "have no other addresses",
        arguments: [
            "", "a", "a:8080", "ftp://a", "http://", "http:///x", "http://u@a", "http://u:p@a", "http://a?x",
            "http://a#x",
            "http://a b", "http://a:0", "http://a:65536", "http://a:", "http://a:x", "http://[::1",
            "http://[::1]x",
            "http://[a]", "http://::1", "http://a:+1", "http://ä", "http://a:٣",
        ])
    func wrongAddresses(text: String) {
        #expect(throws: InstanceAddress.Fault.self) { try InstanceAddress(url: text) }
    }

    @Test("need one way to log in, and one address")
    func conflicts() {
        func kinds(_ instance: String) -> [String] {
            problems("qbittorrent: \(instance)\n" + catchAll).map { "\($0.key) \($0.kind.rawValue)" }
        }
        #expect(kinds("{}") == ["qbittorrent.username missing", "qbittorrent.password missing"])
        #expect(kinds("{username: u}") == ["qbittorrent.password missing"])
        #expect(kinds("{api_key: k}") == [])
        #expect(kinds("{api_key: k, username: u, password: p}") == ["qbittorrent.api_key conflict"])
        #expect(kinds("{api_key: k, url: 'http://a', port: 1}") == ["qbittorrent.port conflict"])
        #expect(kinds("{username: u, password: ''}") == ["qbittorrent.password doubtful"])
        #expect(kinds("{api_key: k, host: 'http://a'}") == ["qbittorrent.host wrong_value"])
        #expect(kinds("{api_key: k, tls: {verify: no}}") == ["qbittorrent.tls.verify doubtful"])
        #expect(
            kinds("[{name: a-b, api_key: k}, {name: A_B, api_key: k}]") == [
                "qbittorrent[1].name duplicate_name"
            ])
        #expect(kinds("[{api_key: k}, {api_key: k}]") == ["qbittorrent[1].name duplicate_name"])
    }
}
