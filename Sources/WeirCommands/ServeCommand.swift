import CommandLineParsing
import ServiceAssembly

let serveCommand = Command(
    spec: CommandSpec(
        "serve", "Govern, until stopped",
        details: [
            "Holds every tracker under its cap on the configured qBittorrents. Reads the configuration again when it is saved and on SIGHUP; stops on SIGTERM and SIGINT, and leaves the limits as on_stop says."
        ],
        options: [CommonOption.config],
        examples: [
            CommandExample("weir serve --config config/qguardarr.yaml", "A Qguardarr configuration as it is")
        ])
) { invocation throws(ServiceFailure) in
    let source = invocation.source
    try WeirService.run(try source.load(), from: source)
    return .done
}
