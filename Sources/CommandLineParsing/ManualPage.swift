extension CommandSpec {
    /// The manual of the program as a page for `man`, section 1.
    ///
    /// - Parameters:
    ///   - version: shown at the foot
    ///   - files: the names and meanings of files worth knowing
    public func manualPage(version: String, files: [(name: String, meaning: String)] = []) -> String {
        var page = Roff()
        page.request(".TH", [self.name.uppercased(), "1", "", "\(self.name) \(version)", "User Commands"])
        page.section("NAME")
        page.text("\(self.name) - \(self.summary)")
        page.section("SYNOPSIS")
        page.text("\(self.name) [OPTIONS] COMMAND [ARGUMENTS]", macro: ".B")
        page.section("DESCRIPTION")
        for paragraph in self.details {
            page.request(".PP")
            page.text(paragraph)
        }
        page.section("OPTIONS")
        for option in self.options + [.help] { page.item(option.manualName, option.explanation) }
        page.section("COMMANDS")
        for command in self.subcommands { page.add(command, path: [self.name]) }
        page.section("EXIT STATUS")
        for code in ExitCode.allCases { page.item("\(code.rawValue)", code.meaning) }
        if !files.isEmpty { page.section("FILES") }
        for file in files { page.item(file.name, file.meaning) }
        return page.output
    }
}

extension OptionSpec {
    fileprivate var manualName: String {
        let letter = self.letter.map { "-\($0), " } ?? ""
        return "\(letter)--\(self.name)" + (self.valueName.map { " " + $0 } ?? "")
    }
}

/// A page in the language of `man`: text cannot become a request, nor a backslash an escape.
private struct Roff {
    var output = ""

    mutating func request(_ name: String, _ arguments: [String] = []) {
        let quoted = arguments.map { " \"" + escaped(Self.plain($0), ["\"": "\\(dq"]) + "\"" }
        self.output += name + quoted.joined() + "\n"
    }

    mutating func section(_ title: String) { self.request(".SH", [title]) }

    mutating func text(_ text: String, macro: String? = nil) {
        guard let macro else {
            self.output += Self.plain(text) + "\n"
            return
        }
        self.request(macro, [text])
    }

    mutating func item(_ name: String, _ text: String) {
        self.request(".TP")
        self.text(name, macro: ".B")
        self.text(text)
    }

    mutating func add(_ command: CommandSpec, path: [String]) {
        let path = path + [command.name]
        guard command.subcommands.isEmpty else {
            for inner in command.subcommands { self.add(inner, path: path) }
            return
        }
        let usage = (path + command.arguments.map(\.usage)).joined(separator: " ")
        self.request(".SS", [usage])
        self.text(command.summary + ".")
        for paragraph in command.details {
            self.request(".PP")
            self.text(paragraph)
        }
        for option in command.options { self.item(option.manualName, option.explanation) }
        for example in command.examples { self.item(example.line, example.summary) }
    }

    private static func plain(_ text: String) -> String {
        let plain = escaped(text, ["\\": "\\e", "-": "\\-", "\n": " "])
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }
}
