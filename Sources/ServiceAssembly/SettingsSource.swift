public import ConfigFile
import EventIO
import SwarmTypes
public import WeirSettings

/// Where the configuration comes from, and how to read it again.
public final class SettingsSource: Sendable {
    /// The largest configuration file that is read.
    public static let maximumBytes = 1 << 20

    public let path: String
    private let environment: ConfigEnvironment
    private let flags: [String: FlagValue]
    /// What stands in for a file where there is none; nil: there must be one.
    private let builtIn: [UInt8]?
    private let sharedDryRunPath = Lock("")

    public init(path: String, environment: ConfigEnvironment, flags: [String: FlagValue] = [:]) {
        self.path = path
        self.environment = environment
        self.flags = flags
        self.builtIn = nil
    }

    /// No configuration at all: the embedded engine, and all else by default.
    public init(withoutFile environment: ConfigEnvironment, flags: [String: FlagValue] = [:]) {
        self.path = ""
        self.environment = environment
        self.flags = flags
        self.builtIn = []
    }

    public var hasFile: Bool { self.builtIn == nil }

    var variables: [String: String] { self.environment.variables }

    /// `needsClients`: whether a file that names no qBittorrent stands for the one at its usual place.
    public func load(needsClients: Bool = true) throws(ServiceFailure) -> LoadedSettings {
        let bytes: [UInt8]
        do throws(FileReadFailure) {
            if let builtIn = self.builtIn {
                bytes = builtIn
            } else {
                bytes = try readFile(self.path, limit: Self.maximumBytes)
            }
        } catch {
            throw .configuration(
                "\(self.path): \(error). `weir config init` writes one to start from; --config names another."
            )
        }
        do throws(SettingsFailure) {
            var loaded = try Settings.load(
                bytes, fileName: self.hasFile ? self.path : "no file", environment: self.environment,
                flags: self.flags, needsClients: needsClients)
            if !self.hasFile { self.placeFiles(&loaded.settings) }
            return loaded
        } catch {
            throw .configuration(error.description)
        }
    }

    /// Without a configuration everything that Weir writes lies in its folder for states.
    private func placeFiles(_ settings: inout Settings) {
        let folder = stateDirectory(settings, self.variables)
        settings.rollback.databasePath = folder + "/journal.db"
        settings.global.dryRunStorePath = folder + "/dry_run_limits.json"
        settings.logging.file = nil
    }

    /// Where a dry run keeps its limits; it follows the running configuration.
    var dryRunPath: String {
        get { self.sharedDryRunPath.withLock { $0 } }
        set { self.sharedDryRunPath.withLock { $0 = newValue } }
    }
}
