import SwarmTypes

/// Writes JSON straight into bytes, in the order it is told, so that an answer with tens of thousands of rows
/// is never held as a tree beside its text.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init(reservingBytes count: Int = 512) { self.bytes.reserveCapacity(count) }

    mutating func object(_ members: (inout JSONWriter) -> Void) {
        self.nest(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    mutating func array(_ elements: (inout JSONWriter) -> Void) {
        self.nest(UInt8(ascii: "["), UInt8(ascii: "]"), elements)
    }

    /// Before a member's value.
    mutating func name(_ name: String) {
        self.string(name)
        self.bytes.append(UInt8(ascii: ":"))
        self.needsComma = false
    }

    mutating func null() { self.raw("null") }

    mutating func bool(_ value: Bool) { self.raw(value ? "true" : "false") }

    mutating func integer(_ value: Int64) { self.raw(value.description) }

    /// What JSON cannot say (infinity, not a number) is null.
    mutating func number(_ value: Double) { self.raw(value.isFinite ? value.description : "null") }

    mutating func string(_ value: String) {
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

    /// A torrent's 40 digits, without a String between.
    mutating func torrent(_ id: TorrentID) {
        self.separate()
        self.bytes.append(UInt8(ascii: "\""))
        self.bytes.append(contentsOf: id.hexDigits)
        self.bytes.append(UInt8(ascii: "\""))
    }

    mutating func value(_ value: JSONValue) {
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
    mutating func member(_ name: String, _ value: String?) {
        self.name(name)
        if let value { self.string(value) } else { self.null() }
    }

    mutating func member(_ name: String, _ value: Bool) {
        self.name(name)
        self.bool(value)
    }

    mutating func member(_ name: String, _ value: Int?) {
        self.name(name)
        if let value { self.integer(Int64(value)) } else { self.null() }
    }

    mutating func member(_ name: String, _ value: Int64) {
        self.name(name)
        self.integer(value)
    }

    mutating func member(_ name: String, _ value: Double?) {
        self.name(name)
        if let value { self.number(value) } else { self.null() }
    }

    mutating func member(_ name: String, _ value: JSONValue) {
        self.name(name)
        self.value(value)
    }

    mutating func member(_ name: String, _ values: [String]) {
        self.member(name, .array(values.map { .string($0) }))
    }

    mutating func member(_ name: String, object members: (inout JSONWriter) -> Void) {
        self.name(name)
        self.object(members)
    }

    mutating func member(_ name: String, array elements: (inout JSONWriter) -> Void) {
        self.name(name)
        self.array(elements)
    }

    /// Bytes per second; unlimited is -1, as qBittorrent and Qguardarr spell it.
    mutating func member(_ name: String, bytesPerSecond limit: UploadLimit) {
        self.member(name, limit.rate?.bytesPerSecond ?? -1)
    }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
