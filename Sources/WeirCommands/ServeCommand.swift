import CommandLineParsing
import ConfigFile
import Glibc
import ServiceAssembly

let serveCommand = Command(
    spec: CommandSpec(
        "serve", "Govern, until stopped",
        details: [
            "Holds every tracker under its cap on the configured qBittorrents. Reads the configuration again when it is saved and on SIGHUP; stops on SIGTERM and SIGINT, and leaves the limits as on_stop says.",
            "Without a configuration, and with engine.enabled, it has torrents of its own. The page and the API are at http://127.0.0.1:8089 unless host and port say otherwise.",
        ],
        options: [
            CommonOption.config,
            CommonOption.state,
            .value("downloads", nil, "DIR", "Where downloads go that name no folder", completion: .files),
        ],
        examples: [
            CommandExample("weir serve", "Torrents of its own, and nothing else installed"),
            CommandExample("weir serve --config config/qguardarr.yaml", "A Qguardarr configuration as it is"),
        ])
) { invocation throws(ServiceFailure) in
    let source = invocation.serviceSource(["state", "downloads"])
    try WeirService.run(try source.load(), from: source)
    return .done
}

extension Invocation {
    /// The configuration that is named or found; without any, none is needed.
    /// - Parameter options: those that the command has.
    func serviceSource(
        _ options: Set<String> = ["state"], needsSecrets: Bool = true
    ) -> SettingsSource {
        var flags: [String: FlagValue] = [:]
        for (option, key) in [("state", "engine.state"), ("downloads", "engine.directory")]
        where options.contains(option) {
            guard let text = self.parsed.value(option) else { continue }
            flags[key] = FlagValue(flag: "--" + option, text: text)
        }
        let environment = ConfigEnvironment(variables: self.environment, needsSecrets: needsSecrets)
        let path = self.configPath
        guard self.parsed.value("config") != nil || access(path, F_OK) == 0 else {
            return SettingsSource(withoutFile: environment, flags: flags)
        }
        return SettingsSource(path: path, environment: environment, flags: flags)
    }
}
