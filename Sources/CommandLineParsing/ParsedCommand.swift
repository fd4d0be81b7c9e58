/// A command line that makes sense.
public struct ParsedCommand: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        case commandLine
        case environment(variable: String)
    }

    struct Given: Hashable, Sendable {
        var values: [String]
        var source: Source
    }

    /// From the program on: `["weir", "config", "check"]`.
    public internal(set) var path: [String]
    public internal(set) var command: CommandSpec
    /// The user asks for the help of `command` and nothing else.
    public internal(set) var asksForHelp = false
    public internal(set) var arguments: [String] = []
    /// The options of the command and of those above it.
    var options: [OptionSpec]
    var given: [String: Given] = [:]

    /// Whether a flag or an option was given.
    public func has(_ option: String) -> Bool { self.lookUp(option) != nil }

    public func value(_ option: String) -> String? { self.lookUp(option)?.values.last }

    public func values(_ option: String) -> [String] { self.lookUp(option)?.values ?? [] }

    /// Nil when the option was not given.
    public func source(_ option: String) -> Source? { self.lookUp(option)?.source }

    private func lookUp(_ option: String) -> Given? {
        precondition(
            self.asksForHelp || self.options.contains { $0.name == option },
            "\(self.path.joined(separator: " ")) declares no option \(option)")
        return self.given[option]
    }
}

/// A command line that makes no sense. Exit with `ExitCode.usage`.
public struct UsageFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// As far as it was understood: `["weir", "config"]`.
    public var path: [String]
    /// Without a full stop.
    public var message: String
    /// What was probably meant, as it would be typed.
    public var suggestion: String?

    public var description: String {
        let command = self.path.joined(separator: " ")
        let hint = self.suggestion.map { ". Did you mean \($0)?" } ?? ""
        return "\(command): \(self.message)\(hint)\nSee `\(command) --help`."
    }
}
