/// A header value such as `form-data; name="a b"; filename=x` in its parts.
struct HeaderParameters {
    /// What stands before the first semicolon, in lower case.
    let head: String
    private var parameters: [(name: String, value: String)] = []

    /// Nil for what does not follow the grammar of RFC 9110, section 5.6.6. In quotes a backslash stands before
    /// a quote or a backslash only, because browsers send others as they are.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        var index = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        self.head = Self.trimmed(bytes[..<index]).lowercased()
        while index < bytes.endIndex {
            index += 1
            let rest = bytes[index...]
            guard let equals = rest.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ";") })
            else {
                // A semicolon at the end means nothing.
                if Self.trimmed(rest).isEmpty { return }
                return nil
            }
            let name = Self.trimmed(rest[..<equals]).lowercased()
            if bytes[equals] == UInt8(ascii: ";") {
                guard name.isEmpty else { return nil }
                index = equals
                continue
            }
            guard !name.isEmpty, let (value, end) = Self.value(in: bytes, from: equals + 1) else {
                return nil
            }
            self.parameters.append((name, value))
            index = end
        }
    }

    /// The first parameter of that (lower-case) name.
    subscript(_ name: String) -> String? {
        self.parameters.first { $0.name == name }?.value
    }

    /// Answers the value and where the next semicolon, or the end, is.
    private static func value(in bytes: [UInt8], from start: Int) -> (String, Int)? {
        var index = start
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            let end = bytes[index...].firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
            return (self.trimmed(bytes[index..<end]), end)
        }
        index += 1
        var value: [UInt8] = []
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count,
                bytes[index + 1] == UInt8(ascii: "\"") || bytes[index + 1] == UInt8(ascii: "\\")
            {
                index += 1
            }
            value.append(bytes[index])
            index += 1
        }
        guard index < bytes.count else { return nil }
        index += 1
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") { index += 1 }
        guard index == bytes.count || bytes[index] == UInt8(ascii: ";") else { return nil }
        return (String(decoding: value, as: UTF8.self), index)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }
}
