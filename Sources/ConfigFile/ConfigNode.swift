/// A place in a configuration text, both counted from 1. A column counts characters, not bytes.
public struct ConfigPosition: Hashable, Comparable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static let start = ConfigPosition(line: 1, column: 1)

    public static func < (left: Self, right: Self) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A YAML scalar as written. Its type is decided by who reads it, never guessed from the text.
public struct ConfigScalar: Hashable, Sendable {
    public var text: String
    /// Quoted, or a block scalar: then `null` and `~` are words and not "nothing".
    public var isQuoted: Bool

    public init(text: String, isQuoted: Bool) {
        self.text = text
        self.isQuoted = isQuoted
    }

    public var isNull: Bool {
        !self.isQuoted && ["", "~", "null", "Null", "NULL"].contains(self.text)
    }
}

/// One `key: value` of a mapping.
public struct ConfigEntry: Hashable, Sendable {
    public var key: String
    public var keyPosition: ConfigPosition
    public var value: ConfigNode

    public init(key: String, keyPosition: ConfigPosition, value: ConfigNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// A YAML value and the place it was written. At most `ConfigLimits.depth` deep, so walking it may recurse.
public struct ConfigNode: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case scalar(ConfigScalar)
        case sequence([ConfigNode])
        /// In the order of the text; keys are unique.
        case mapping([ConfigEntry])
    }

    public var content: Content
    public var position: ConfigPosition

    public init(_ content: Content, at position: ConfigPosition) {
        self.content = content
        self.position = position
    }

    /// What a reader of an error message calls it.
    public var kindName: String {
        switch self.content {
        case .scalar(let scalar): scalar.isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a group of keys"
        }
    }

    public var isNull: Bool {
        guard case .scalar(let scalar) = self.content else { return false }
        return scalar.isNull
    }
}
