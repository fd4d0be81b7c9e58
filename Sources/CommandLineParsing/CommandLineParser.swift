import SpellingHints

extension CommandSpec {
    /// Understands a command line, the program's name left out.
    ///
    /// Options may stand anywhere until `--`. A value follows as `--name=value`, `--name value`, `-n value` or
    /// `-nvalue`; one that begins with a dash needs the first form, unless it is a number. Flags of one letter may
    /// be joined. An option that is not given takes its environment variable, unless that is empty.
    public func parse(
        _ words: [String], environment: [String: String] = [:]
    ) throws(UsageFailure) -> ParsedCommand {
        var parser = CommandLineParser(program: self, words: words)
        try parser.readWords()
        try parser.readEnvironment(environment)
        try parser.checkArguments()
        return parser.result
    }
}

private struct CommandLineParser {
    private var rest: ArraySlice<String>
    private(set) var result: ParsedCommand

    init(program: CommandSpec, words: [String]) {
        self.rest = words[...]
        self.result = ParsedCommand(
            path: [program.name], command: program, options: program.options + [.help])
    }

    mutating func readWords() throws(UsageFailure) {
        while let word = self.rest.popFirst() {
            if word == "--" {
                for argument in self.rest { try self.take(argument) }
                return
            }
            if word.hasPrefix("--") {
                try self.readLongOption(word.dropFirst(2))
            } else if word.hasPrefix("-"), word != "-", !isNumber(word) {
                try self.readLetters(word.dropFirst())
            } else {
                try self.take(word)
            }
        }
    }

    /// A word that is no option: the name of a sub-command, or an argument.
    private mutating func take(_ word: String) throws(UsageFailure) {
        guard !self.result.command.subcommands.isEmpty else {
            self.result.arguments.append(word)
            return
        }
        if let next = self.result.command.subcommand(word) {
            self.result.path.append(word)
            self.result.command = next
            self.result.options.insert(contentsOf: next.options, at: 0)
        } else if word == "help", self.result.path.count == 1 {
            self.result.asksForHelp = true
        } else {
            let names = self.result.command.subcommands.map(\.name)
            throw self.failure(
                "there is no command \(quoted(word))", suggestion: nearestName(to: word, among: names))
        }
    }

    private mutating func readLongOption(_ word: Substring) throws(UsageFailure) {
        let name = word.prefix { $0 != "=" }
        let attached = name.endIndex == word.endIndex ? nil : String(word[name.endIndex...].dropFirst())
        guard let option = self.result.options.first(where: { $0.name == name }) else {
            let nearest = nearestName(to: String(name), among: self.result.options.map(\.name))
            throw self.failure(
                "there is no option \(quoted("--" + name))", suggestion: nearest.map { "--" + $0 })
        }
        guard option.valueName != nil else {
            guard attached == nil else { throw self.failure("--\(option.name) takes no value") }
            self.note(option, values: [])
            return
        }
        try self.readValue(of: option, attached: attached, as: "--\(option.name)")
    }

    private mutating func readLetters(_ letters: Substring) throws(UsageFailure) {
        var letters = letters
        while let letter = letters.popFirst() {
            guard let option = self.result.options.first(where: { $0.letter == letter }) else {
                throw self.failure("there is no option \(quoted("-\(letter)"))")
            }
            guard option.valueName == nil else {
                if letters.first == "=" { letters.removeFirst() }
                try self.readValue(
                    of: option, attached: letters.isEmpty ? nil : String(letters), as: "-\(letter)")
                return
            }
            self.note(option, values: [])
        }
    }

    private mutating func readValue(
        of option: OptionSpec, attached: String?, as written: String
    ) throws(UsageFailure) {
        let valueName = option.valueName ?? ""
        let value: String
        if let attached {
            value = attached
        } else {
            guard let next = self.rest.popFirst() else {
                throw self.failure("\(written) needs a \(valueName)")
            }
            guard !next.hasPrefix("-") || next == "-" || isNumber(next) else {
                throw self.failure(
                    "\(written) needs a \(valueName), found \(quoted(next))",
                    suggestion: "--\(option.name)=\(next)")
            }
            value = next
        }
        try self.check(value, of: option, as: written)
        guard option.isRepeatable || self.result.given[option.name] == nil else {
            throw self.failure("\(written) is given twice")
        }
        self.note(option, values: [value])
    }

    private func check(_ value: String, of option: OptionSpec, as written: String) throws(UsageFailure) {
        guard case .words(let allowed) = option.completion, !allowed.contains(value) else { return }
        throw self.failure(
            "\(written) takes one of \(allowed.joined(separator: ", ")), found \(quoted(value))",
            suggestion: nearestName(to: value, among: allowed))
    }

    private mutating func note(_ option: OptionSpec, values: [String]) {
        if option == .help {
            self.result.asksForHelp = true
        } else {
            let before = self.result.given[option.name]?.values ?? []
            self.result.given[option.name] = .init(values: before + values, source: .commandLine)
        }
    }

    mutating func readEnvironment(_ environment: [String: String]) throws(UsageFailure) {
        guard !self.result.asksForHelp else { return }
        for option in self.result.options where self.result.given[option.name] == nil {
            guard let variable = option.variable, let value = environment[variable], !value.isEmpty else {
                continue
            }
            let source = ParsedCommand.Source.environment(variable: variable)
            guard option.valueName == nil else {
                try self.check(value, of: option, as: "the environment variable \(variable)")
                self.result.given[option.name] = .init(values: [value], source: source)
                continue
            }
            switch value.lowercased() {
            case "1", "true", "yes", "on": self.result.given[option.name] = .init(values: [], source: source)
            case "0", "false", "no", "off": break
            default:
                throw self.failure(
                    "the environment variable \(variable) takes true or false, found \(quoted(value))")
            }
        }
    }

    func checkArguments() throws(UsageFailure) {
        guard !self.result.asksForHelp else { return }
        let command = self.result.command
        guard command.subcommands.isEmpty else {
            throw self.failure(
                "which command? One of \(command.subcommands.map(\.name).joined(separator: ", "))")
        }
        let expected = command.arguments
        if self.result.arguments.count < expected.count {
            let missing = expected[self.result.arguments.count]
            guard missing.isOptional else { throw self.failure("\(missing.name) is missing") }
        } else if self.result.arguments.count > expected.count, expected.last?.isRepeatable != true {
            throw self.failure("\(quoted(self.result.arguments[expected.count])) is one word too many")
        }
    }

    private func failure(_ message: String, suggestion: String? = nil) -> UsageFailure {
        UsageFailure(path: self.result.path, message: message, suggestion: suggestion)
    }
}

private func isNumber(_ word: String) -> Bool {
    word.dropFirst().first?.isWholeNumber == true && Double(word) != nil
}

/// A word of the user's in a message, without control characters, which could disturb a terminal.
private func quoted(_ word: some StringProtocol) -> String {
    let visible = word.unicodeScalars.prefix(80).filter { $0.properties.generalCategory != .control }
    return "\"\(String(String.UnicodeScalarView(visible)))\""
}
