/// A value in a document. Asking it for a kind that it does not have answers nil.
public struct BencodeValue: Sendable {
    public enum Kind: Hashable, Sendable { case integer, string, list, dictionary }

    let document: BencodeDocument
    let index: Int

    init(document: BencodeDocument, index: Int) {
        self.document = document
        self.index = index
    }

    private var start: Int { Int(self.document.tokens[self.index].offset) }

    public var kind: Kind {
        switch self.document.bytes[self.document.bytes.startIndex + self.start] {
        case UInt8(ascii: "i"): .integer
        case UInt8(ascii: "l"): .list
        case UInt8(ascii: "d"): .dictionary
        default: .string
        }
    }

    public var integer: Int64? {
        guard self.kind == .integer else { return nil }
        let bytes = self.document.bytes.span
        var index = self.start + 1
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        // Counted down, and it fits: the decoder has seen it.
        var value: Int64 = 0
        while let digit = decimalValue(bytes[index]) {
            value = value &* 10 &- Int64(digit)
            index += 1
        }
        return isNegative ? value : 0 &- value
    }

    /// Of a string.
    public var bytes: ArraySlice<UInt8>? {
        guard self.kind == .string else { return nil }
        return self.document.string(at: self.start)
    }

    /// Of a string that is UTF-8.
    public var text: String? { self.bytes.flatMap { String(validating: $0, as: UTF8.self) } }

    public var list: BencodeList? {
        self.kind == .list ? BencodeList(document: self.document, index: self.index) : nil
    }

    public var dictionary: BencodeMembers? {
        self.kind == .dictionary ? BencodeMembers(document: self.document, index: self.index) : nil
    }

    /// A member of a dictionary; of a key that comes twice, the first.
    public subscript(_ key: String) -> BencodeValue? {
        guard self.kind == .dictionary else { return nil }
        return self.find(key.utf8.span, in: self.document.bytes.span)
    }

    private func find(_ key: Span<UInt8>, in bytes: Span<UInt8>) -> BencodeValue? {
        let tokens = self.document.tokens
        let end = self.index + Int(tokens[self.index].span) - 1
        var index = self.index + 1
        while index < end {
            let range = stringRange(at: Int(tokens[index].offset), in: bytes)
            if range.count == key.count {
                var place = 0
                while place < key.count, bytes[range.lowerBound + place] == key[place] { place += 1 }
                if place == key.count { return BencodeValue(document: self.document, index: index + 1) }
            }
            index += 1 + Int(tokens[index + 1].span)
        }
        return nil
    }

    /// Where the value stands in the document's bytes, as it was written.
    public var rawRange: Range<Int> {
        let base = self.document.bytes.startIndex
        switch self.kind {
        case .string:
            let range = stringRange(at: self.start, in: self.document.bytes.span)
            return base + self.start..<base + range.upperBound
        case .integer:
            let bytes = self.document.bytes.span
            var end = self.start
            while bytes[end] != UInt8(ascii: "e") { end += 1 }
            return base + self.start..<base + end + 1
        case .list, .dictionary:
            let tokens = self.document.tokens
            let last = tokens[self.index + Int(tokens[self.index].span) - 1]
            return base + self.start..<base + Int(last.offset) + 1
        }
    }

    public var rawBytes: ArraySlice<UInt8> { self.document.bytes[self.rawRange] }
}

extension BencodeDocument {
    func string(at start: Int) -> ArraySlice<UInt8> {
        let range = stringRange(at: start, in: self.bytes.span)
        let base = self.bytes.startIndex
        return self.bytes[base + range.lowerBound..<base + range.upperBound]
    }
}

/// The values of a list, in order.
public struct BencodeList: Sequence, Sendable {
    let document: BencodeDocument
    let index: Int

    public var isEmpty: Bool { self.document.tokens[self.index].span == 2 }

    public func makeIterator() -> Iterator {
        Iterator(document: self.document, position: self.index + 1, end: self.document.end(of: self.index))
    }

    public struct Iterator: IteratorProtocol {
        let document: BencodeDocument
        var position: Int
        let end: Int

        public mutating func next() -> BencodeValue? {
            guard self.position < self.end else { return nil }
            defer { self.position += Int(self.document.tokens[self.position].span) }
            return BencodeValue(document: self.document, index: self.position)
        }
    }
}

/// The members of a dictionary, in the order of the input.
public struct BencodeMembers: Sequence, Sendable {
    let document: BencodeDocument
    let index: Int

    public var isEmpty: Bool { self.document.tokens[self.index].span == 2 }

    public func makeIterator() -> Iterator {
        Iterator(document: self.document, position: self.index + 1, end: self.document.end(of: self.index))
    }

    public struct Iterator: IteratorProtocol {
        let document: BencodeDocument
        var position: Int
        let end: Int

        public mutating func next() -> (key: ArraySlice<UInt8>, value: BencodeValue)? {
            guard self.position < self.end else { return nil }
            let key = self.document.string(at: Int(self.document.tokens[self.position].offset))
            let value = self.position + 1
            self.position = value + Int(self.document.tokens[value].span)
            return (key, BencodeValue(document: self.document, index: value))
        }
    }
}

extension BencodeDocument {
    /// The token that ends a list or dictionary.
    func end(of index: Int) -> Int { index + Int(self.tokens[index].span) - 1 }
}
