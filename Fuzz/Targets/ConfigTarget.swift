import ConfigFile
import WeirSettings

/// A configuration file either fails with at least one problem that can be told, or gives settings whose
/// printed form loads back to the same settings, in an environment without any variable.
///
/// The first byte chooses whether some keys come from the environment, and whether the printed lines say
/// where their values came from; the rest is the file.
let configTarget = FuzzTarget(name: "config") { input throws(BrokenInvariant) in
    var reader = InputReader(input)
    let choice = reader.byte()
    let loaded: LoadedSettings
    do throws(SettingsFailure) {
        loaded = try Settings.load(
            reader.rest, fileName: "f", environment: environment(hasOverrides: choice & 1 != 0))
    } catch {
        try require(
            error.problems.contains { $0.severity == .error } && !error.description.isEmpty,
            "refused without a reason")
        return
    }
    let origins = choice & 2 != 0 ? loaded.origins : nil
    let printed = loaded.settings.printed(masked: false, origins: origins)
    let again: LoadedSettings
    do {
        again = try Settings.load(Array(printed.utf8), fileName: "printed")
    } catch {
        throw BrokenInvariant("the printed settings are refused: \(error)\n\(printed)")
    }
    try require(again.settings == loaded.settings, "printed as other settings:\n\(printed)")
    if choice & 4 != 0 {
        let masked = loaded.settings.printed(masked: true, origins: origins)
        do {
            _ = try Settings.load(Array(masked.utf8), fileName: "masked")
        } catch {
            throw BrokenInvariant("the masked settings are refused: \(error)\n\(masked)")
        }
    }
}

private func environment(hasOverrides: Bool) -> ConfigEnvironment {
    var variables = ["A": "a", "EMPTY": "", "ODD": "a: ${A} # \"'\n\t\u{1}é", "SECRET_FILE": "/secret"]
    if hasOverrides {
        variables["WEIR_GLOBAL_PORT"] = "9001"
        variables["WEIR_GLOBAL_ALLOWED_HOSTS"] = "a.example, b.example"
        variables["WEIR_QBITTORRENT_URL"] = "https://[::1]:8443/q/"
        variables["WEIR_QBITTORRENT_PASSWORD_FILE"] = "/secret"
        variables["WEIR_LOGGING_FILE"] = "~"
    }
    return ConfigEnvironment(variables: variables) { path throws(FileReadFailure) in
        guard path == "/secret" else { throw .unreadable(errno: 2) }
        return Array("s3cret ${A}\n".utf8)
    }
}
