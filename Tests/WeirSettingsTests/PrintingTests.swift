import ConfigFile
import LimitPlanning
import SwarmTypes
import TestKit
import Testing

@testable import WeirSettings

/// Settings with every kind of value, by chance.
private func someSettings(using random: inout SplitMix64) -> Settings {
    func chance() -> Bool { Bool.random(using: &random) }
    func text() -> String {
        let alphabet = Array("ab Z0.-_:#'\"\\${}é\n\t[]*&!%@")
        return "x"
            + String(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? "a"
                })
    }
    func word() -> String { "w\(Int.random(in: 0...99_999, using: &random))" }
    func fraction() -> Double { Double(Int.random(in: 0...1000, using: &random)) / 1000 }

    var settings = Settings()
    settings.global.updateIntervalSeconds = Int.random(in: 5...86400, using: &random)
    settings.global.differentialThreshold = max(0.05, fraction())
    settings.global.smoothingAlpha = fraction()
    settings.global.strategy = AllocationStrategy.allCases.randomElement(using: &random) ?? .equal
    settings.global.oversubscription =
        chance() ? .statistical : .thousandths(Int.random(in: 1000...4000, using: &random))
    settings.global.onStop = StopBehaviour.allCases.randomElement(using: &random) ?? .keep
    settings.global.onForeignChange = chance() ? .respect : .enforce
    settings.global.apiKey = chance() ? word() : nil
    settings.global.allowedHosts = (0..<Int.random(in: 0...3, using: &random)).map { _ in word() }
    settings.global.isDryRun = chance()
    for number in 0..<Int.random(in: 1...3, using: &random) {
        var instance = InstanceSettings()
        instance.name = "instance \(number) " + word()
        if chance() {
            instance.url = InstanceAddress(
                usesTLS: chance(), host: chance() ? "::1" : word(), port: 1, basePath: chance() ? "/x" : "")
        } else {
            instance.host = word()
        }
        if chance() {
            instance.apiKey = word()
        } else {
            (instance.username, instance.password) = (text(), text())
        }
        instance.tls.caFile = chance() ? text() : nil
        instance.tls.verifies = chance()
        settings.instances.append(instance)
    }
    for number in 0..<Int.random(in: 0...4, using: &random) {
        var tracker = TrackerSettings()
        tracker.id = "t\(number)"
        tracker.name = "name \(word()): #"
        tracker.pattern = #"^https?://\#(word())\."x'$"#
        tracker.cap = chance() ? .unlimited : .bytesPerSecond(Int64.random(in: 1...1 << 50, using: &random))
        tracker.priority = Int.random(in: 1...10, using: &random)
        tracker.oversubscription = chance() ? .thousandths(1100) : nil
        tracker.borrow = fraction()
        settings.trackers.append(tracker)
    }
    var catchAll = TrackerSettings()
    (catchAll.id, catchAll.name, catchAll.pattern) = ("default", "default", ".*")
    settings.trackers.append(catchAll)
    settings.crossSeed.url = chance() ? "http://h/\(word())" : nil
    settings.rollback.databasePath = text()
    settings.logging.file = chance() ? text() : nil
    settings.logging.format = chance() ? .json : .text
    return settings
}

@Suite("Printed settings")
struct PrintingTests {
    @Test("load back to the same settings", arguments: 0..<200)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let settings = someSettings(using: &random)
        let loaded = try load(settings.printed(masked: false))
        #expect(loaded.settings == settings)
        #expect(try load(settings.printed(masked: false, origins: loaded.origins)).settings == settings)
        #expect(Settings.changes(from: settings, to: loaded.settings) == [])
    }

    @Test("load back to the same where an address from the environment stands in for host and port")
    func replacedHost() throws {
        let text = """
            qbittorrent: {host: h, port: 81, username: u, password: p}
            trackers: [{id: all, pattern: .*, max_upload_speed: -1}]
            """
        let settings = try load(text, environment: ["WEIR_QBITTORRENT_URL": "http://a:82/q"]).settings
        #expect(settings.instances.map(\.address.url) == ["http://a:82/q"])
        #expect(try load(settings.printed(masked: false)).settings == settings)
    }

    @Test("mask every secret, and load back to the same but for those")
    func masked() throws {
        let text = """
            global: {api_key: hunter2a}
            qbittorrent:
              - {name: a, username: u, password: hunter2b}
              - {name: b, api_key: hunter2c}
            cross_seed: {api_key: hunter2d}
            trackers: [{id: all, pattern: .*, max_upload_speed: -1}]
            """
        var settings = try load(text).settings
        let printed = settings.printed(masked: true)
        #expect(!printed.contains("hunter2"))
        #expect(printed.split(separator: "***").count == 5)
        settings.global.apiKey = "***"
        settings.instances[0].password = "***"
        settings.instances[1].apiKey = "***"
        settings.crossSeed.apiKey = "***"
        #expect(try load(printed).settings == settings)
    }

    @Test(
        "show of an address no more than its host, and load back whatever it is",
        arguments: [
            ("http://h-x", "http://h-x"), ("http://h:2468/", "http://h:2468/***"),
            ("https://h/hunter2/x", "https://h/***"), ("http://h?hunter2", "http://h/***"),
            ("hTTp://h/hunter2", "http://h/***"),
            ("http://h/\\\"hunter2", "http://h/***"),
            ("http://u:hunter2@h/x", "http://***"), ("http://u:hun/ter2@h", "http://***"),
        ])
    func addresses(url: String, shown: String) throws {
        let settings = try load(
            "cross_seed: {enabled: true, url: \"\(url)\", api_key: z}\n" + smallest
        ).settings
        let printed = settings.printed(masked: true)
        #expect(!printed.contains("hunter2") && !printed.contains("ter2"))
        #expect(try load(printed).settings.crossSeed.url == shown)
    }

    @Test("say where each value came from")
    func origins() throws {
        let loaded = try load(
            "global: {port: \"${P}\"}\n" + smallest,
            environment: ["P": "1234", "WEIR_LOGGING_LEVEL": "error"])
        let lines = loaded.settings.printed(origins: loaded.origins).split(separator: "\n")
        #expect(lines.contains("  port: 1234  # weir.yaml:1 (environment P)"))
        #expect(lines.contains("  host: \"127.0.0.1\"  # default"))
        #expect(lines.contains("  username: \"u\"  # weir.yaml:2"))
        #expect(lines.contains("  level: error  # environment WEIR_LOGGING_LEVEL"))
        #expect(lines.contains("    max_upload_speed: -1  # weir.yaml:3"))
    }
}

@Suite("A change of settings")
struct SettingsChangeTests {
    private func change(_ edit: (inout Settings) -> Void) throws -> [SettingChange] {
        let old = try load(Settings.template, environment: ["QBIT_PASSWORD": "x"]).settings
        var new = old
        edit(&new)
        return Settings.changes(from: old, to: new)
    }

    @Test("needs a restart for the listening socket and the database, and for nothing else")
    func restart() throws {
        let changes = try self.change { settings in
            settings.global.host = "::"
            settings.global.port = 1
            settings.rollback.databasePath = "/elsewhere"
            settings.global.updateIntervalSeconds = 60
            settings.instances[0].password = "new"
            settings.logging.level = .debug
            settings.trackers[0].cap = .unlimited
        }
        #expect(
            changes.filter(\.needsRestart).map(\.path) == [
                "global.host", "global.port", "rollback.database_path",
            ])
        #expect(
            changes.filter { !$0.needsRestart }.map(\.path) == [
                "global.update_interval", "qbittorrent.password", "trackers.premium.max_upload_speed",
                "logging.level",
            ])
        #expect(changes.first { $0.path == "qbittorrent.password" }?.to == "\"***\"")
        #expect(changes.first { $0.path == "global.port" }?.from == "8089")
    }

    @Test("of a tracker that comes or goes concerns that tracker only")
    func trackers() throws {
        let added = try self.change { settings in
            var tracker = settings.trackers[0]
            tracker.id = "new"
            settings.trackers.insert(tracker, at: 0)
        }
        #expect(!added.isEmpty)
        #expect(added.allSatisfy { $0.path.hasPrefix("trackers.new.") && $0.from == nil })
        let removed = try self.change { $0.trackers.remove(at: 1) }
        #expect(!removed.isEmpty)
        #expect(removed.allSatisfy { $0.path.hasPrefix("trackers.public.") && $0.to == nil })
        let moved = try self.change { $0.trackers.swapAt(0, 1) }
        #expect(moved.map(\.path) == ["trackers"])
    }
}
