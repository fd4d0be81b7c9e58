public import ConfigFile

/// Settings with what is worth telling about them.
public struct LoadedSettings: Sendable {
    public var settings: Settings
    public var warnings: [ConfigProblem]
    /// By key path: `global.port`, `trackers[0].id`, and `qbittorrent.url` (of several: `qbittorrent[0].url`).
    public var origins: [String: ValueOrigin]
}

/// Why a configuration cannot be used: everything that is wrong with it, not only the first fault.
public struct SettingsFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Errors and warnings, in the order of the file.
    public var problems: [ConfigProblem]

    public var description: String { self.problems.map(\.description).joined(separator: "\n") }
}

extension Settings {
    /// The prefix of every environment variable that sets a key: `WEIR_GLOBAL_PORT`.
    public static let variablePrefix = "WEIR"

    private static let sections = [
        "global", "server", "engine", "qbittorrent", "cross_seed", "notifications", "trackers", "rollback",
        "logging",
    ]

    /// Reads the configuration file at `path`. Blocks for the time of the read.
    public static func load(
        path: String, environment: ConfigEnvironment = ConfigEnvironment(), flags: [String: FlagValue] = [:]
    ) throws(SettingsFailure) -> LoadedSettings {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path, limit: ConfigLimits().bytes)
        } catch {
            let place = ConfigProblem.Place.file(name: path, position: .start)
            throw SettingsFailure(
                problems: [ConfigProblem(.unreadableFile, at: place, "the file cannot be read: \(error)")])
        }
        return try Self.load(bytes, fileName: path, environment: environment, flags: flags)
    }

    /// Reads a configuration: a Qguardarr file, or one of ours.
    ///
    /// For each key a flag wins over the file that `WEIR_<SECTION>_<KEY>_FILE` names, that over the variable
    /// `WEIR_<SECTION>_<KEY>`, that over the configuration file, and that over the default. With several
    /// instances their variables carry the name too: `WEIR_QBITTORRENT_<NAME>_PASSWORD`.
    ///
    /// - Parameters:
    ///   - bytes: the file's content
    ///   - fileName: as it is to be shown in messages
    ///   - flags: by key path, such as `global.port`
    ///   - needsClients: whether a file without `qbittorrent` means one at its usual place, and not none
    public static func load(
        _ bytes: some Collection<UInt8>, fileName: String,
        environment: ConfigEnvironment = ConfigEnvironment(),
        flags: [String: FlagValue] = [:], needsClients: Bool = true
    ) throws(SettingsFailure) -> LoadedSettings {
        let root: ConfigNode?
        do {
            root = try parseConfig(bytes, fileName: fileName)
        } catch {
            throw SettingsFailure(problems: [error])
        }
        var reading = ConfigReading(fileName: fileName, environment: environment, flags: flags)
        let entries = Self.entries(of: root, &reading)
        func entry(_ name: String) -> ConfigEntry? { entries.first { $0.key == name } }

        var settings = Settings()
        reading.section(&settings.global, "global", GlobalSettings.keys, entry("global"))
        reading.section(&settings.server, "server", ServerSettings.keys, entry("server"))
        reading.section(&settings.engine, "engine", EmbeddedEngineSettings.keys, entry("engine"))
        let readsClients = needsClients || entry("qbittorrent") != nil
        if readsClients {
            settings.instances = readInstances(
                entry("qbittorrent"), mayBeNone: entries.allSatisfy { Self.sections.contains($0.key) },
                &reading)
        }
        reading.section(&settings.crossSeed, "cross_seed", CrossSeedSettings.keys, entry("cross_seed"))
        reading.section(
            &settings.notifications, "notifications", NotificationSettings.keys, entry("notifications"))
        settings.trackers =
            settings.instances.isEmpty && entry("trackers") == nil && settings.runsEngine
            ? [.catchAll] : readTrackers(entry("trackers"), &reading)
        reading.section(&settings.rollback, "rollback", RollbackSettings.keys, entry("rollback"))
        reading.section(&settings.logging, "logging", LoggingSettings.keys, entry("logging"))
        settings.reportDoubts(&reading)
        reading.reportUnusedOverrides(
            prefixes: Self.sections.filter { readsClients || $0 != "qbittorrent" }
                .map { "\(Self.variablePrefix)_\(variableWord($0))" })

        let problems = inOrder(reading.problems)
        guard !reading.hasErrors else { throw SettingsFailure(problems: problems) }
        return LoadedSettings(settings: settings, warnings: problems, origins: reading.origins)
    }

    private static func entries(of root: ConfigNode?, _ reading: inout ConfigReading) -> [ConfigEntry] {
        guard let root, !root.isNull else { return [] }
        guard case .mapping(let entries) = root.content else {
            reading.report(
                ConfigProblem(
                    .wrongType, at: reading.place(root.position), found: root.kindName,
                    allowed: "the sections \(Self.sections.joined(separator: ", "))"))
            return []
        }
        for entry in entries where !Self.sections.contains(entry.key) {
            reading.reportUnknown(entry, among: Self.sections, in: "")
        }
        return entries
    }
}

extension ConfigReading {
    fileprivate mutating func section<Root>(
        _ root: inout Root, _ name: String, _ keys: [ConfigKey<Root>], _ entry: ConfigEntry?
    ) {
        let scope = ConfigScope(
            path: name, variablePrefix: "\(Settings.variablePrefix)_\(variableWord(name))",
            position: entry?.keyPosition ?? .start)
        self.group(&root, keys, entry?.value, scope)
    }
}

/// What concerns no line of the file first, then by line.
private func inOrder(_ problems: [ConfigProblem]) -> [ConfigProblem] {
    func position(_ problem: ConfigProblem) -> ConfigPosition {
        guard case .file(_, let position) = problem.place else { return ConfigPosition(line: 0, column: 0) }
        return position
    }
    return problems.enumerated().sorted { left, right in
        (position(left.element), left.offset) < (position(right.element), right.offset)
    }.map(\.element)
}
