import SwarmTypes

/// Why a body is not JSON that we take.
public struct JSONFailure: Error, Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        case endOfInput
        case unexpectedByte(UInt8)
        case nestedTooDeep(limit: Int)
        case repeatedName(String)
        /// Not UTF-8, a bare control character, half of a surrogate pair or an unknown escape.
        case badString
        case badNumber
        case trailingBytes
    }

    public var reason: Reason
    /// Where in the body, counted from its first byte.
    public var offset: Int
}

extension JSONFailure: CustomStringConvertible {
    public var description: String {
        switch self.reason {
        case .endOfInput: "the JSON ends too early"
        case .unexpectedByte: "the JSON is malformed at byte \(self.offset)"
        case .nestedTooDeep(let limit): "the JSON is nested more than \(limit) deep"
        case .repeatedName(let name): "the JSON names \"\(name.prefix(32))\" twice"
        case .badString: "the JSON has a malformed string at byte \(self.offset)"
        case .badNumber: "the JSON has a malformed number at byte \(self.offset)"
        case .trailingBytes: "something follows the JSON at byte \(self.offset)"
        }
    }
}

/// Reads a small JSON text strictly (RFC 8259), and refuses a name that comes twice, which decoders of the
/// standard library do not notice.
public struct JSONReader {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var position = 0

    /// - Parameter maximumDepth: the deepest nesting taken.
    public static func read(_ bytes: [UInt8], maximumDepth: Int = 16) throws(JSONFailure) -> JSONValue {
        var reader = JSONReader(bytes, maximumDepth: maximumDepth)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.failure(.trailingBytes) }
        return value
    }

    private init(_ bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    private mutating func value(depth: Int) throws(JSONFailure) -> JSONValue {
        guard depth <= self.maximumDepth else { throw self.failure(.nestedTooDeep(limit: self.maximumDepth)) }
        self.skipSpace()
        switch try self.peek() {
        case UInt8(ascii: "{"): return try self.object(depth: depth)
        case UInt8(ascii: "["): return try self.array(depth: depth)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.literal("true", .bool(true))
        case UInt8(ascii: "f"): return try self.literal("false", .bool(false))
        case UInt8(ascii: "n"): return try self.literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try self.number()
        case let byte: throw self.failure(.unexpectedByte(byte))
        }
    }

    private mutating func object(depth: Int) throws(JSONFailure) -> JSONValue {
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        self.position += 1
        self.skipSpace()
        if try self.take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            self.skipSpace()
            guard try self.peek() == UInt8(ascii: "\"") else { throw try self.unexpected() }
            let name = try self.string()
            guard names.insert(name).inserted else { throw self.failure(.repeatedName(name)) }
            self.skipSpace()
            guard try self.take(UInt8(ascii: ":")) else { throw try self.unexpected() }
            members.append(JSONValue.Member(name, try self.value(depth: depth + 1)))
            self.skipSpace()
        } while try self.take(UInt8(ascii: ","))
        guard try self.take(UInt8(ascii: "}")) else { throw try self.unexpected() }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONFailure) -> JSONValue {
        var elements: [JSONValue] = []
        self.position += 1
        self.skipSpace()
        if try self.take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            elements.append(try self.value(depth: depth + 1))
            self.skipSpace()
        } while try self.take(UInt8(ascii: ","))
        guard try self.take(UInt8(ascii: "]")) else { throw try self.unexpected() }
        return .array(elements)
    }

    private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONFailure) -> JSONValue {
        for byte in text.utf8 {
            guard try self.peek() == byte else { throw try self.unexpected() }
            self.position += 1
        }
        return value
    }

    private mutating func number() throws(JSONFailure) -> JSONValue {
        let start = self.position
        var isInteger = true
        _ = try self.take(UInt8(ascii: "-"))
        // No leading zero: "0" stands alone.
        if try !self.take(UInt8(ascii: "0")) { try self.digits(from: start) }
        if self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: ".") {
            isInteger = false
            self.position += 1
            try self.digits(from: start)
        }
        if self.position < self.bytes.count, self.bytes[self.position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            self.position += 1
            if self.position < self.bytes.count,
                [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(self.bytes[self.position])
            {
                self.position += 1
            }
            try self.digits(from: start)
        }
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw JSONFailure(reason: .badNumber, offset: start)
        }
        return .number(value)
    }

    /// At least one.
    private mutating func digits(from start: Int) throws(JSONFailure) {
        let first = self.position
        while self.position < self.bytes.count, isDigit(self.bytes[self.position]) { self.position += 1 }
        guard self.position > first else { throw JSONFailure(reason: .badNumber, offset: start) }
    }

    private mutating func string() throws(JSONFailure) -> String {
        let start = self.position
        let bad = JSONFailure(reason: .badString, offset: start)
        self.position += 1
        var text: [UInt8] = []
        while true {
            let byte = try self.peek()
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw bad }
                return string
            case UInt8(ascii: "\\"):
                guard let scalar = try self.escaped() else { throw bad }
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            case 0..<0x20:
                throw bad
            default:
                text.append(byte)
            }
        }
    }

    /// What follows a backslash; nil when it is no escape.
    private mutating func escaped() throws(JSONFailure) -> Unicode.Scalar? {
        let byte = try self.peek()
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let first = try self.fourHexDigits() else { return nil }
            guard 0xD800...0xDBFF ~= first else { return Unicode.Scalar(first) }
            guard try self.take(UInt8(ascii: "\\")), try self.take(UInt8(ascii: "u")),
                let second = try self.fourHexDigits(), 0xDC00...0xDFFF ~= second
            else { return nil }
            return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        default: return nil
        }
    }

    private mutating func fourHexDigits() throws(JSONFailure) -> UInt32? {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexValue(try self.peek()) else { return nil }
            value = value << 4 | UInt32(digit)
            self.position += 1
        }
        return value
    }

    private mutating func skipSpace() {
        while self.position < self.bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(self.bytes[self.position]) {
            self.position += 1
        }
    }

    private func peek() throws(JSONFailure) -> UInt8 {
        guard self.position < self.bytes.count else { throw self.failure(.endOfInput) }
        return self.bytes[self.position]
    }

    private mutating func take(_ byte: UInt8) throws(JSONFailure) -> Bool {
        guard try self.peek() == byte else { return false }
        self.position += 1
        return true
    }

    private func unexpected() throws(JSONFailure) -> JSONFailure {
        self.failure(.unexpectedByte(try self.peek()))
    }

    private func failure(_ reason: JSONFailure.Reason) -> JSONFailure {
        JSONFailure(reason: reason, offset: self.position)
    }
}

private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
