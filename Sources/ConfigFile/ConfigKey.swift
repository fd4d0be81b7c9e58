/// One key of a group: how its value is read into `Root`, and written from it.
///
/// A group is a list of these, and reading, printing, comparing and the commented template all walk that list,
/// so that none of them can forget a key.
public struct ConfigKey<Root>: Sendable {
    public let name: String
    /// For the template: what it means, its unit, its limits.
    public let help: String
    public let traits: ConfigTraits
    let read: @Sendable (inout Root, ConfigEntry?, ConfigScope, inout ConfigReading) -> Void
    let lines: @Sendable (Root, String) -> [ConfigLine]

    /// A single value. A key that nobody set leaves `Root` as it is.
    public static func value<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ kind: ScalarKind<Value>,
        _ traits: ConfigTraits = [], help: String
    ) -> ConfigKey {
        ConfigKey(name: name, help: help, traits: traits) { root, entry, scope, reading in
            let key = ScalarKey(name: name, isSecret: traits.contains(.secret), scope: scope)
            if let value = reading.scalar(key, kind, entry, isRequired: traits.contains(.required)) {
                root[keyPath: path] = value
            }
        } lines: { root, parent in
            [ConfigLine(name: name, path: parent + name, text: kind.write(root[keyPath: path]), help, traits)]
        }
    }

    /// The same key, left out of what is written where `condition` does not hold.
    public func shown(when condition: @escaping @Sendable (Root) -> Bool) -> ConfigKey {
        ConfigKey(name: self.name, help: self.help, traits: self.traits, read: self.read) {
            [lines] root, parent in
            condition(root) ? lines(root, parent) : []
        }
    }

    /// A list of single values; a lone value is a list of one, and an override is split at commas.
    public static func list<Value>(
        _ name: String, _ path: any WritableKeyPath<Root, [Value]> & Sendable, _ kind: ScalarKind<Value>,
        help: String
    ) -> ConfigKey {
        ConfigKey(name: name, help: help, traits: []) { root, entry, scope, reading in
            let key = ScalarKey(name: name, isSecret: false, scope: scope)
            if let values = reading.list(key, kind, entry) { root[keyPath: path] = values }
        } lines: { root, parent in
            let text = "[" + root[keyPath: path].map(kind.write).joined(separator: ", ") + "]"
            return [ConfigLine(name: name, path: parent + name, text: text, help, [])]
        }
    }

    /// A group within the group.
    public static func group<Part>(
        _ name: String, _ path: any WritableKeyPath<Root, Part> & Sendable, _ keys: [ConfigKey<Part>],
        help: String
    ) -> ConfigKey {
        ConfigKey(name: name, help: help, traits: []) { root, entry, scope, reading in
            let inner = ConfigScope(
                path: scope.path(of: name), variablePrefix: scope.variable(of: name),
                position: entry?.keyPosition ?? scope.position)
            reading.group(&root[keyPath: path], keys, entry?.value, inner)
        } lines: { root, parent in
            let own = ConfigLine(name: name, path: parent + name, text: nil, help, [])
            return [own] + configLines(root[keyPath: path], keys, parent: parent + name + ".", depth: 1)
        }
    }
}

public struct ConfigTraits: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Its value is never shown.
    public static let secret = ConfigTraits(rawValue: 1)
    /// A change takes effect at the next start only.
    public static let restart = ConfigTraits(rawValue: 2)
    /// There is no default.
    public static let required = ConfigTraits(rawValue: 4)
    /// Worth a line of its own in a new file; the template writes the others as comments.
    public static let essential = ConfigTraits(rawValue: 8)
}

/// One line of a written configuration.
public struct ConfigLine: Hashable, Sendable {
    public var name: String
    public var path: String
    /// YAML; nil for the head of a group.
    public var text: String?
    public var help: String
    public var traits: ConfigTraits
    /// Steps of indentation within the group it was asked for.
    public var depth = 0

    init(name: String, path: String, text: String?, _ help: String, _ traits: ConfigTraits) {
        self.name = name
        self.path = path
        self.text = text
        self.help = help
        self.traits = traits
    }
}

/// Every key of a group with the value it has in `root`. `parent` is put before each path: empty, or `global.`.
public func configLines<Root>(
    _ root: Root, _ keys: [ConfigKey<Root>], parent: String, depth: Int = 0
) -> [ConfigLine] {
    keys.flatMap { key in
        key.lines(root, parent).map { line in
            var line = line
            line.depth += depth
            return line
        }
    }
}
