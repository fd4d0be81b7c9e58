import JSONValues

/// The shape of a JSON value, for the OpenAPI document. The tests hold every answer against its schema.
indirect enum Schema: Sendable {
    case string, integer, number, boolean
    /// Anything at all.
    case any
    case choice([String])
    case array(Schema)
    /// An object whose names are data, as torrents' hashes.
    case map(Schema)
    case object(KeyValuePairs<String, Schema>)
    /// May be null.
    case nullable(Schema)
    /// A member that may be left out.
    case optional(Schema)

    /// As JSON Schema, in the dialect of OpenAPI 3.1.
    var json: JSONValue {
        switch self {
        case .string: type("string")
        case .integer: type("integer")
        case .number: type("number")
        case .boolean: type("boolean")
        case .any: .object([])
        case .choice(let values):
            .object([.init("type", .string("string")), .init("enum", .array(values.map { .string($0) }))])
        case .array(let element): type("array", .init("items", element.json))
        case .map(let value): type("object", .init("additionalProperties", value.json))
        case .object(let members): objectJSON(members)
        case .nullable(let schema): .object([.init("anyOf", .array([schema.json, type("null")]))])
        case .optional(let schema): schema.json
        }
    }
}

private func type(_ name: String, _ members: JSONValue.Member...) -> JSONValue {
    .object([.init("type", .string(name))] + members)
}

private func objectJSON(_ members: KeyValuePairs<String, Schema>) -> JSONValue {
    let required = members.filter { if case .optional = $0.value { false } else { true } }
    return type(
        "object",
        .init("properties", .object(members.map { .init($0.key, $0.value.json) })),
        .init("required", .array(required.map { .string($0.key) })),
        .init("additionalProperties", .bool(false)))
}
