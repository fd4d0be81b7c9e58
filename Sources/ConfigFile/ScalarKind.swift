/// A kind of single value: what is allowed, how it is read from text and written as YAML.
public struct ScalarKind<Value>: Sendable {
    public enum Reading {
        case value(Value)
        /// `hint` says what was probably meant.
        case refused(hint: String?)
        /// Refused, and not to be shown in a message, because it holds a secret.
        case refusedSecret(hint: String)
        /// Taken, with a warning that says why it looks odd.
        case doubtful(Value, String)
    }

    /// Completes "allowed is …".
    public let allowed: String
    let read: @Sendable (String) -> Reading
    /// The value as YAML text that reads back to it.
    let write: @Sendable (Value) -> String
    /// What an explicit `null` stands for; nil where it is refused.
    let null: (@Sendable () -> Value)?

    public init(
        allowed: String, read: @escaping @Sendable (String) -> Reading,
        write: @escaping @Sendable (Value) -> String, null: (@Sendable () -> Value)? = nil
    ) {
        self.allowed = allowed
        self.read = read
        self.write = write
        self.null = null
    }
}

extension ScalarKind {
    /// `null` stands for no value, and so does empty text where `Value` is text.
    public static func optional<Wrapped: Sendable>(_ kind: ScalarKind<Wrapped>) -> ScalarKind
    where Value == Wrapped? {
        ScalarKind(
            allowed: kind.allowed + ", or null",
            read: { text in
                if text.isEmpty { return .value(nil) }
                return switch kind.read(text) {
                case .value(let value): .value(value)
                case .refused(let hint): .refused(hint: hint)
                case .refusedSecret(let hint): .refusedSecret(hint: hint)
                case .doubtful(let value, let doubt): .doubtful(value, doubt)
                }
            },
            write: { value in value.map(kind.write) ?? "null" }, null: { nil })
    }

    /// Any text that passes `check`, which answers what is wrong or nil.
    public static func text(
        _ allowed: String = "any text", check: @escaping @Sendable (String) -> String? = { _ in nil }
    ) -> ScalarKind where Value == String {
        ScalarKind(
            allowed: allowed,
            read: { text in check(text).map { .refused(hint: $0) } ?? .value(text) },
            write: quotedYAML)
    }

    public static func boolean() -> ScalarKind where Value == Bool {
        ScalarKind(
            allowed: "true or false (also yes/no, on/off)",
            read: { text in
                switch text.lowercased() {
                case "true", "yes", "on", "y", "t", "1": .value(true)
                case "false", "no", "off", "n", "f", "0": .value(false)
                default: .refused(hint: nil)
                }
            },
            write: { $0 ? "true" : "false" })
    }

    /// The cases of an enum by their raw values; letter case makes no difference.
    public static func choice(_ type: Value.Type) -> ScalarKind
    where Value: CaseIterable & RawRepresentable<String> & Sendable {
        let names = Value.allCases.map(\.rawValue)
        return ScalarKind(
            allowed: names.count == 1 ? names[0] : "one of " + names.joined(separator: ", "),
            read: { text in
                let value = Value.allCases.first { $0.rawValue == text.lowercased() }
                return value.map { .value($0) } ?? .refused(hint: didYouMean(text, names))
            },
            write: { $0.rawValue })
    }
}
