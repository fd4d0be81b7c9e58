/// Where a value came from.
public enum ValueOrigin: Hashable, Sendable {
    /// Nobody said anything.
    case standard
    /// `variables` are what was substituted in it: `NAME` or `NAME_FILE`.
    case file(name: String, position: ConfigPosition, variables: [String])
    case environment(variable: String)
    case flag(String)
}

extension ValueOrigin: CustomStringConvertible {
    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let name, let position, let variables):
            "\(name):\(position.line)"
                + (variables.isEmpty ? "" : " (environment \(variables.joined(separator: ", ")))")
        case .environment(let variable): "environment \(variable)"
        case .flag(let flag): flag
        }
    }
}

/// A value given on the command line for one key.
public struct FlagValue: Hashable, Sendable {
    /// As the user wrote it, such as `--port`.
    public var flag: String
    public var text: String

    public init(flag: String, text: String) {
        self.flag = flag
        self.text = text
    }
}

/// Which part of the configuration is being read.
public struct ConfigScope: Hashable, Sendable {
    /// Such as `global` or `trackers[2]`.
    public var path: String
    /// Such as `WEIR_GLOBAL`; nil where no environment variable overrides a key.
    public var variablePrefix: String?
    /// Where a missing key would have been written.
    public var position: ConfigPosition

    public init(path: String, variablePrefix: String?, position: ConfigPosition) {
        self.path = path
        self.variablePrefix = variablePrefix
        self.position = position
    }

    func path(of key: String) -> String { self.path.isEmpty ? key : "\(self.path).\(key)" }

    func variable(of key: String) -> String? {
        self.variablePrefix.map { "\($0)_\(variableWord(key))" }
    }
}

/// A name as a part of an environment variable: upper case, every other character than A-Z and 0-9 a `_`.
public func variableWord(_ name: String) -> String {
    String(
        decoding: name.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }, as: UTF8.self)
}

/// One reading of a configuration: collects every problem, and where each value came from.
public struct ConfigReading {
    public let fileName: String
    public let environment: ConfigEnvironment
    /// By key path.
    public let flags: [String: FlagValue]
    /// Errors and warnings in the order they were noticed.
    public private(set) var problems: [ConfigProblem] = []
    /// By key path, for every key that was asked for.
    public private(set) var origins: [String: ValueOrigin] = [:]
    private var wrongKeys: Set<String> = []
    private var knownVariables: Set<String> = []
    private var usedFlags: Set<String> = []

    public init(
        fileName: String, environment: ConfigEnvironment = ConfigEnvironment(),
        flags: [String: FlagValue] = [:]
    ) {
        self.fileName = fileName
        self.environment = environment
        self.flags = flags
    }

    public var hasErrors: Bool { !self.wrongKeys.isEmpty }

    /// Whether an error was reported for this very key.
    public func hasError(_ path: String) -> Bool { self.wrongKeys.contains(path) }

    public mutating func report(_ problem: ConfigProblem) {
        self.problems.append(problem)
        if problem.severity == .error { self.wrongKeys.insert(problem.key) }
    }

    public func place(_ position: ConfigPosition) -> ConfigProblem.Place {
        .file(name: self.fileName, position: position)
    }

    /// Where the value of a key that was read stands; `fallback` for one that took its default.
    public func place(of path: String, else fallback: ConfigPosition) -> ConfigProblem.Place {
        switch self.origins[path] {
        case .file(_, let position, _): self.place(position)
        case .environment(let variable): .environment(variable: variable)
        case .flag(let flag): .flag(flag)
        case .standard, nil: self.place(fallback)
        }
    }

    mutating func note(_ origin: ValueOrigin, for path: String) { self.origins[path] = origin }

    /// A text for the key from outside the file: the flag, else the file of `…_FILE`, else the variable. An
    /// empty variable is as good as none, because compose files pass unset ones on as empty.
    mutating func override(for key: String, in scope: ConfigScope) -> (text: String, origin: ValueOrigin)? {
        let path = scope.path(of: key)
        if let flag = self.flags[path] {
            self.usedFlags.insert(path)
            return (flag.text, .flag(flag.flag))
        }
        guard let variable = scope.variable(of: key) else { return nil }
        self.knownVariables.formUnion([variable, variable + "_FILE"])
        switch self.environment.contentOfFile(namedBy: variable) {
        case .text(let text, let source): return (text, .environment(variable: source))
        case .unreadable(let message):
            self.report(
                ConfigProblem(
                    .unreadableFile, at: .environment(variable: variable + "_FILE"), key: path, message))
            return nil
        case .absent: break
        }
        guard let text = self.environment.variables[variable], !text.isEmpty else { return nil }
        return (text, .environment(variable: variable))
    }

    /// Warns of variables that begin with one of `prefixes` and name no key, and of flags no key took.
    public mutating func reportUnusedOverrides(prefixes: [String]) {
        for name in self.environment.variables.keys.sorted() where !self.knownVariables.contains(name) {
            guard prefixes.contains(where: { name.hasPrefix($0 + "_") }) else { continue }
            self.report(
                ConfigProblem(
                    .unknownKey, .warning, at: .environment(variable: name),
                    "it names no setting and is ignored",
                    remedy: didYouMean(name, self.knownVariables.sorted())))
        }
        for (path, flag) in self.flags.sorted(by: { $0.key < $1.key }) where !self.usedFlags.contains(path) {
            self.report(ConfigProblem(.unknownKey, at: .flag(flag.flag), key: path, "it names no setting"))
        }
    }
}
