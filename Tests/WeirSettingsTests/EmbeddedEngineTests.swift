import ConfigFile
import Testing

@testable import WeirSettings

@Suite("Weir's own engine")
struct EmbeddedEngineTests {
    private let catchAll = "trackers: [{id: all, pattern: .*, max_upload_speed: -1}]\n"
    private let client = "qbittorrent: {username: u, password: p}\n"

    @Test("runs where no qBittorrent is named, with one tracker for all where none is")
    func alone() throws {
        for text in ["", "global: {port: 1}\n", self.catchAll, "engine:\n"] {
            let settings = try load(text).settings
            #expect(settings.runsEngine && settings.instances.isEmpty, "\(text)")
            #expect(settings.trackers.map(\.pattern) == [".*"])
            // Printed, it means the same.
            #expect(try load(settings.printed(masked: false)).settings == settings)
        }
    }

    @Test("stands aside where one is named, in the file or the environment, unless it is asked for")
    func beside() throws {
        #expect(try !load(self.client + self.catchAll).settings.runsEngine)
        #expect(try load(self.client + self.catchAll + "engine: {enabled: true}\n").settings.runsEngine)
        let variables = ["WEIR_QBITTORRENT_USERNAME": "u", "WEIR_QBITTORRENT_PASSWORD": "p"]
        let settings = try load(self.catchAll, environment: variables).settings
        #expect(settings.instances.count == 1 && !settings.runsEngine)
    }

    @Test("does not begin because a section is misspelt, and cannot be off where nothing is governed")
    func mistakes() {
        #expect(
            problems("qbitorrent: {username: u, password: p}\n" + self.catchAll).contains {
                $0.severity == .error
            })
        #expect(problems("engine: {enabled: false}\n" + self.catchAll).map(\.kind) == [.missing])
        #expect(problems("engine: {port: 0}\n").first?.key == "engine.port")
    }

    @Test("has its folders and its port from the file, the environment or the command line")
    func keys() throws {
        let settings = try load(
            "engine: {port: 6881, state: /s}\n", environment: ["WEIR_ENGINE_DIRECTORY": "/d"]
        ).settings
        #expect(
            settings.engine.port == 6881 && settings.engine.state == "/s" && settings.engine.directory == "/d"
        )
    }
}
