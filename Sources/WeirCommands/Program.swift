public import CommandLineParsing
import ConfigFile
import Glibc
import ServiceAssembly
import WeirSettings

/// What a command gets: the parsed line, the environment, and where to write.
struct Invocation {
    var parsed: ParsedCommand
    var environment: [String: String]
    let output = Output()

    /// The configuration file: the option, or the first of the usual places that has one.
    var configPath: String {
        if let path = self.parsed.value("config") { return path }
        let home = self.environment["XDG_CONFIG_HOME"] ?? self.environment["HOME"].map { $0 + "/.config" }
        let places =
            ["weir.yaml", "config/weir.yaml", "config/qguardarr.yaml"]
            + (home.map { ["\($0)/weir/weir.yaml"] } ?? []) + ["/etc/weir/weir.yaml"]
        return places.first { access($0, R_OK) == 0 } ?? places[0]
    }

    var source: SettingsSource {
        SettingsSource(path: self.configPath, environment: ConfigEnvironment(variables: self.environment))
    }

    var wantsJSON: Bool { self.parsed.has("json") }

    func load() throws(ServiceFailure) -> LoadedSettings { try self.source.load() }
}

/// The options that most commands share.
enum CommonOption {
    static let config = OptionSpec.value(
        "config", "c", "FILE", "The configuration file", variable: "WEIR_CONFIG", completion: .files)
    static let json = OptionSpec.flag("json", nil, "Print JSON for programs instead of a table")
    static let state = OptionSpec.value(
        "state", nil, "DIR", "Where Weir keeps what it knows of its own torrents", completion: .files)
    static let yes = OptionSpec.flag("yes", "y", "Do not ask")
}

/// A command: what it is called and what it does.
struct Command: Sendable {
    var spec: CommandSpec
    var run: @Sendable (Invocation) throws(ServiceFailure) -> ExitCode
}

public enum Program {
    /// In the order of the help text.
    static let commands: [[String]: Command] = [
        ["serve"]: serveCommand, ["plan"]: planCommand, ["status"]: statusCommand,
        ["rollback"]: rollbackCommand,
        ["pause"]: pauseCommand, ["resume"]: resumeCommand, ["match"]: matchCommand,
        ["config", "check"]: configCheckCommand, ["config", "print"]: configPrintCommand,
        ["config", "init"]: configInitCommand, ["doctor"]: doctorCommand,
        ["hook", "install"]: hookInstallCommand,
        ["hook", "remove"]: hookRemoveCommand, ["notify", "test"]: notifyTestCommand,
        ["completions"]: completionsCommand, ["manual"]: manualCommand,
        ["version"]: versionCommand, ["get"]: getCommand, ["seed"]: seedCommand, ["why"]: whyCommand,
        ["show"]: showCommand, ["create"]: createCommand,
        ["verify"]: verifyCommand,
        ["db", "backup"]: databaseBackupCommand, ["db", "restore"]: databaseRestoreCommand,
        ["db", "check"]: databaseCheckCommand,
        ["user", "add"]: userAddCommand, ["user", "list"]: userListCommand,
        ["user", "password"]: userPasswordCommand, ["user", "remove"]: userRemoveCommand,
        ["key", "add"]: keyAddCommand, ["key", "list"]: keyListCommand, ["key", "revoke"]: keyRevokeCommand,
    ]

    static let spec: CommandSpec = {
        func spec(_ path: String...) -> CommandSpec {
            commands[path]?.spec ?? CommandSpec(path.last ?? "", "")
        }
        return CommandSpec(
            "weir", "Keeps what each tracker may take of your uplink",
            details: [
                "Exit codes: "
                    + ExitCode.allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: "; ") + "."
            ],
            subcommands: [
                spec("serve"), spec("plan"), spec("status"), spec("rollback"), spec("pause"), spec("resume"),
                spec("match"), spec("get"), spec("seed"), spec("why"), spec("show"), spec("create"),
                spec("verify"),
                CommandSpec(
                    "config", "Check, show or begin a configuration",
                    subcommands: [spec("config", "check"), spec("config", "print"), spec("config", "init")]),
                CommandSpec(
                    "user", "Who may log in",
                    subcommands: [
                        spec("user", "add"), spec("user", "list"), spec("user", "password"),
                        spec("user", "remove"),
                    ]),
                CommandSpec(
                    "key", "Keys with which programs come in",
                    subcommands: [spec("key", "add"), spec("key", "list"), spec("key", "revoke")]),
                CommandSpec(
                    "db", "Back up, restore and check what Weir keeps",
                    subcommands: [spec("db", "backup"), spec("db", "restore"), spec("db", "check")]),
                spec("doctor"),
                CommandSpec(
                    "hook", "Let qBittorrent tell Weir of new torrents",
                    subcommands: [spec("hook", "install"), spec("hook", "remove")]),
                CommandSpec(
                    "notify", "Tell people what needs them", subcommands: [spec("notify", "test")]),
                spec("completions"), spec("manual"), spec("version"),
            ])
    }()

    /// Runs a command line, without the program's name, and answers the exit code.
    public static func run(_ words: [String], environment: [String: String]) -> ExitCode {
        let output = Output()
        // As every other program takes it.
        let words = words == ["--version"] ? ["version"] : words
        let parsed: ParsedCommand
        do throws(UsageFailure) {
            parsed = try self.spec.parse(words, environment: environment)
        } catch {
            output.say(error.description)
            return .usage
        }
        guard !parsed.asksForHelp, let command = self.commands[Array(parsed.path.dropFirst())] else {
            output.print(parsed.helpText)
            return parsed.asksForHelp ? .done : .usage
        }
        do throws(ServiceFailure) {
            return try command.run(Invocation(parsed: parsed, environment: environment))
        } catch {
            output.say("weir: \(error.message)")
            return exitCode(of: error)
        }
    }
}

func exitCode(of failure: ServiceFailure) -> ExitCode {
    switch failure {
    case .configuration: .badConfiguration
    case .journal, .system: .failed
    case .listening, .busy: .tryAgain
    case .unreachable: .unreachable
    case .refused: .refused
    case .badInput: .badInput
    case .usage: .usage
    }
}
