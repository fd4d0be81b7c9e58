import SwarmTypes

/// Writes JSON straight into bytes, in the order it is told, so that an answer with tens of thousands of rows
/// is never held as a tree beside its text.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    public init(reservingBytes count: Int = 512) { self.bytes.reserveCapacity(count) }

    public mutating func object(_ members: (inout JSONWriter) -> Void) {
        self.nest(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    public mutating func array(_ elements: (inout JSONWriter) -> Void) {
        self.nest(UInt8(ascii: "["), UInt8(ascii: "]"), elements)
    }

    /// Opens an object or array that a later call of `end` closes: for what is written slice by slice.
    public mutating func begin(_ opening: Bracket) {
        self.separate()
        self.bytes.append(opening == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
        self.needsComma = false
    }

    public mutating func end(_ closing: Bracket) {
        self.bytes.append(closing == .object ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        self.needsComma = true
    }

    public enum Bracket: Sendable {
        case object, array
    }

    /// What was written since the last call; the writer goes on behind it.
    public mutating func takeBytes() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &self.bytes)
        self.bytes.reserveCapacity(taken.count)
        return taken
    }

    /// Before a member's value.
    public mutating func name(_ name: String) {
        self.string(name)
        self.bytes.append(UInt8(ascii: ":"))
        self.needsComma = false
    }

    public mutating func null() { self.raw("null") }

    public mutating func bool(_ value: Bool) { self.raw(value ? "true" : "false") }

    public mutating func integer(_ value: Int64) { self.raw(value.description) }

    /// What JSON cannot say (infinity, not a number) is null.
    public mutating func number(_ value: Double) { self.raw(value.isFinite ? value.description : "null") }

    public mutating func string(_ value: String) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                self.bytes.append(UInt8(ascii: "\\"))
                self.bytes.append(byte)
            // Also DEL, so that a terminal shows an answer safely.
            case 0..<0x20, 0x7F:
                self.bytes.append(contentsOf: "\\u00".utf8)
                self.bytes.append(hexDigit(byte >> 4))
                self.bytes.append(hexDigit(byte & 15))
            default:
                self.bytes.append(byte)
            }
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// Text that needs no escape, such as digits.
    public mutating func string(plain digits: [UInt8]) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(contentsOf: digits)
        self.bytes.append(UInt8(ascii: "\""))
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: self.null()
        case .bool(let value): self.bool(value)
        case .integer(let value): self.integer(value)
        case .number(let value): self.number(value)
        case .string(let value): self.string(value)
        case .array(let elements): self.array { for element in elements { $0.value(element) } }
        case .object(let members):
            self.object { for member in members { $0.member(member.name, member.value) } }
        }
    }

    private mutating func raw(_ text: String) {
        self.separate()
        self.bytes.append(contentsOf: text.utf8)
    }

    private mutating func separate() {
        if self.needsComma { self.bytes.append(UInt8(ascii: ",")) }
        self.needsComma = true
    }

    private mutating func nest(_ opening: UInt8, _ closing: UInt8, _ body: (inout JSONWriter) -> Void) {
        self.separate()
        self.bytes.append(opening)
        self.needsComma = false
        body(&self)
        self.bytes.append(closing)
        self.needsComma = true
    }
}

/// Members of an object, by the kind of their value; nil is null.
extension JSONWriter {
    public mutating func member(_ name: String, _ value: String?) {
        self.name(name)
        if let value { self.string(value) } else { self.null() }
    }

    public mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        self.bool(value)
    }

    public mutating func member(_ name: String, _ value: Int?) {
        self.name(name)
        if let value { self.integer(Int64(value)) } else { self.null() }
    }

    public mutating func member(_ name: String, _ value: Int64) {
        self.name(name)
        self.integer(value)
    }

    public mutating func member(_ name: String, _ value: Double?) {
        self.name(name)
        if let value { self.number(value) } else { self.null() }
    }

    public mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    public mutating func member(_ name: String, _ values: [String]) {
        self.member(name, .array(values.map { .string($0) }))
    }

    public mutating func member(_ name: String, object members: (inout JSONWriter) -> Void) {
        self.name(name)
        self.object(members)
    }

    public mutating func member(_ name: String, array elements: (inout JSONWriter) -> Void) {
        self.name(name)
        self.array(elements)
    }
}
