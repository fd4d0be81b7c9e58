func fishCompletions(_ program: CommandSpec) -> String {
    let name = program.name
    let nodes = CompletionNode.all(of: program)
    let paths = nodes.dropFirst().map {
        "            case '\($0.path)'\n                set path $step"
    }
    var lines: [String] = []
    for node in nodes {
        let lead = "complete -c \(name) -n 'test (__\(name)_path) = \"\(node.path)\"'"
        for command in node.command.subcommands {
            lines.append("\(lead) -f -a \(command.name) -d '\(fishText(command.summary))'")
        }
        if case .words(let words) = node.command.arguments.first?.completion {
            lines.append("\(lead) -f -a '\(words.joined(separator: " "))'")
        } else if node.command.arguments.first?.completion != .files, node.command.subcommands.isEmpty {
            lines.append("\(lead) -f")
        }
        for option in node.options {
            let letter = option.letter.map { " -s \($0)" } ?? ""
            let value =
                switch option.completion {
                case _ where option.valueName == nil: ""
                case .nothing: " -x"
                case .files: " -r -F"
                case .words(let words): " -x -a '\(words.joined(separator: " "))'"
                }
            lines.append("\(lead) -l \(option.name)\(letter)\(value) -d '\(fishText(option.summary))'")
        }
    }
    return """
        # fish completion of \(name). Put it into ~/.config/fish/completions/\(name).fish
        function __\(name)_path
            set -l path \(name)
            for word in (commandline -opc)[2..-1]
                set -l step "$path $word"
                switch $step
        \(paths.joined(separator: "\n"))
                end
            end
            echo $path
        end
        \(lines.joined(separator: "\n"))

        """
}

private func fishText(_ text: String) -> String {
    escaped(text, ["\\": "\\\\", "'": "\\'"])
}
