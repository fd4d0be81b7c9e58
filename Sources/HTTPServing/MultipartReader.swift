/// Reads `multipart/form-data` (RFC 7578) from a complete body.
struct MultipartReader {
    /// For all headers of one part.
    private static let maximumHeaderBytes = 4096

    /// What stands between parts: a line break, two hyphens and the boundary.
    private let delimiter: [UInt8]
    private let maximumFields: Int
    private let maximumFieldBytes: Int

    init(boundary: String, maximumFields: Int, maximumFieldBytes: Int) {
        self.delimiter = Array("\r\n--\(boundary)".utf8)
        self.maximumFields = maximumFields
        self.maximumFieldBytes = maximumFieldBytes
    }

    /// The characters of RFC 2046, section 5.1.1; a line break is none of them, on which `find` relies.
    static func isBoundary(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard 1...70 ~= bytes.count, bytes.last != UInt8(ascii: " ") else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default:
                "'()+_,-./:=? ".utf8.contains(byte)
            }
        }
    }

    func read(_ body: Span<UInt8>) throws(FormFailure) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        try self.readParts(body) { head, content throws(FormFailure) in
            if head.fileName != nil { throw .filePart(name: head.name) }
            guard content.count <= self.maximumFieldBytes else {
                throw .fieldTooLong(maximum: self.maximumFieldBytes)
            }
            guard let value = validated(body.extracting(content)) else {
                throw .malformed(atByte: content.lowerBound)
            }
            fields.append((head.name, value))
        }
        return fields
    }

    /// Calls `take` with each part and where in the body its content stands.
    func readParts(
        _ body: Span<UInt8>, _ take: (PartHead, Range<Int>) throws(FormFailure) -> Void
    ) throws(FormFailure) {
        var count = 0
        var position = try self.endOfFirstDelimiter(in: body)
        // After each delimiter come two hyphens, or a part.
        while !self.matches("--", in: body, at: position) {
            while position < body.count, body[position] == 0x20 || body[position] == 0x09 { position += 1 }
            guard self.matches("\r\n", in: body, at: position) else { throw .malformed(atByte: position) }
            guard count < self.maximumFields else { throw .tooManyFields(maximum: self.maximumFields) }
            count += 1
            let (head, start) = try self.readHeaders(of: body, from: position + 2)
            guard let end = self.find(in: body, from: start) else { throw .malformed(atByte: body.count) }
            try take(head, start..<end)
            position = end + self.delimiter.count
        }
    }

    /// What the headers of a part say.
    struct PartHead {
        var name: String
        /// Nil for a plain field.
        var fileName: String?
    }

    /// The first delimiter may stand at the very start, without its line break.
    private func endOfFirstDelimiter(in body: Span<UInt8>) throws(FormFailure) -> Int {
        let bare = self.delimiter.dropFirst(2)
        if body.count >= bare.count, bare.indices.allSatisfy({ body[$0 - 2] == bare[$0] }) {
            return bare.count
        }
        guard let start = self.find(in: body, from: 0) else { throw .malformed(atByte: 0) }
        return start + self.delimiter.count
    }

    /// Answers the field's name, and where its value begins.
    private func readHeaders(of body: Span<UInt8>, from start: Int) throws(FormFailure) -> (PartHead, Int) {
        var head: PartHead?
        var line = start
        while true {
            let limit = min(body.count, start + Self.maximumHeaderBytes)
            var end = line
            while end < limit, body[end] != UInt8(ascii: "\r") { end += 1 }
            guard end < limit, self.matches("\r\n", in: body, at: end) else { throw .malformed(atByte: line) }
            if end == line { break }
            guard let text = validated(body.extracting(line..<end)) else { throw .malformed(atByte: line) }
            if let found = try self.head(inHeader: text, at: line) { head = found }
            line = end + 2
        }
        guard let head else { throw .malformed(atByte: start) }
        return (head, line + 2)
    }

    /// Nil for a header that does not say the name.
    private func head(inHeader line: String, at position: Int) throws(FormFailure) -> PartHead? {
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            throw .malformed(atByte: position)
        }
        guard line[..<colon].lowercased() == "content-disposition" else { return nil }
        guard let disposition = HeaderParameters(String(line[line.utf8.index(after: colon)...])),
            disposition.head == "form-data", let name = disposition["name"]
        else { throw .malformed(atByte: position) }
        return PartHead(name: name, fileName: disposition["filename"] ?? disposition["filename*"])
    }

    /// Where the next delimiter begins.
    ///
    /// Linear: the delimiter begins with a carriage return and has no second one, so after a mismatch the
    /// bytes that matched cannot begin another match.
    private func find(in body: Span<UInt8>, from start: Int) -> Int? {
        var index = start
        while index + self.delimiter.count <= body.count {
            var matched = 0
            while matched < self.delimiter.count, body[index + matched] == self.delimiter[matched] {
                matched += 1
            }
            if matched == self.delimiter.count { return index }
            index += max(1, matched)
        }
        return nil
    }

    private func matches(_ text: StaticString, in body: Span<UInt8>, at position: Int) -> Bool {
        guard position + text.utf8CodeUnitCount <= body.count else { return false }
        return text.withUTF8Buffer { bytes in bytes.indices.allSatisfy { body[position + $0] == bytes[$0] } }
    }
}
