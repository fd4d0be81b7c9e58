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

    /// The program first.
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

/// The arms of a `case` that walks a word further down the tree: `"weir plan") path="weir plan" ;;`.
func stepArms(_ nodes: [CompletionNode], variable: String) -> String {
    nodes.dropFirst().map { node in
        "            \"\(node.path)\") \(variable)=\"\(node.path)\" ;;"
    }.joined(separator: "\n")
}

/// The arms of a `case` over the word before the cursor: what `reply` offers for the value of an option.
func valueArms(_ nodes: [CompletionNode], reply: (WordCompletion) -> String) -> String {
    nodes.flatMap { node in
        node.options.filter { $0.valueName != nil }.map { option in
            let letter = option.letter.map { "|\"\(node.path) -\($0)\"" } ?? ""
            return
                "        \"\(node.path) --\(option.name)\"\(letter)) \(reply(option.completion)); return ;;"
        }
    }.joined(separator: "\n")
}
