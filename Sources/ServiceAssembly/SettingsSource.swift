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
    private let sharedDryRunPath = Lock("")

    public init(path: String, environment: ConfigEnvironment, flags: [String: FlagValue] = [:]) {
        self.path = path
        self.environment = environment
        self.flags = flags
    }

    /// `needsClients`: whether a file that names no qBittorrent stands for the one at its usual place.
    public func load(needsClients: Bool = true) throws(ServiceFailure) -> LoadedSettings {
        let bytes: [UInt8]
        do throws(FileReadFailure) {
            bytes = try readFile(self.path, limit: Self.maximumBytes)
        } catch {
            throw .configuration(
                "\(self.path): \(error). `weir config init` writes one to start from; --config names another."
            )
        }
        do throws(SettingsFailure) {
            return try Settings.load(
                bytes, fileName: self.path, environment: self.environment, flags: self.flags,
                needsClients: needsClients)
        } catch {
            throw .configuration(error.description)
        }
    }

    /// Where a dry run keeps its limits; it follows the running configuration.
    var dryRunPath: String {
        get { self.sharedDryRunPath.withLock { $0 } }
        set { self.sharedDryRunPath.withLock { $0 = newValue } }
    }
}
