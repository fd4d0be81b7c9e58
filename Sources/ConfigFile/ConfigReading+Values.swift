/// The key a scalar is read for.
struct ScalarKey {
    var name: String
    var isSecret: Bool
    var scope: ConfigScope

    var path: String { self.scope.path(of: self.name) }
}

extension ConfigReading {
    /// Reads a group of keys into `root`. Nil or `null` for `node` leaves every key at its default, except for
    /// what the environment and the flags say. An unknown key is a warning.
    public mutating func group<Root>(
        _ root: inout Root, _ keys: [ConfigKey<Root>], _ node: ConfigNode?, _ scope: ConfigScope
    ) {
        var entries: [ConfigEntry] = []
        if let node, !node.isNull {
            guard case .mapping(let written) = node.content else {
                self.report(
                    ConfigProblem(
                        .wrongType, at: self.place(node.position), key: scope.path, found: node.kindName,
                        allowed: "a group of keys (\(keys.map(\.name).joined(separator: ", ")))"))
                return
            }
            entries = written
        }
        let names = keys.map(\.name)
        for entry in entries where !names.contains(entry.key) {
            self.reportUnknown(entry, among: names, in: scope.path)
        }
        for key in keys {
            key.read(&root, entries.first { $0.key == key.name }, scope, &self)
        }
    }

    public mutating func reportUnknown(_ entry: ConfigEntry, among names: [String], in path: String) {
        self.report(
            ConfigProblem(
                .unknownKey, .warning, at: self.place(entry.keyPosition), key: path,
                "the key \(shown(entry.key)) is unknown and ignored",
                remedy: didYouMean(entry.key, names) ?? "known keys are \(names.joined(separator: ", "))"))
    }

    mutating func scalar<Value>(
        _ key: ScalarKey, _ kind: ScalarKind<Value>, _ entry: ConfigEntry?, isRequired: Bool
    ) -> Value? {
        if let (text, origin) = self.override(for: key.name, in: key.scope) {
            self.note(origin, for: key.path)
            return self.converted(text, kind, key, at: self.place(of: key.path, else: key.scope.position))
        }
        guard let entry else {
            self.note(.standard, for: key.path)
            if isRequired { self.reportMissing(key, allowed: kind.allowed) }
            return nil
        }
        return self.scalar(key, kind, entry.value)
    }

    mutating func list<Value>(
        _ key: ScalarKey, _ kind: ScalarKind<Value>, _ entry: ConfigEntry?
    ) -> [Value]? {
        if let (text, origin) = self.override(for: key.name, in: key.scope) {
            self.note(origin, for: key.path)
            let place = self.place(of: key.path, else: key.scope.position)
            return text.split(separator: ",").compactMap { part in
                self.converted(trimmed(part), kind, key, at: place)
            }
        }
        guard let node = entry?.value else {
            self.note(.standard, for: key.path)
            return nil
        }
        if node.isNull { return [] }
        guard case .sequence(let items) = node.content else {
            return self.scalar(key, kind, node).map { [$0] }
        }
        let values = items.compactMap { self.scalar(key, kind, $0) }
        self.note(.file(name: self.fileName, position: node.position, variables: []), for: key.path)
        return values
    }

    /// Reads a scalar of the file.
    private mutating func scalar<Value>(
        _ key: ScalarKey, _ kind: ScalarKind<Value>, _ node: ConfigNode
    ) -> Value? {
        self.note(.file(name: self.fileName, position: node.position, variables: []), for: key.path)
        guard case .scalar(let scalar) = node.content else {
            self.report(
                ConfigProblem(
                    .wrongType, at: self.place(node.position), key: key.path, found: node.kindName,
                    allowed: kind.allowed))
            return nil
        }
        if scalar.isNull {
            if let null = kind.null { return null() }
            self.report(
                ConfigProblem(
                    .wrongType, at: self.place(node.position), key: key.path, found: "nothing",
                    allowed: kind.allowed, remedy: "write a value, or remove the key to take the default"))
            return nil
        }
        let substituted = self.environment.substituted(scalar.text)
        self.note(
            .file(name: self.fileName, position: node.position, variables: substituted.sources), for: key.path
        )
        guard self.accepts(substituted.troubles, key, at: node.position) else { return nil }
        let isWritten = substituted.sources.isEmpty
        return self.converted(
            substituted.text, kind, key, at: self.place(node.position), written: isWritten ? nil : scalar.text
        )
    }

    /// Reports what went wrong in a substitution; false when there is no value to use.
    private mutating func accepts(
        _ troubles: [SubstitutedText.Trouble], _ key: ScalarKey, at position: ConfigPosition
    ) -> Bool {
        var isUsable = true
        for trouble in troubles {
            if key.isSecret, !self.environment.needsSecrets, trouble.isAbsence {
                isUsable = false
                continue
            }
            var problem = ConfigProblem(.unsetVariable, at: self.place(position), key: key.path)
            switch trouble {
            case .unset(let name):
                problem.message = "the environment variable \(name) is not set"
                problem.remedy =
                    "set \(name), or \(name)_FILE to a file that holds the value, or write ${\(name):-default}"
            case .unreadable(let message):
                problem.kind = .unreadableFile
                problem.message = message
            case .notAVariable:
                problem.severity = .warning
                problem.kind = .doubtful
                problem.message = "a ${ that names no variable stays as written"
                problem.remedy = "write $${ for a plain ${"
            case .tooLong:
                problem.kind = .tooLarge
                problem.message = "the value is too long with its variables put in"
            }
            if problem.severity == .error { isUsable = false }
            self.report(problem)
        }
        return isUsable
    }

    /// `written` is shown in place of a text that came out of variables, because that may be a secret.
    private mutating func converted<Value>(
        _ text: String, _ kind: ScalarKind<Value>, _ key: ScalarKey, at place: ConfigProblem.Place,
        written: String? = nil
    ) -> Value? {
        var found: String? = key.isSecret ? nil : shown(written ?? text)
        let hint: String?
        switch kind.read(text) {
        case .value(let value): return value
        case .doubtful(let value, let doubt):
            self.report(ConfigProblem(.doubtful, .warning, at: place, key: key.path, doubt))
            return value
        case .refused(let remedy): hint = remedy
        case .refusedSecret(let remedy):
            hint = remedy
            found = nil
        }
        self.report(
            ConfigProblem(
                .wrongValue, at: place, key: key.path, found: found ?? "a hidden value",
                allowed: kind.allowed,
                remedy: hint))
        return nil
    }

    private mutating func reportMissing(_ key: ScalarKey, allowed: String) {
        let variable = key.scope.variable(of: key.name).map { ", or set \($0)" } ?? ""
        self.report(
            ConfigProblem(
                .missing, at: self.place(key.scope.position), key: key.path, "it is missing",
                allowed: allowed,
                remedy: "add \(key.name): …\(variable)"))
    }
}

private func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
}
