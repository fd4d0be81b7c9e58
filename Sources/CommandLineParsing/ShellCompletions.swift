public enum Shell: String, CaseIterable, Hashable, Sendable {
    case bash, zsh, fish
}

extension CommandSpec {
    /// A script that teaches a shell to complete this program's command lines.
    ///
    /// Each script walks the words before the cursor down the tree of commands, then offers what belongs there.
    /// Names and words must be of letters, digits, `-`, `_` and `.`: they stand in the script as they are.
    public func completions(_ shell: Shell) -> String {
        switch shell {
        case .bash: bashCompletions(self)
        case .zsh: zshCompletions(self)
        case .fish: fishCompletions(self)
        }
    }
}

/// A command with its place in the tree and the options that hold there.
struct CompletionNode {
    /// `weir config check`.
    var path: String
    var command: CommandSpec
    var options: [OptionSpec]

    static func all(of program: CommandSpec) -> [CompletionNode] {
        var nodes: [CompletionNode] = []
        var pending = [
            CompletionNode(path: program.name, command: program, options: program.options + [.help])
        ]
        while let node = pending.popLast() {
            nodes.append(node)
            for command in node.command.subcommands.reversed() {
                pending.append(
                    CompletionNode(
                        path: "\(node.path) \(command.name)", command: command,
                        options: command.options + node.options))
            }
        }
        return nodes
    }
}

private func bashCompletions(_ program: CommandSpec) -> String {
    let nodes = CompletionNode.all(of: program)
    let steps = nodes.filter { $0.path != program.name }.map { node in
        "            \"\(node.path)\") path=\"\(node.path)\" ;;"
    }
    let values = nodes.flatMap { node in
        node.options.filter { $0.valueName != nil }.map { option in
            let words = option.letter.map { "\"\(node.path) --\(option.name)\"|\"\(node.path) -\($0)\"" }
            return
                "        \(words ?? "\"\(node.path) --\(option.name)\"")) \(bashReply(option.completion)); return ;;"
        }
    }
    let places = nodes.map { node in
        let names = node.command.subcommands.map(\.name)
        let argument = node.command.arguments.first?.completion ?? .nothing
        let reply = names.isEmpty ? bashReply(argument) : bashReply(.words(names))
        let options = node.options.map { "--" + $0.name }.joined(separator: " ")
        return """
                    "\(node.path)")
                        if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "\(options)" -- "$word"))
                        else \(reply); fi ;;
            """
    }
    let name = program.name
    return """
        # bash completion of \(name). Put it into ~/.local/share/bash-completion/completions/\(name)
        _\(name)() {
            local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" path="\(name)" i
            COMPREPLY=()
            for ((i = 1; i < COMP_CWORD; i++)); do
                case "$path ${COMP_WORDS[i]}" in
        \(steps.joined(separator: "\n"))
                esac
            done
            case "$path $before" in
        \(values.joined(separator: "\n"))
            esac
            case "$path" in
        \(places.joined(separator: "\n"))
            esac
        }
        complete -F _\(name) \(name)

        """
}

private func bashReply(_ completion: WordCompletion) -> String {
    switch completion {
    case .nothing: "COMPREPLY=()"
    case .files: "compopt -o default; COMPREPLY=()"
    case .words(let words): "COMPREPLY=($(compgen -W \"\(words.joined(separator: " "))\" -- \"$word\"))"
    }
}

private func zshCompletions(_ program: CommandSpec) -> String {
    let nodes = CompletionNode.all(of: program)
    let steps = nodes.filter { $0.path != program.name }.map {
        "            \"\($0.path)\") path_=\"\($0.path)\" ;;"
    }
    let values = nodes.flatMap { node in
        node.options.filter { $0.valueName != nil }.map { option in
            let words = option.letter.map { "\"\(node.path) --\(option.name)\"|\"\(node.path) -\($0)\"" }
            return
                "        \(words ?? "\"\(node.path) --\(option.name)\"")) \(zshReply(option.completion)); return ;;"
        }
    }
    let places = nodes.map { node in
        let options = node.options.map { described("--" + $0.name, $0.summary) }.joined(separator: " ")
        let names = node.command.subcommands.map { described($0.name, $0.summary) }.joined(separator: " ")
        let argument = zshReply(node.command.arguments.first?.completion ?? .nothing)
        let reply = names.isEmpty ? argument : "offers=(\(names)); _describe command offers"
        return """
                    "\(node.path)")
                        if [[ $PREFIX == -* ]]; then offers=(\(options)); _describe option offers
                        else \(reply); fi ;;
            """
    }
    let name = program.name
    return """
        #compdef \(name)
        # zsh completion of \(name). Put it as _\(name) into a folder of $fpath.
        _\(name)() {
            local path_="\(name)" i
            local -a offers
            for ((i = 2; i < CURRENT; i++)); do
                case "$path_ ${words[i]}" in
        \(steps.joined(separator: "\n"))
                esac
            done
            case "$path_ ${words[CURRENT-1]}" in
        \(values.joined(separator: "\n"))
            esac
            case "$path_" in
        \(places.joined(separator: "\n"))
            esac
        }
        if [ "$funcstack[1]" = "_\(name)" ]; then _\(name) "$@"; else compdef _\(name) \(name); fi

        """
}

private func zshReply(_ completion: WordCompletion) -> String {
    switch completion {
    case .nothing: ":"
    case .files: "_files"
    case .words(let words): "compadd -- \(words.joined(separator: " "))"
    }
}

/// `'name:text'` for zsh, where a colon and a quote must be escaped.
private func described(_ name: String, _ text: String) -> String {
    let plain = text.replacing("\\", with: "\\\\").replacing(":", with: "\\:").replacing("'", with: "'\\''")
    return "'\(name):\(plain)'"
}

private func fishCompletions(_ program: CommandSpec) -> String {
    let name = program.name
    let nodes = CompletionNode.all(of: program)
    let paths = nodes.filter { $0.path != name }.map {
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
    text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
}
