import ConfigFile
import Testing

@testable import WeirSettings

private let catchAll = "trackers: [{id: all, pattern: .*, max_upload_speed: -1}]\n"

@Suite("Where a value comes from")
struct PrecedenceTests {
    private let secrets: @Sendable (String) throws(FileReadFailure) -> [UInt8] = {
        path throws(FileReadFailure) in
        guard path == "/run/secrets/port" else { throw .unreadable(errno: 2) }
        return Array("8004\n".utf8)
    }

    @Test("is the flag, else the file a variable names, else the variable, else the file, else the default")
    func precedence() throws {
        let port = "WEIR_GLOBAL_PORT"
        let file = "global: {port: 8002}\n" + smallest
        func load(
            _ text: String, _ variables: [String: String] = [:], flags: [String: FlagValue] = [:]
        ) throws -> (Int, String) {
            let environment = ConfigEnvironment(variables: variables, readSecret: self.secrets)
            let loaded = try Settings.load(
                Array(text.utf8), fileName: "f", environment: environment, flags: flags)
            return (loaded.settings.global.port, loaded.origins["global.port"]?.description ?? "")
        }
        #expect(try load(smallest) == (8089, "default"))
        #expect(try load(file) == (8002, "f:1"))
        #expect(try load(file, [port: ""]) == (8002, "f:1"))
        #expect(try load(file, [port: "8003"]) == (8003, "environment WEIR_GLOBAL_PORT"))
        let both = [port: "8003", "WEIR_GLOBAL_PORT_FILE": "/run/secrets/port"]
        #expect(try load(file, both) == (8004, "environment WEIR_GLOBAL_PORT_FILE"))
        let flags = ["global.port": FlagValue(flag: "--port", text: "8005")]
        #expect(try load(file, both, flags: flags) == (8005, "--port"))
    }

    @Test("is a variable for every section, nested keys and lists included")
    func everySection() throws {
        let loaded = try load(
            catchAll,
            environment: [
                "WEIR_GLOBAL_ALLOWED_HOSTS": "a.example, b.example", "WEIR_GLOBAL_DRY_RUN": "yes",
                "WEIR_QBITTORRENT_USERNAME": "u", "WEIR_QBITTORRENT_PASSWORD": "p ${x}",
                "WEIR_QBITTORRENT_URL": "https://a", "WEIR_QBITTORRENT_TLS_CA_FILE": "/ca.pem",
                "WEIR_CROSS_SEED_API_KEY": "k", "WEIR_ROLLBACK_DATABASE_PATH": "/d",
                "WEIR_LOGGING_LEVEL": "debug",
            ])
        #expect(loaded.settings.global.allowedHosts == ["a.example", "b.example"])
        #expect(loaded.settings.global.isDryRun)
        #expect(loaded.settings.instances[0].credentials == .login(username: "u", password: "p ${x}"))
        #expect(loaded.settings.instances[0].address.url == "https://a:443")
        #expect(loaded.settings.instances[0].tls.caFile == "/ca.pem")
        #expect(loaded.settings.crossSeed.apiKey == "k")
        #expect(loaded.settings.rollback.databasePath == "/d")
        #expect(loaded.settings.logging.level == .debug)
        #expect(loaded.warnings == [])
    }

    @Test("is a variable with the instance's name where there are several")
    func severalInstances() throws {
        let text = "qbittorrent: [{name: attic, username: u}, {name: the cellar, username: u}]\n" + catchAll
        let loaded = try load(
            text,
            environment: [
                "WEIR_QBITTORRENT_ATTIC_PASSWORD": "one", "WEIR_QBITTORRENT_THE_CELLAR_PASSWORD": "two",
            ])
        #expect(loaded.settings.instances.map(\.password) == ["one", "two"])
        let wrong = problems(text, environment: ["WEIR_QBITTORRENT_PASSWORD": "one"])
        #expect(wrong.map(\.kind) == [.unknownKey, .missing, .missing])
    }

    @Test("is never a variable that names no key, nor a file that cannot be read: both are told of")
    func wrongVariables() throws {
        let loaded = try load(
            smallest, environment: ["WEIR_GLOBAL_PROT": "1", "WEIR_CONFIG": "x", "OTHER": "y"])
        #expect(
            loaded.warnings.map(\.description) == [
                "environment variable WEIR_GLOBAL_PROT: warning: it names no setting and is ignored; "
                    + "did you mean WEIR_GLOBAL_PORT?"
            ])
        let unreadable = problems(smallest, environment: ["WEIR_GLOBAL_PORT_FILE": "/nonexistent/port"])
        #expect(unreadable.map(\.kind) == [.unreadableFile])
        let wrong = problems(smallest, environment: ["WEIR_GLOBAL_PORT": "x"])
        #expect(wrong.first?.description.hasPrefix("environment variable WEIR_GLOBAL_PORT: error: ") == true)
        #expect(throws: SettingsFailure.self) {
            try load(smallest, flags: ["global.prot": FlagValue(flag: "--prot", text: "1")])
        }
    }
}
