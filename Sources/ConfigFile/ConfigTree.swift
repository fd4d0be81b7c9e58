/// What a configuration text may cost.
public struct ConfigLimits: Hashable, Sendable {
    public var bytes = 1 << 20
    public var depth = 32
    /// Scalars, lists and groups; an alias counts as often as what it repeats, so that a small text cannot
    /// grow into a large tree ("billion laughs").
    public var nodes = 100_000

    /// A text counts as another node for each of these, so that repeating a long one is bounded as well.
    static let textBytesANode = 64

    public init() {}
}

/// Reads a YAML text of one document into a tree.
///
/// Nil for a text without any content. Stops at the first problem: what follows a syntax error has no meaning.
public func parseConfig(
    _ bytes: some Collection<UInt8>, fileName: String, limits: ConfigLimits = ConfigLimits()
) throws(ConfigProblem) -> ConfigNode? {
    func problem(
        _ kind: ConfigProblem.Kind, _ position: ConfigPosition, _ message: String, remedy: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(kind, at: .file(name: fileName, position: position), message, remedy: remedy)
    }

    guard bytes.count <= limits.bytes else {
        throw problem(.tooLarge, .start, "the file has \(bytes.count) bytes, and \(limits.bytes) are allowed")
    }
    var text = Array(bytes)
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
    if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) {
        throw problem(.notText, .start, "the file is UTF-16", remedy: "save it as UTF-8")
    }
    if let offset = firstInvalidUTF8(text) {
        throw problem(
            .notText, position(ofByte: offset, in: text),
            "byte 0x\(String(text[offset], radix: 16)) is not UTF-8 text", remedy: "save the file as UTF-8")
    }
    guard var events = YAMLEventReader(text) else { throw problem(.tooLarge, .start, "memory is short") }

    var builder = ConfigTreeBuilder(fileName: fileName, limits: limits)
    while !builder.isComplete {
        do {
            try builder.add(try events.next())
        } catch let failure as YAMLFailure {
            throw problem(
                .syntax, failure.position ?? position(ofByte: failure.byteOffset, in: text),
                "not valid YAML: \(failure.message)", remedy: hint(for: failure.message))
        } catch let refused as ConfigProblem {
            throw refused
        } catch {
            throw problem(.syntax, .start, "not valid YAML")
        }
    }
    return builder.root
}

/// What usually lies behind a message of libyaml.
private func hint(for message: String) -> String? {
    if message.hasSuffix("cannot start any token") {
        return "indent with spaces and not with tabs; put a value that begins with @, ` or % in quotes"
    }
    if message.hasPrefix("mapping values are not allowed") {
        return "is a line indented too far, or a value with a colon not in quotes?"
    }
    if message.hasPrefix("did not find expected key") || message.hasPrefix("could not find expected ':'") {
        return "is the line indented as the ones above, and is every quote closed?"
    }
    if message.hasSuffix("unknown escape character") {
        return "write patterns with backslashes in single quotes"
    }
    return nil
}

/// The offset of the first byte that cannot be part of UTF-8 text.
private func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    var offset = 0
    while true {
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): offset += UTF8.width(scalar)
        case .emptyInput: return nil
        case .error: return min(offset, bytes.count - 1)
        }
    }
}

private func position(ofByte offset: Int, in bytes: [UInt8]) -> ConfigPosition {
    var position = ConfigPosition.start
    for byte in bytes.prefix(offset) {
        if byte == UInt8(ascii: "\n") {
            position = ConfigPosition(line: position.line + 1, column: 1)
        } else if byte & 0xC0 != 0x80 {
            position.column += 1
        }
    }
    return position
}
