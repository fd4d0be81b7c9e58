/// Why a body is not a form we take.
public enum FormFailure: Error, Hashable, Sendable {
    /// Neither `application/x-www-form-urlencoded` nor `multipart/form-data` with a boundary.
    case unsupportedType(String)
    /// The byte, counted from the first, where the body stops to make sense.
    case malformed(atByte: Int)
    case tooManyFields(maximum: Int)
    /// A name or value, before decoding.
    case fieldTooLong(maximum: Int)
    /// A file where only plain fields are taken.
    case filePart(name: String)
}

/// Reads the two encodings in which HTML forms and `curl -d`, `--data-urlencode` and `-F` send their fields.
public enum FormBody {
    /// The fields in order, repeated names kept, in time linear in the size of the body.
    public static func parse(
        contentType: String, body: [UInt8], maximumFields: Int = 64, maximumFieldBytes: Int = 64 * 1024
    ) throws(FormFailure) -> [(name: String, value: String)] {
        guard let type = HeaderParameters(contentType) else { throw .unsupportedType(contentType) }
        switch type.head {
        case "application/x-www-form-urlencoded":
            return try formFields(
                body.span, maximumFields: maximumFields, maximumFieldBytes: maximumFieldBytes)
        case "multipart/form-data":
            guard let boundary = type["boundary"], MultipartReader.isBoundary(boundary) else {
                throw .unsupportedType(contentType)
            }
            let reader = MultipartReader(
                boundary: boundary, maximumFields: maximumFields, maximumFieldBytes: maximumFieldBytes)
            return try reader.read(body.span)
        default:
            throw .unsupportedType(contentType)
        }
    }
}

/// A field of a form that may be a file.
public struct FormPart: Sendable {
    public var name: String
    /// Nil for a plain field. Hostile text.
    public var fileName: String?
    public var content: [UInt8]
}

extension FormBody {
    /// The parts in order, files as they are. For a form without files as well.
    public static func parts(
        contentType: String, body: [UInt8], maximumParts: Int, maximumPartBytes: Int
    ) throws(FormFailure) -> [FormPart] {
        guard let type = HeaderParameters(contentType) else { throw .unsupportedType(contentType) }
        guard type.head == "multipart/form-data" else {
            return try self.parse(
                contentType: contentType, body: body, maximumFields: maximumParts,
                maximumFieldBytes: maximumPartBytes
            ).map { FormPart(name: $0.name, fileName: nil, content: Array($0.value.utf8)) }
        }
        guard let boundary = type["boundary"], MultipartReader.isBoundary(boundary) else {
            throw .unsupportedType(contentType)
        }
        let reader = MultipartReader(
            boundary: boundary, maximumFields: maximumParts, maximumFieldBytes: maximumPartBytes)
        var parts: [FormPart] = []
        try reader.readParts(body.span) { head, content throws(FormFailure) in
            guard content.count <= maximumPartBytes else { throw .fieldTooLong(maximum: maximumPartBytes) }
            parts.append(FormPart(name: head.name, fileName: head.fileName, content: Array(body[content])))
        }
        return parts
    }
}

/// Reads "a=1&b=2", where empty pieces mean nothing and a name without "=" has an empty value.
func formFields(
    _ text: Span<UInt8>, maximumFields: Int, maximumFieldBytes: Int
) throws(FormFailure) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    var start = 0
    while start < text.count {
        var split: Int?
        var end = start
        while end < text.count, text[end] != UInt8(ascii: "&") {
            if split == nil, text[end] == UInt8(ascii: "=") { split = end }
            end += 1
        }
        defer { start = end + 1 }
        if start == end { continue }
        guard fields.count < maximumFields else { throw .tooManyFields(maximum: maximumFields) }
        let name = start..<(split ?? end)
        let value = min((split ?? end) + 1, end)..<end
        guard max(name.count, value.count) <= maximumFieldBytes else {
            throw .fieldTooLong(maximum: maximumFieldBytes)
        }
        guard let decodedName = percentDecoded(text.extracting(name), plusIsSpace: true) else {
            throw .malformed(atByte: name.lowerBound)
        }
        guard let decodedValue = percentDecoded(text.extracting(value), plusIsSpace: true) else {
            throw .malformed(atByte: value.lowerBound)
        }
        fields.append((decodedName, decodedValue))
    }
    return fields
}
