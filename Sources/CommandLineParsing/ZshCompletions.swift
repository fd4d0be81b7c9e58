func zshCompletions(_ program: CommandSpec) -> String {
    let nodes = CompletionNode.all(of: program)
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
        \(stepArms(nodes, variable: "path_"))
                esac
            done
            case "$path_ ${words[CURRENT-1]}" in
        \(valueArms(nodes, reply: zshReply))
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
    let plain = escaped(text, ["\\": "\\\\", ":": "\\:", "'": "'\\''"])
    return "'\(name):\(plain)'"
}
