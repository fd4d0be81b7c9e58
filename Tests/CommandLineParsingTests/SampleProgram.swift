import CommandLineParsing

/// A program with everything a description can hold.
let sampleProgram = CommandSpec(
    "weir", "hold every tracker under its upload cap",
    details: ["It governs qBittorrent over its Web API."],
    options: [
        .value("config", "c", "FILE", "The configuration file", variable: "WEIR_CONFIG", completion: .files),
        .flag("json", "j", "Print JSON", variable: "WEIR_JSON"),
        .flag("verbose", "v", "Say more"),
    ],
    subcommands: [
        CommandSpec("serve", "run the service"),
        CommandSpec(
            "plan", "show what a cycle would change",
            details: ["Nothing is changed. With a snapshot no qBittorrent is asked."],
            options: [
                .value("snapshot", nil, "FILE", "Plan from a saved observation", completion: .files),
                .value(
                    "strategy", "s", "NAME", "Plan with this strategy", variable: "WEIR_STRATEGY",
                    completion: .words(["equal", "adaptive"])),
                .value("tracker", nil, "ID", "Only this tracker", isRepeatable: true),
            ],
            examples: [CommandExample("weir plan --snapshot seen.json", "Plan offline, from a file")]),
        CommandSpec(
            "match", "tell which tracker a URL belongs to",
            arguments: [
                ArgumentSpec("URL", "The URL"),
                ArgumentSpec("MORE", "More", isOptional: true, isRepeatable: true),
            ]
        ),
        CommandSpec(
            "config", "look after the configuration",
            subcommands: [
                CommandSpec("check", "look for mistakes"),
                CommandSpec(
                    "print", "show what holds",
                    options: [.flag("origin", nil, "Say where each value comes from")]),
            ]),
        CommandSpec(
            "completions", "print a completion script",
            arguments: [
                ArgumentSpec("SHELL", "bash, zsh or fish", completion: .words(["bash", "zsh", "fish"]))
            ]),
    ])
