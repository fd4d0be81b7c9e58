/// Why a form cannot be read.
enum FormFailure: Error, Hashable {
    /// Neither urlencoded nor multipart, or multipart without a usable boundary.
    case unsupportedType
    /// A broken percent escape, text that is not UTF-8, or a multipart body that does not follow its
    /// boundary.
    case malformed
    case tooManyFields(limit: Int)
}

/// A field of a form. A file's content is never looked at, but its field is known by name.
struct FormField: Hashable {
    var name: String
    var value: String
    var isFile = false
}

/// Forms of this API have three fields; a qBittorrent recipe may send all it knows.
let maximumFields = 64

/// Reads a form of either kind, in one pass over the body. Without a content type it is urlencoded.
func parseForm(contentType: String?, body: [UInt8]) throws(FormFailure) -> [FormField] {
    guard let contentType else { return try parseURLEncoded(body) }
    switch MediaType(contentType).name {
    case "application/x-www-form-urlencoded", "text/plain", "": return try parseURLEncoded(body)
    case "multipart/form-data": return try parseMultipart(contentType: contentType, body: body)
    default: throw .unsupportedType
    }
}

/// The part of a Content-Type header before its parameters, in lower case.
struct MediaType {
    let name: String

    init(_ header: String) {
        var bytes = Array(header.utf8.prefix { $0 != UInt8(ascii: ";") })
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        for index in bytes.indices where UInt8(ascii: "A")...UInt8(ascii: "Z") ~= bytes[index] {
            bytes[index] |= 0x20
        }
        self.name = String(decoding: bytes.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }

    var isJSON: Bool { self.name == "application/json" }
}

private func parseURLEncoded(_ body: [UInt8]) throws(FormFailure) -> [FormField] {
    var fields: [FormField] = []
    for pair in body.split(separator: UInt8(ascii: "&")) {
        guard fields.count < maximumFields else { throw .tooManyFields(limit: maximumFields) }
        let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
        fields.append(
            FormField(
                name: try urlDecoded(pair[..<equals]), value: try urlDecoded(pair[equals...].dropFirst())))
    }
    return fields
}

private func urlDecoded(_ bytes: ArraySlice<UInt8>) throws(FormFailure) -> String {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
        var byte = bytes[index]
        if byte == UInt8(ascii: "+") {
            byte = UInt8(ascii: " ")
        } else if byte == UInt8(ascii: "%") {
            guard index + 2 < bytes.endIndex, let high = hexValue(bytes[index + 1]),
                let low = hexValue(bytes[index + 2])
            else { throw .malformed }
            byte = high << 4 | low
            index += 2
        }
        decoded.append(byte)
        index += 1
    }
    guard let text = String(validating: decoded, as: UTF8.self) else { throw .malformed }
    return text
}
