/// Something wrong, or odd, in a configuration: where, what was found, what is allowed, what to do.
public struct ConfigProblem: Error, Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable { case error, warning }

    /// What went wrong. The raw value is stable: programs may compare it.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        case notText = "not_text"
        case syntax
        case tooLarge = "too_large"
        case tooDeep = "too_deep"
        case unsupported
        case duplicateKey = "duplicate_key"
        case wrongType = "wrong_type"
        case wrongValue = "wrong_value"
        case missing
        case unknownKey = "unknown_key"
        case unsetVariable = "unset_variable"
        case unreadableFile = "unreadable_file"
        case conflict
        case duplicateName = "duplicate_name"
        case badPattern = "bad_pattern"
        case doubtful
    }

    public enum Place: Hashable, Sendable {
        case file(name: String, position: ConfigPosition)
        case environment(variable: String)
        case flag(String)
    }

    public var severity: Severity
    public var kind: Kind
    public var place: Place
    /// Such as `trackers[2].pattern`; empty when no key is concerned.
    public var key: String
    /// What is wrong, as a sentence without a full stop. Never holds a secret.
    public var message: String
    /// What was found, as it is shown; nil where there is nothing to show. Never holds a secret.
    public var found: String?
    public var allowed: String?
    public var remedy: String?

    public init(
        _ kind: Kind, _ severity: Severity = .error, at place: Place, key: String = "",
        _ message: String = "",
        found: String? = nil, allowed: String? = nil, remedy: String? = nil
    ) {
        self.severity = severity
        self.kind = kind
        self.place = place
        self.key = key
        self.message = message
        self.found = found
        self.allowed = allowed
        self.remedy = remedy
    }
}

extension ConfigProblem: CustomStringConvertible {
    /// One line in the form compilers use, for example
    /// `weir.yaml:7:9: error: global.port: found "70000"; allowed is a whole number from 1 to 65535`.
    public var description: String {
        var parts: [String] = []
        if !self.message.isEmpty { parts.append(self.message) }
        if let found = self.found { parts.append("found \(found)") }
        if let allowed = self.allowed { parts.append("allowed is \(allowed)") }
        if let remedy = self.remedy { parts.append(remedy) }
        let key = self.key.isEmpty ? "" : self.key + ": "
        return "\(self.place): \(self.severity.rawValue): \(key)\(parts.joined(separator: "; "))"
    }
}

extension ConfigProblem.Place: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file(let name, let position): "\(name):\(position.line):\(position.column)"
        case .environment(let variable): "environment variable \(variable)"
        case .flag(let flag): flag
        }
    }
}

/// Text from outside as shown in a message: quoted, control characters escaped, cut after 60 characters.
public func shown(_ text: String) -> String {
    var result = "\""
    for (count, character) in text.unicodeScalars.enumerated() {
        guard count < 60 else { return result + "…\"" }
        switch character {
        case "\"", "\\": result += "\\\(character)"
        case _ where character.properties.generalCategory == .control || character.properties.isBidiControl:
            result += "\\u{\(String(character.value, radix: 16))}"
        default: result.unicodeScalars.append(character)
        }
    }
    return result + "\""
}
