/// Reads multipart/form-data (RFC 7578). A boundary holds no line break, so that a search for "CR LF --
/// boundary" never looks at a byte more than twice.
func parseMultipart(contentType: String, body: [UInt8]) throws(FormFailure) -> [FormField] {
    guard let boundary = parameter("boundary", of: contentType), (1...70).contains(boundary.utf8.count),
        boundary.utf8.allSatisfy({ $0 > 0x1F && $0 < 0x7F })
    else { throw .unsupportedType }
    let delimiter = Array("\r\n--\(boundary)".utf8)
    // The first delimiter needs no line break before it.
    guard body.starts(with: delimiter.dropFirst(2)) else { throw .malformed }
    var position = delimiter.count - 2
    var fields: [FormField] = []
    while true {
        if body[position...].starts(with: "--".utf8) { return fields }
        guard body[position...].starts(with: "\r\n".utf8) else { throw .malformed }
        guard fields.count < maximumFields else { throw .tooManyFields(limit: maximumFields) }
        position += 2
        guard let end = firstIndex(of: delimiter, in: body, from: position) else { throw .malformed }
        fields.append(try field(body[position..<end]))
        position = end + delimiter.count
    }
}

private func field(_ part: ArraySlice<UInt8>) throws(FormFailure) -> FormField {
    var name: String?
    var isFile = false
    var rest = part
    while true {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw .malformed }
        var line = rest[..<end]
        rest = rest[(end + 1)...]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty { break }
        guard let text = String(validating: line, as: UTF8.self) else { throw .malformed }
        guard text.lowercased().hasPrefix("content-disposition:") else { continue }
        name = parameter("name", of: text)
        isFile = parameter("filename", of: text) != nil || parameter("filename*", of: text) != nil
    }
    guard let name else { throw .malformed }
    if isFile { return FormField(name: name, value: "", isFile: true) }
    guard let value = String(validating: rest, as: UTF8.self) else { throw .malformed }
    return FormField(name: name, value: value)
}

/// The value of `name=value` or `name="value"` after the first semicolon of a header.
private func parameter(_ wanted: String, of header: String) -> String? {
    var rest = Array(header.utf8).drop { $0 != UInt8(ascii: ";") }
    while rest.first == UInt8(ascii: ";") {
        rest = rest.dropFirst().drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
        rest = rest.dropFirst(name.count)
        var value: [UInt8] = []
        if rest.first == UInt8(ascii: "=") {
            rest = rest.dropFirst()
            value = takeValue(from: &rest)
        }
        rest = rest.drop { $0 != UInt8(ascii: ";") }
        if String(decoding: name, as: UTF8.self).lowercased() == wanted {
            return String(decoding: value, as: UTF8.self)
        }
    }
    return nil
}

private func takeValue(from rest: inout ArraySlice<UInt8>) -> [UInt8] {
    guard rest.first == UInt8(ascii: "\"") else {
        let value = rest.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        rest = rest.dropFirst(value.count)
        return Array(value)
    }
    rest = rest.dropFirst()
    var value: [UInt8] = []
    while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
        if byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
            value.append(escaped)
        } else {
            value.append(byte)
        }
    }
    return value
}

private func firstIndex(of pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    var index = start
    while index + pattern.count <= bytes.count {
        if bytes[index] == pattern[0], bytes[index..<(index + pattern.count)].elementsEqual(pattern) {
            return index
        }
        index += 1
    }
    return nil
}
