/// The string that a tokenizer reads: a piece of the chunk where it lies there whole and without escapes,
/// else decoded into a buffer of its own.
package struct JSONText: Sendable {
    private enum State: UInt8 { case plain, backslash, unicode }

    /// Where the text is in the chunk, unless it is in `decoded`.
    package private(set) var range = 0..<0
    package private(set) var isInChunk = false
    package private(set) var decoded: [UInt8] = []
    /// Whether bytes were dropped because the text is longer than the limit.
    package private(set) var isCut = false

    private let limit: Int
    private var isKept = true
    /// Whether part of this text is in `decoded`, so that the rest must go there too.
    private var isDecoding = false
    private var state = State.plain
    private var digits: (count: UInt8, value: UInt32) = (0, 0)
    /// The first half of a surrogate pair whose second half must come next; 0 when none.
    private var highSurrogate: UInt32 = 0

    init(limit: Int) { self.limit = limit }

    mutating func begin(isKept: Bool) {
        self.isKept = isKept
        self.isCut = false
        self.isDecoding = false
        self.state = .plain
        self.highSurrogate = 0
    }

    /// Takes bytes up to the closing quotation mark; true when it came.
    mutating func take(_ chunk: Span<UInt8>, _ position: inout Int) throws(JSONFailure.Reason) -> Bool {
        while position < chunk.count {
            switch self.state {
            case .plain:
                let end = firstSpecialByte(in: chunk, from: position)
                guard end < chunk.count else {
                    self.keep(chunk, position..<end)
                    position = end
                    return false
                }
                let byte = chunk[end]
                if byte == UInt8(ascii: "\"") {
                    self.end(chunk, position..<end)
                    position = end &+ 1
                    return true
                }
                self.keep(chunk, position..<end)
                position = end
                guard byte == UInt8(ascii: "\\") else { throw .controlCharacterInText(byte) }
                self.state = .backslash
                position &+= 1
            case .backslash:
                try self.takeEscape(chunk[position])
                position &+= 1
            case .unicode:
                try self.takeHexDigit(chunk[position])
                position &+= 1
            }
        }
        return false
    }

    private mutating func end(_ chunk: Span<UInt8>, _ rest: Range<Int>) {
        self.isInChunk = !self.isDecoding
        guard self.isInChunk else {
            self.keep(chunk, rest)
            return self.endLoneSurrogate()
        }
        self.isCut = rest.count > self.limit
        self.range = self.isCut ? rest.lowerBound..<rest.lowerBound + self.limit : rest
    }

    private mutating func startDecoding() {
        guard !self.isDecoding else { return }
        self.isDecoding = true
        self.decoded.removeAll(keepingCapacity: true)
    }

    private mutating func keep(_ chunk: Span<UInt8>, _ part: Range<Int>) {
        self.startDecoding()
        guard !part.isEmpty else { return }
        self.endLoneSurrogate()
        guard self.isKept else { return }
        let room = self.limit - self.decoded.count
        self.isCut = self.isCut || part.count > room
        let kept = part.prefix(max(0, room))
        self.decoded.append(addingCapacity: kept.count) { output in
            for index in kept { output.append(chunk[index]) }
        }
    }

    private mutating func append(_ scalar: UInt32) {
        guard self.isKept, let scalar = Unicode.Scalar(scalar) else { return }
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            if self.decoded.count < self.limit { self.decoded.append(byte) } else { self.isCut = true }
        }
    }

    /// What follows a first half is not the second half.
    private mutating func endLoneSurrogate() {
        guard self.highSurrogate != 0 else { return }
        self.highSurrogate = 0
        self.append(0xFFFD)
    }

    private mutating func takeEscape(_ byte: UInt8) throws(JSONFailure.Reason) {
        let character: UInt8
        switch byte {
        case UInt8(ascii: "u"):
            self.state = .unicode
            self.digits = (0, 0)
            return
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): character = byte
        case UInt8(ascii: "b"): character = 0x08
        case UInt8(ascii: "f"): character = 0x0C
        case UInt8(ascii: "n"): character = 0x0A
        case UInt8(ascii: "r"): character = 0x0D
        case UInt8(ascii: "t"): character = 0x09
        default: throw .invalidEscape(byte)
        }
        self.endLoneSurrogate()
        self.append(UInt32(character))
        self.state = .plain
    }

    private mutating func takeHexDigit(_ byte: UInt8) throws(JSONFailure.Reason) {
        let digit: UInt8
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
        default: throw .invalidEscape(byte)
        }
        self.digits = (self.digits.count + 1, self.digits.value << 4 | UInt32(digit))
        guard self.digits.count == 4 else { return }
        self.state = .plain
        let unit = self.digits.value
        switch unit {
        case 0xDC00...0xDFFF where self.highSurrogate != 0:
            let scalar = 0x10000 + (self.highSurrogate - 0xD800) << 10 + (unit - 0xDC00)
            self.highSurrogate = 0
            self.append(scalar)
        case 0xD800...0xDBFF:
            self.endLoneSurrogate()
            self.highSurrogate = unit
        default:
            self.endLoneSurrogate()
            self.append(0xDC00...0xDFFF ~= unit ? 0xFFFD : unit)
        }
    }
}
