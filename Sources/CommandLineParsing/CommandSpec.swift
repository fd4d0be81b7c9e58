/// A command as data: parsing, help, completions and the manual all come from it.
public struct CommandSpec: Hashable, Sendable {
    public var name: String
    /// A line, without a full stop.
    public var summary: String
    /// Further paragraphs for help and manual.
    public var details: [String]
    /// They hold for every sub-command too.
    public var options: [OptionSpec]
    /// In their order. Only the last may be optional or repeat. Empty where there are sub-commands.
    public var arguments: [ArgumentSpec]
    public var examples: [CommandExample]
    public var subcommands: [CommandSpec]

    public init(
        _ name: String, _ summary: String, details: [String] = [], options: [OptionSpec] = [],
        arguments: [ArgumentSpec] = [], examples: [CommandExample] = [], subcommands: [CommandSpec] = []
    ) {
        self.name = name
        self.summary = summary
        self.details = details
        self.options = options
        self.arguments = arguments
        self.examples = examples
        self.subcommands = subcommands
    }

    func subcommand(_ name: String) -> CommandSpec? { self.subcommands.first { $0.name == name } }
}

/// What a shell may offer to complete a word with.
public enum WordCompletion: Hashable, Sendable {
    case nothing
    case files
    case words([String])
}

public struct OptionSpec: Hashable, Sendable {
    /// Without the dashes.
    public var name: String
    public var letter: Character?
    /// What stands for the value in help texts, such as `FILE`; nil for a flag.
    public var valueName: String?
    public var summary: String
    /// The environment variable that stands in when the option is not given.
    public var variable: String?
    /// With `.words`, only these values are allowed.
    public var completion: WordCompletion
    /// May be given several times.
    public var isRepeatable: Bool

    /// An option that is given or not.
    public static func flag(
        _ name: String, _ letter: Character? = nil, _ summary: String, variable: String? = nil
    ) -> OptionSpec {
        OptionSpec(
            name: name, letter: letter, valueName: nil, summary: summary, variable: variable,
            completion: .nothing,
            isRepeatable: false)
    }

    /// An option with a value.
    public static func value(
        _ name: String, _ letter: Character? = nil, _ valueName: String, _ summary: String,
        variable: String? = nil, completion: WordCompletion = .nothing, isRepeatable: Bool = false
    ) -> OptionSpec {
        OptionSpec(
            name: name, letter: letter, valueName: valueName, summary: summary, variable: variable,
            completion: completion, isRepeatable: isRepeatable)
    }

    /// `--help`, which every command has.
    static let help = OptionSpec.flag("help", "h", "Show this help")
}

public struct ArgumentSpec: Hashable, Sendable {
    /// Such as `FILE`.
    public var name: String
    public var summary: String
    public var isOptional: Bool
    /// Takes every further word as well.
    public var isRepeatable: Bool
    public var completion: WordCompletion

    public init(
        _ name: String, _ summary: String, isOptional: Bool = false, isRepeatable: Bool = false,
        completion: WordCompletion = .nothing
    ) {
        self.name = name
        self.summary = summary
        self.isOptional = isOptional
        self.isRepeatable = isRepeatable
        self.completion = completion
    }

    var usage: String {
        let name = self.isRepeatable ? self.name + "..." : self.name
        return self.isOptional ? "[\(name)]" : name
    }
}

public struct CommandExample: Hashable, Sendable {
    public var line: String
    public var summary: String

    public init(_ line: String, _ summary: String) {
        self.line = line
        self.summary = summary
    }
}
