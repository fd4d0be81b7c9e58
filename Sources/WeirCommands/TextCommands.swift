import CommandLineParsing
import ServiceAssembly

let completionsCommand = Command(
    spec: CommandSpec(
        "completions", "Print the completions for a shell",
        arguments: [
            ArgumentSpec("SHELL", "bash, zsh or fish", completion: .words(Shell.allCases.map(\.rawValue)))
        ])
) { invocation throws(ServiceFailure) in
    guard let shell = invocation.parsed.arguments.first.flatMap(Shell.init) else {
        invocation.output.say(
            "weir completions: the shells are \(Shell.allCases.map(\.rawValue).joined(separator: ", "))")
        return .usage
    }
    invocation.output.print(Program.spec.completions(shell))
    return .done
}

let manualCommand = Command(
    spec: CommandSpec("manual", "Print the manual page (roff)")
) { invocation throws(ServiceFailure) in
    invocation.output.print(
        Program.spec.manualPage(
            version: weirVersion,
            files: [
                ("weir.yaml", "The configuration, in the working directory"),
                ("config/qguardarr.yaml", "A Qguardarr configuration, taken as it is"),
                ("~/.config/weir/weir.yaml, /etc/weir/weir.yaml", "Further places"),
            ]))
    return .done
}

let versionCommand = Command(
    spec: CommandSpec("version", "Print the version", options: [CommonOption.json])
) { invocation throws(ServiceFailure) in
    invocation.output.print(
        invocation.wantsJSON ? "{\"name\":\"weir\",\"version\":\"\(weirVersion)\"}" : "weir \(weirVersion)")
    return .done
}
