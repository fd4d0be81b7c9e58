/// A JSON value: small bodies that come in, and the configuration that goes out.
public enum JSONValue: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public var name: String
        public var value: JSONValue

        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    case null
    case bool(Bool)
    /// Written without fraction and exponent.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; no name twice.
    case object([Member])

    /// A member of an object; nil where there is none.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

/// What a value is, where it is of that kind; nil where it is not.
extension JSONValue {
    public var isNull: Bool { self == .null }

    public var text: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    public var boolean: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    public var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    public var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}
