import ConfigFile
import Foundation

@testable import WeirSettings

/// A file in `Samples/`.
func sample(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Samples")
    return [UInt8](try Data(contentsOf: folder.appending(path: name)))
}

func load(
    _ text: String, environment: [String: String] = [:], flags: [String: FlagValue] = [:]
) throws(SettingsFailure) -> LoadedSettings {
    try Settings.load(
        Array(text.utf8), fileName: "weir.yaml", environment: ConfigEnvironment(variables: environment),
        flags: flags)
}

/// The least that loads, to which a test adds what it is about.
let smallest = """
    qbittorrent: {username: u, password: p}
    trackers: [{id: all, pattern: .*, max_upload_speed: -1}]

    """

/// The problems of a text, empty when it loads.
func problems(_ text: String, environment: [String: String] = [:]) -> [ConfigProblem] {
    do {
        return try load(text, environment: environment).warnings
    } catch {
        return error.problems
    }
}
