func bashCompletions(_ program: CommandSpec) -> String {
    let nodes = CompletionNode.all(of: program)
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
        \(stepArms(nodes, variable: "path"))
                esac
            done
            case "$path $before" in
        \(valueArms(nodes, reply: bashReply))
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
