import ConfigFile
import LimitPlanning
import SwarmTypes
import Testing

@testable import WeirSettings

@Suite("A Qguardarr file")
struct QguardarrFileTests {
    private let environment = ConfigEnvironment(variables: ["APP_PORT": "8123", "QBIT_PASSWORD": "s3cret"])

    @Test("is read unchanged, every key of it")
    func everyKey() throws {
        let loaded = try Settings.load(
            try sample("qguardarr.yaml"), fileName: "qguardarr.yaml", environment: self.environment)
        let global = loaded.settings.global
        #expect(global.updateIntervalSeconds == 120)
        #expect(global.activeTorrentThresholdKiB == 12)
        #expect(global.maximumCallsPerCycle == 400)
        #expect(global.differentialThreshold == 0.15)
        #expect(global.rolloutPercentage == 25)
        #expect(global.cacheSeconds == 900)
        #expect(global.host == "0.0.0.0")
        #expect(global.port == 8123)
        #expect(global.strategy == .soft)
        #expect(global.maximumManagedTorrents == 750)
        #expect(global.borrowThresholdRatio == 0.85)
        #expect(global.maximumBorrowFraction == 0.4)
        #expect(global.smoothingAlpha == 0.5)
        #expect(global.minimumEffectiveDelta == 0.05)
        #expect(global.isDryRun)
        #expect(global.dryRunStorePath == "./data/simulated.json")
        #expect(global.unlimitsInactive)

        let instance = try #require(loaded.settings.instances.first)
        #expect(loaded.settings.instances.count == 1)
        #expect(instance.name == "default")
        #expect(instance.address == InstanceAddress(host: "seedbox.lan", port: 8081))
        #expect(instance.credentials == .login(username: "operator", password: "s3cret"))
        #expect(instance.timeoutSeconds == 20)

        #expect(!loaded.settings.crossSeed.isEnabled)
        #expect(loaded.settings.crossSeed.url == nil)
        #expect(loaded.settings.crossSeed.timeoutSeconds == 10)
        #expect(loaded.settings.trackers.map(\.id) == ["books", "films", "default"])
        #expect(loaded.settings.trackers[0].pattern == #".*tracker\.books\.example.*"#)
        #expect(loaded.settings.trackers[0].cap == .bytesPerSecond(10_485_760))
        #expect(loaded.settings.trackers[1].priority == 1)
        #expect(loaded.settings.trackers[2].cap == .unlimited)
        #expect(loaded.settings.rollback.databasePath == "./data/rollback.db")
        #expect(loaded.settings.logging.level == .warning)
        #expect(loaded.settings.logging.file == "./logs/qguardarr.log")
        #expect(loaded.settings.logging.maximumMegabytes == 20)
        #expect(loaded.settings.logging.backups == 3)
        // It listens everywhere without a key: that is worth a warning, and nothing else is.
        #expect(loaded.warnings.map(\.key) == ["global.host"])
    }

    @Test("takes the documented defaults for every section left out")
    func defaults() throws {
        let settings = try load(smallest).settings
        #expect(settings.global == GlobalSettings())
        #expect(settings.global.updateIntervalSeconds == 300)
        #expect(settings.global.activeTorrentThresholdKiB == 10)
        #expect(settings.global.maximumCallsPerCycle == 500)
        #expect(settings.global.differentialThreshold == 0.2)
        #expect(settings.global.rolloutPercentage == 100)
        #expect(settings.global.cacheSeconds == 1800)
        #expect(settings.global.port == 8089)
        #expect(settings.global.host == "127.0.0.1")
        #expect(settings.global.strategy == .equal)
        #expect(settings.instances[0].address.url == "http://localhost:8080")
        #expect(settings.instances[0].timeoutSeconds == 30)
        #expect(settings.crossSeed == CrossSeedSettings())
        #expect(settings.crossSeed.timeoutSeconds == 15)
        #expect(settings.rollback.tracksAllChanges)
        #expect(settings.logging.level == .info)
        #expect(settings.logging.maximumMegabytes == 50)
    }

    @Test("may have empty sections")
    func emptySections() throws {
        let text = "global:\ncross_seed: {}\nrollback: {}\nlogging: null\n" + smallest
        #expect(try load(text).settings == load(smallest).settings)
    }

    @Test("of which a level nobody knows counts as info, with a warning")
    func unknownLevel() throws {
        let loaded = try load(smallest + "logging: {level: LOUD}\n")
        #expect(loaded.settings.logging.level == .info)
        #expect(loaded.warnings.map(\.key) == ["logging.level"])
    }

    @Test("feeds the planner")
    func planning() throws {
        let loaded = try Settings.load(
            try sample("qguardarr.yaml"), fileName: "q", environment: self.environment)
        var expected = PlanningSettings()
        expected.strategy = .soft
        expected.activeThreshold = ByteRate(bytesPerSecond: 12 * 1024)
        expected.differentialThresholdThousandths = 150
        expected.maximumManagedTorrents = 750
        expected.maximumCalls = 400
        expected.borrowThreshold = 0.85
        expected.maximumBorrowFraction = 0.4
        expected.smoothingAlpha = 0.5
        expected.minimumEffectiveDelta = 0.05
        expected.restoresInactive = true
        #expect(loaded.settings.planningSettings == expected)
        #expect(
            loaded.settings.governedTrackers == [
                GovernedTracker(id: "books", cap: .bytesPerSecond(10_485_760), priority: 10),
                GovernedTracker(id: "films", cap: .bytesPerSecond(5_242_880), priority: 1),
                GovernedTracker(id: "default", cap: .unlimited, priority: 1),
            ])
    }
}
