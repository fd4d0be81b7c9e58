import ConfigFile
import TestKit
import Testing

@testable import WeirSettings

/// `line:column key kind` of each problem that has a place in the file.
private func places(_ problems: [ConfigProblem]) -> [String] {
    problems.map { problem in
        guard case .file(_, let position) = problem.place else {
            return "\(problem.place) \(problem.kind.rawValue)"
        }
        return "\(position.line):\(position.column) \(problem.key) \(problem.kind.rawValue)"
    }
}

@Suite("A broken configuration")
struct BrokenFileTests {
    @Test("is told everything that is wrong with it at once, each with its place")
    func everything() throws {
        let text = String(decoding: try sample("broken-values.yaml"), as: UTF8.self)
        let found = problems(text)
        #expect(
            places(found) == [
                "2:20 global.update_interval wrong_value",
                "3:9 global.port wrong_value",
                "4:23 global.rollout_percentage wrong_type",
                "5:12 global.dry_run wrong_value",
                "6:24 global.allocation_strategy wrong_value",
                "7:3 global unknown_key",
                "8:27 global.differential_threshold wrong_value",
                "9:18 global.oversubscribe wrong_value",
                "11:3 qbittorrent.password missing",
                "11:8 qbittorrent.url wrong_value",
                "12:9 qbittorrent.host conflict",
                "16:14 trackers[0].pattern bad_pattern",
                "17:23 trackers[0].max_upload_speed wrong_value",
                "19:14 trackers[1].pattern conflict",
                "20:23 trackers[1].max_upload_speed wrong_value",
                "21:9 trackers[2].id duplicate_name",
                "23:23 trackers[2].max_upload_speed wrong_value",
                "24:15 trackers[2].priority wrong_value",
                "25:5 trackers[3].id missing",
                "25:5 trackers[3].max_upload_speed missing",
                "26:10 logging wrong_type",
            ])
        #expect(!found.map(\.description).joined().contains("hunter2"))
    }

    @Test("is told of as a compiler would, with what was found and what is allowed")
    func wording() {
        let text = "global:\n  port: 70000\n  hots: x\n" + smallest
        #expect(
            problems(text).map(\.description) == [
                """
                weir.yaml:2:9: error: global.port: found "70000"; allowed is a whole number from 1 to 65535
                """,
                """
                weir.yaml:3:3: warning: global: the key "hots" is unknown and ignored; did you mean host?
                """,
            ])
    }

    @Test(
        "that is no YAML of one document is refused",
        arguments: [
            ("broken-syntax.yaml", "3:8", ConfigProblem.Kind.syntax), ("broken-tab.yaml", "2:1", .syntax),
            ("broken-billion-laughs.yaml", "5:", .tooLarge),
            ("broken-two-documents.yaml", "3:1", .unsupported),
        ])
    func syntax(name: String, place: String, kind: ConfigProblem.Kind) throws {
        let found = problems(String(decoding: try sample(name), as: UTF8.self))
        #expect(found.map(\.kind) == [kind])
        #expect(found[0].description.hasPrefix("weir.yaml:\(place)"), "\(found[0])")
    }

    @Test("without trackers, or without the catch-all, is told the lines to add")
    func noCatchAll() {
        for text in [
            "qbittorrent: {username: u, password: p}\n",
            "qbittorrent: {username: u, password: p}\ntrackers:\n",
            "qbittorrent: {username: u, password: p}\ntrackers: []\n", "trackers: {id: x}\n",
            "qbittorrent: {username: u, password: p}\ntrackers: [{id: a, pattern: a, max_upload_speed: 1}]\n",
        ] {
            let remedies = problems(text).filter { $0.key == "trackers" && $0.severity == .error }.compactMap(
                \.remedy)
            #expect(remedies.count == 1, "\(text)")
            #expect(
                remedies.allSatisfy { $0.contains(#"pattern: ".*""#) && $0.contains("max_upload_speed: -1") })
        }
    }

    @Test("may catch all only once, at the end")
    func catchAllLast() {
        func trackers(_ patterns: [String]) -> String {
            let items = patterns.enumerated().map {
                "  - {id: t\($0), pattern: '\($1)', max_upload_speed: 1}\n"
            }
            return "qbittorrent: {username: u, password: p}\ntrackers:\n" + items.joined()
        }
        #expect(places(problems(trackers(["a", ".*"]))) == [])
        #expect(places(problems(trackers([".*", "a"]))) == ["3:23 trackers[0].pattern conflict"])
        #expect(places(problems(trackers([".*", " .* "]))) == ["3:23 trackers[0].pattern conflict"])
        #expect(places(problems(trackers(["x*", ".*"]))) == ["3:23 trackers[0].pattern doubtful"])
    }

    @Test("whose sections are something else is told so")
    func wrongShapes() {
        #expect(places(problems("- 1\n")).first == "1:1  wrong_type")
        #expect(places(problems("word")).first == "1:1  wrong_type")
        #expect(problems("global: [1]\n" + smallest).map(\.kind) == [.wrongType])
        #expect(
            problems("qbittorrent: 5\ntrackers: [{id: all, pattern: .*, max_upload_speed: -1}]").first?.kind
                == .wrongType)
        #expect(
            problems("qbittorrent: []\ntrackers: [{id: all, pattern: .*, max_upload_speed: -1}]").map(\.kind)
                == [.wrongValue])
        #expect(problems("globl: {port: 1}\n" + smallest).map(\.remedy) == ["did you mean global?"])
    }

    @Test("with an unset variable is told its name and what to do")
    func unsetVariable() {
        let found = problems("global: {port: \"${APP_PORT}\"}\n" + smallest)
        #expect(found.map(\.kind) == [.unsetVariable])
        #expect(found[0].description.contains("APP_PORT_FILE"))
        #expect(problems("global: {port: \"${APP_PORT:-8089}\"}\n" + smallest) == [])
    }

    @Test("is read without the secrets that cannot be had, where none is needed; all else must be there")
    func withoutSecrets() throws {
        let text = """
            qbittorrent: {username: u, password: "${QBIT_PASSWORD}"}
            notifications: {url: "https://h.example/${PATH_KEY}", secret: "${TOKEN}"}
            trackers: [{id: all, pattern: .*, max_upload_speed: -1}]

            """
        #expect(problems(text).map(\.kind) == [.unsetVariable, .unsetVariable, .unsetVariable])
        let environment = ConfigEnvironment(
            variables: ["TOKEN_FILE": "/run/token"], needsSecrets: false,
            readSecret: { _ throws(FileReadFailure) in throw .unreadable(errno: 13) })
        let loaded = try Settings.load(Array(text.utf8), fileName: "f", environment: environment)
        #expect(loaded.settings.instances.map(\.username) == ["u"])
        #expect(loaded.settings.notifications.secret == nil && loaded.warnings == [])
        #expect(throws: SettingsFailure.self) {
            try Settings.load(
                Array(("global: {port: \"${APP_PORT}\"}\n" + text).utf8), fileName: "f",
                environment: environment)
        }
    }

    @Test("never shows what came out of a variable or belongs to a secret")
    func secrets() {
        let text = """
            global: {port: "${SECRET}", api_key: ["hunter2"]}
            qbittorrent: {username: u, password: "p", timeout: "${SECRET}0", url: "http://u:hunter2@\u{301}h"}
            cross_seed: {url: "ftp://hunter2/", api_key: "hunter2\\n"}
            trackers: [{id: all, pattern: .*, max_upload_speed: "${SECRET}"}]
            """
        let found = problems(text, environment: ["SECRET": "hunter2", "WEIR_CROSS_SEED_TIMEOUT": "3"])
        #expect(found.count == 8)
        #expect(!found.map(\.description).joined().contains("hunter2"))
    }

    @Test("that cannot be read is told why")
    func unreadable() {
        do {
            _ = try Settings.load(path: "/nonexistent/weir.yaml")
            Issue.record("it was read")
        } catch {
            #expect(error.problems.map(\.kind) == [.unreadableFile])
            #expect(
                error.description.contains(
                    "/nonexistent/weir.yaml:1:1: error: the file cannot be read: No such"))
        }
    }

    @Test(
        "of the largest size is dealt with in seconds",
        arguments: ["- {pattern: []}\n", "- {a: b}\n"])
    func large(item: String) {
        let items = String(repeating: item, count: 1_000_000 / item.utf8.count)
        let elapsed = ContinuousClock().measure { _ = problems("trackers:\n" + items) }
        #expect(elapsed < .seconds(10))
    }

    @Test("of changed bytes is settings or problems, never a trap", arguments: 0..<250)
    func mutated(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let environment = ConfigEnvironment(variables: [
            "APP_PORT": "1", "QBIT_PASSWORD": "x", "API_KEY": "k",
        ])
        let names = ["qguardarr.yaml", "several-instances.yaml", "broken-values.yaml"]
        for _ in 0..<10 {
            var bytes = try sample(try #require(names.randomElement(using: &random)))
            for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                case 2:
                    bytes.insert(Array(" :-[]{}&*#'\"\n\t$0".utf8).randomElement(using: &random) ?? 0, at: at)
                case 3:
                    bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...200, using: &random)))
                default:
                    let end = min(bytes.count, at + Int.random(in: 1...200, using: &random))
                    bytes.insert(
                        contentsOf: Array(bytes[at..<end]),
                        at: Int.random(in: 0...bytes.count, using: &random))
                }
            }
            do {
                let loaded = try Settings.load(bytes, fileName: "f", environment: environment)
                #expect(
                    (!loaded.settings.instances.isEmpty || loaded.settings.runsEngine)
                        && !loaded.settings.trackers.isEmpty)
                #expect(loaded.warnings.allSatisfy { $0.severity == .warning })
                // What loads can be printed and loaded again.
                let again = try Settings.load(
                    Array(loaded.settings.printed(masked: false).utf8), fileName: "f")
                #expect(again.settings == loaded.settings)
            } catch {
                #expect(error.problems.contains { $0.severity == .error })
            }
        }
    }
}
