import ConfigFile
import NoticePolicy
import SwarmTypes
import Testing

@testable import WeirSettings

@Suite("The sections server and notifications")
struct ServerSettingsTests {
    private let trackers = """
        qbittorrent: {url: "http://127.0.0.1:1", username: a, password: b}
        trackers: [{id: rest, pattern: ".*", max_upload_speed: -1}]

        """

    private func loaded(_ text: String, environment: [String: String] = [:]) throws -> Settings {
        try load(self.trackers + text, environment: environment).settings
    }

    private func problems(_ text: String) -> String {
        do {
            _ = try load(self.trackers + text)
            return ""
        } catch { return "\(error)" }
    }

    @Test("A base path has one spelling", arguments: ["weir", "/weir", "/weir/", "//weir//"])
    func basePath(text: String) throws {
        #expect(try self.loaded("server: {base_path: \"\(text)\"}").server.basePath == "/weir")
    }

    @Test("No base path is none", arguments: ["\"\"", "/"])
    func noBasePath(text: String) throws {
        #expect(try self.loaded("server: {base_path: \(text)}").server.basePath == "")
        #expect(try self.loaded("server: {base_path: a/b-c}").server.basePath == "/a/b-c")
    }

    @Test(
        "What is no plain path is refused",
        arguments: ["/a/../b", "/.", "/a b", "/ä", "/a%2f", "http://x/", "/a?b"])
    func badBasePath(text: String) {
        #expect(self.problems("server: {base_path: \"\(text)\"}").contains("server.base_path"))
    }

    @Test("Proxies are addresses and networks, also from the environment")
    func proxies() throws {
        let settings = try self.loaded("server: {trusted_proxies: [127.0.0.1, \"fd00::/8\"]}")
        #expect(settings.server.trustedNetworks.count == 2)
        let other = try self.loaded("", environment: ["WEIR_SERVER_TRUSTED_PROXIES": "10.0.0.0/8, ::1"])
        #expect(other.server.trustedProxies == ["10.0.0.0/8", "::1"])
        for text in ["proxy.example", "*", "10.0.0.0/40"] {
            #expect(
                self.problems("server: {trusted_proxies: [\"\(text)\"]}").contains("server.trusted_proxies"))
        }
    }

    @Test("Nobody is told without an address; then everything, unless some events are named")
    func events() throws {
        #expect(!(try self.loaded("").notifications.tells(.rollback)))
        let all = try self.loaded("notifications: {url: \"http://127.0.0.1:1/x\"}").notifications
        #expect(NoticeKind.configurable.allSatisfy(all.tells))
        let some = try self.loaded(
            "notifications: {url: \"http://127.0.0.1:1/x\", events: [disk_full, Rollback]}"
        ).notifications
        #expect(NoticeKind.configurable.filter(some.tells) == [.diskFull, .rollback])
        #expect(self.problems("notifications: {events: [disk_ful]}").contains("notifications.events"))
    }

    @Test("The secret comes from a file as well, and neither it nor the address is ever shown")
    func secrets() throws {
        var environment = ConfigEnvironment(variables: ["WEIR_NOTIFICATIONS_SECRET_FILE": "/run/secret"])
        environment.readSecret = { _ in Array("canary\n".utf8) }
        let text = self.trackers + "notifications: {url: \"https://h.example/api/canary\", format: discord}"
        let settings = try Settings.load(Array(text.utf8), fileName: "f", environment: environment).settings
        #expect(settings.notifications.secret == "canary")
        #expect(!settings.printed().contains("canary"))
        #expect(settings.printed(masked: false).contains("canary"))
        #expect(!self.problems("notifications: {url: \"ftp://canary/\"}").contains("canary"))
        #expect(!self.problems("notifications: {url: \"ftp://canary/\"}").isEmpty)
    }

    @Test(
        "A header that belongs to the request itself is refused",
        arguments: ["Host", "content-type", "a b", "x:y", ""])
    func headers(name: String) {
        let isEmpty = name.isEmpty
        #expect(self.problems("notifications: {secret_header: \"\(name)\"}").isEmpty == isEmpty)
    }
}
