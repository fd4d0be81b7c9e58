/// How wide every help text is at most.
let helpWidth = 80

/// Where the explanation of an option begins; longer names have a line of their own.
private let explanationColumn = 26

extension ParsedCommand {
    /// The help of the command, at most 80 columns wide, each line ended.
    public var helpText: String {
        self.command.helpText(
            path: self.path, inherited: self.options.filter { !self.command.options.contains($0) })
    }
}

extension CommandSpec {
    /// - Parameters:
    ///   - path: from the program to this command, its own name included
    ///   - inherited: the options of the commands above, `--help` included
    func helpText(path: [String], inherited: [OptionSpec]) -> String {
        let command = path.joined(separator: " ")
        var blocks = [wrapped("\(command): \(self.summary)", width: helpWidth)]
        blocks.append(self.usageLines(command))
        blocks += self.details.map { wrapped($0, width: helpWidth) }
        if !self.subcommands.isEmpty {
            blocks.append(["Commands:"] + self.subcommands.flatMap { explained($0.name, $0.summary) })
        }
        if !self.arguments.isEmpty {
            blocks.append(["Arguments:"] + self.arguments.flatMap { explained($0.usage, $0.summary) })
        }
        if !self.options.isEmpty {
            blocks.append(["Options:"] + self.options.flatMap { explained($0.usage, $0.explanation) })
        }
        if !inherited.isEmpty {
            let title = path.count == 1 ? "Help:" : "Options of every command:"
            blocks.append([title] + inherited.flatMap { explained($0.usage, $0.explanation) })
        }
        if !self.examples.isEmpty {
            let lines = self.examples.flatMap { example in
                ["  " + example.line] + wrapped(example.summary, width: helpWidth - 6).map { "      " + $0 }
            }
            blocks.append(["Examples:"] + lines)
        }
        return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    private func usageLines(_ command: String) -> [String] {
        var parts = [command, "[OPTIONS]"]
        if !self.subcommands.isEmpty { parts.append("COMMAND") }
        parts += self.arguments.map(\.usage)
        return wrapped("Usage: " + parts.joined(separator: " "), width: helpWidth)
    }
}

extension OptionSpec {
    /// `-c, --config FILE`; without a letter the name stands where it stands with one.
    var usage: String {
        let letter = self.letter.map { "-\($0), " } ?? "    "
        return "\(letter)--\(self.name)" + (self.valueName.map { " " + $0 } ?? "")
    }

    /// The summary with the allowed values and the variable.
    var explanation: String {
        var text = self.summary
        if case .words(let words) = self.completion { text += ": \(words.joined(separator: ", "))" }
        if self.isRepeatable { text += " (may be repeated)" }
        if let variable = self.variable { text += " [\(variable)]" }
        return text
    }
}

private func explained(_ name: String, _ text: String) -> [String] {
    let head = "  " + name
    let margin = String(repeating: " ", count: explanationColumn)
    var lines = wrapped(text, width: helpWidth - explanationColumn).map { margin + $0 }
    if head.count + 2 > explanationColumn || lines.isEmpty { return [head] + lines }
    lines[0] = head + lines[0].dropFirst(head.count)
    return lines
}
