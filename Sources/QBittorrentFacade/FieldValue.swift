import JSONValues

/// A member of an answer: what a delta compares, and what JSON writes.
enum FieldValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    /// An object with these names, each with the number 1.
    case marks([String])

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.integer(value)
        case .number(let value): writer.number(value)
        case .text(let value): writer.string(value)
        case .marks(let names):
            writer.object { writer in for name in names { writer.member(name, Int64(1)) } }
        }
    }
}

/// When an answer is given, and to whom.
struct Telling: Sendable {
    /// Seconds since 1970.
    var now: Int64 = 0
    /// Whoever may change torrents may see with which keys they announce; who may only read may not.
    var showsKeys = true
}

/// A member of a kind of answer, and where its value comes from.
struct Field<Source>: Sendable where Source: Sendable {
    var name: String
    var value: @Sendable (Source) -> FieldValue
    /// Its value is a time, of which is told how many seconds it is away: so it changes when another time is set.
    var isDeadline = false
    /// What is told of it to who may not see the keys in trackers' addresses.
    var withoutKeys: (@Sendable (String) -> String)?

    init(_ name: String, _ value: @escaping @Sendable (Source) -> FieldValue) {
        self.name = name
        self.value = value
    }

    static func integer(_ name: String, _ value: @escaping @Sendable (Source) -> Int64) -> Field {
        Field(name) { .integer(value($0)) }
    }

    static func text(_ name: String, _ value: @escaping @Sendable (Source) -> String) -> Field {
        Field(name) { .text(value($0)) }
    }

    static func bool(_ name: String, _ value: @escaping @Sendable (Source) -> Bool) -> Field {
        Field(name) { .bool(value($0)) }
    }

    static func deadline(_ name: String, _ value: @escaping @Sendable (Source) -> Int64?) -> Field {
        var field = Field(name) { value($0).map { .integer($0) } ?? .null }
        field.isDeadline = true
        return field
    }

    static func text(
        _ name: String, withoutKeys: @escaping @Sendable (String) -> String,
        _ value: @escaping @Sendable (Source) -> String
    ) -> Field {
        var field = Field(name) { .text(value($0)) }
        field.withoutKeys = withoutKeys
        return field
    }

    func told(of source: Source, _ telling: Telling) -> FieldValue {
        let value = self.value(source)
        if let withoutKeys, !telling.showsKeys, case .text(let text) = value {
            return .text(withoutKeys(text))
        }
        guard self.isDeadline else { return value }
        guard case .integer(let time) = value else { return .integer(0) }
        return .integer(max(0, time &- telling.now))
    }

    static func number(_ name: String, _ value: @escaping @Sendable (Source) -> Double) -> Field {
        Field(name) { .number(value($0)) }
    }
}

extension JSONWriter {
    mutating func members<Source>(
        _ fields: [Field<Source>], of source: Source, _ telling: Telling = Telling()
    ) {
        for field in fields {
            self.name(field.name)
            field.told(of: source, telling).write(to: &self)
        }
    }
}
