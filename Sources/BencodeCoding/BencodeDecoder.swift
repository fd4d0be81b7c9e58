/// Turns bytes into tokens, with a stack of its own instead of recursion.
struct BencodeDecoder {
    private struct Level {
        /// The token that began it.
        var token: Int
        var isDictionary: Bool
        /// Of a dictionary: the next string is a key.
        var expectsKey: Bool
        /// The last key's bytes; empty before the first one.
        var lastKey: Range<Int>
        var hasKey = false
        var isUnsorted = false
    }

    private let limits: BencodeLimits
    private var levels: [Level] = []
    private(set) var tokens: [BencodeToken] = []
    private(set) var flaws: BencodeFlaws = []
    private(set) var position = 0

    init(limits: BencodeLimits) { self.limits = limits }

    mutating func decode(_ bytes: Span<UInt8>) throws(BencodeFailure) {
        // Enough for most messages, and never more than the input could need.
        self.tokens.reserveCapacity(min(bytes.count, 32))
        repeat { try self.decodeToken(bytes) } while !self.levels.isEmpty
    }

    private mutating func decodeToken(_ bytes: Span<UInt8>) throws(BencodeFailure) {
        let start = self.position
        guard start < bytes.count else { throw BencodeFailure(.endOfInput, offset: start) }
        let byte = bytes[start]
        guard self.tokens.count < self.limits.tokenCount else {
            throw BencodeFailure(.tooManyTokens(limit: self.limits.tokenCount), offset: start)
        }
        self.tokens.append(BencodeToken(offset: UInt32(truncatingIfNeeded: start), span: 1))
        if let last = self.levels.last, last.isDictionary, last.expectsKey {
            switch byte {
            case UInt8(ascii: "e"): self.endLevel(bytes)
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self.noteKey(try self.string(bytes), in: bytes)
            default: throw BencodeFailure(.unexpectedByte(byte), offset: start)
            }
            return
        }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            _ = try self.string(bytes)
            self.noteValue()
        case UInt8(ascii: "i"):
            try self.integer(bytes)
            self.noteValue()
        case UInt8(ascii: "l"), UInt8(ascii: "d"):
            try self.beginLevel(isDictionary: byte == UInt8(ascii: "d"))
        case UInt8(ascii: "e"):
            guard let last = self.levels.last, !last.isDictionary else {
                throw BencodeFailure(.unexpectedByte(byte), offset: start)
            }
            self.endLevel(bytes)
        default:
            throw BencodeFailure(.unexpectedByte(byte), offset: start)
        }
    }

    private mutating func beginLevel(isDictionary: Bool) throws(BencodeFailure) {
        guard self.levels.count < self.limits.depth else {
            throw BencodeFailure(.nestedTooDeep(limit: self.limits.depth), offset: self.position)
        }
        self.position += 1
        self.levels.append(
            Level(
                token: self.tokens.count - 1, isDictionary: isDictionary, expectsKey: isDictionary,
                lastKey: 0..<0))
    }

    private mutating func endLevel(_ bytes: Span<UInt8>) {
        self.position += 1
        guard let level = self.levels.popLast() else { return }
        // At most `limits.tokenCount`, and a token is at least one byte of an input below 4 GiB.
        self.tokens[level.token].span = UInt32(truncatingIfNeeded: self.tokens.count - level.token)
        if level.isUnsorted {
            self.flaws.insert(.unsortedKeys)
            if !self.flaws.contains(.duplicateKeys), self.hasDuplicateKeys(level.token, bytes) {
                self.flaws.insert(.duplicateKeys)
            }
        }
        self.noteValue()
    }

    private mutating func noteValue() {
        guard let top = self.levels.indices.last, self.levels[top].isDictionary else { return }
        self.levels[top].expectsKey = true
    }

    private mutating func noteKey(_ key: Range<Int>, in bytes: Span<UInt8>) {
        guard let top = self.levels.indices.last else { return }
        if self.levels[top].hasKey {
            let order = compare(self.levels[top].lastKey, key, in: bytes)
            if order > 0 { self.levels[top].isUnsorted = true }
            if order == 0 { self.flaws.insert(.duplicateKeys) }
        }
        self.levels[top].hasKey = true
        self.levels[top].lastKey = key
        self.levels[top].expectsKey = false
    }

    /// Reads `i`, digits with or without a minus, `e`.
    private mutating func integer(_ bytes: Span<UInt8>) throws(BencodeFailure) {
        let start = self.position
        var index = start + 1
        let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        let first = index
        var value: Int64 = 0
        while index < bytes.count, let digit = decimalValue(bytes[index]) {
            let (shifted, overflow1) = value.multipliedReportingOverflow(by: 10)
            // Counted down from zero, because there is one negative number more.
            let (next, overflow2) = shifted.subtractingReportingOverflow(Int64(digit))
            guard !overflow1, !overflow2 else { throw BencodeFailure(.integerTooLarge, offset: start) }
            value = next
            index += 1
        }
        guard index < bytes.count else { throw BencodeFailure(.endOfInput, offset: index) }
        guard index > first, bytes[index] == UInt8(ascii: "e") else {
            throw BencodeFailure(.unexpectedByte(bytes[index]), offset: index)
        }
        guard isNegative || value != .min else { throw BencodeFailure(.integerTooLarge, offset: start) }
        if bytes[first] == UInt8(ascii: "0"), isNegative || index > first + 1 {
            self.flaws.insert(.overlongNumber)
        }
        self.position = index + 1
    }

    /// Reads a length, a colon and as many bytes, and answers where these are.
    private mutating func string(_ bytes: Span<UInt8>) throws(BencodeFailure) -> Range<Int> {
        let start = self.position
        var index = start
        var length = 0
        while index < bytes.count, let digit = decimalValue(bytes[index]) {
            length = length * 10 + Int(digit)
            guard length <= Int(UInt32.max) else { throw BencodeFailure(.lengthTooLarge, offset: start) }
            index += 1
        }
        guard index < bytes.count else { throw BencodeFailure(.endOfInput, offset: index) }
        guard bytes[index] == UInt8(ascii: ":") else {
            throw BencodeFailure(.unexpectedByte(bytes[index]), offset: index)
        }
        if bytes[start] == UInt8(ascii: "0"), index > start + 1 { self.flaws.insert(.overlongNumber) }
        index += 1
        guard length <= bytes.count - index else {
            throw BencodeFailure(
                .lengthBeyondInput(declared: length, available: bytes.count - index), offset: start)
        }
        self.position = index + length
        return index..<index + length
    }

    /// Whether a dictionary, its keys in any order, has one twice. Sorts them by their first eight bytes and, where
    /// these are equal, by all: n log n steps whatever the keys are.
    private func hasDuplicateKeys(_ token: Int, _ bytes: Span<UInt8>) -> Bool {
        var count = 0
        self.forEachKey(token) { _ in count += 1 }
        var keys: [(prefix: UInt64, offset: UInt32)] = []
        keys.reserveCapacity(count)
        self.forEachKey(token) { offset in
            let range = stringRange(at: Int(offset), in: bytes)
            var prefix: UInt64 = 0
            for place in 0..<8 {
                let byte = place < range.count ? bytes[range.lowerBound + place] : 0
                prefix = prefix << 8 | UInt64(byte)
            }
            keys.append((prefix, offset))
        }
        func order(_ left: UInt32, _ right: UInt32) -> Int {
            compare(stringRange(at: Int(left), in: bytes), stringRange(at: Int(right), in: bytes), in: bytes)
        }
        keys.sort { left, right in
            left.prefix == right.prefix
                ? order(left.offset, right.offset) < 0 : left.prefix < right.prefix
        }
        for (left, right) in zip(keys, keys.dropFirst()) where left.prefix == right.prefix {
            if order(left.offset, right.offset) == 0 { return true }
        }
        return false
    }

    /// Calls `body` with where each key of an ended dictionary begins.
    private func forEachKey(_ token: Int, _ body: (UInt32) -> Void) {
        var index = token + 1
        while index < self.tokens.count - 1 {
            body(self.tokens[index].offset)
            index += 1 + Int(self.tokens[index + 1].span)
        }
    }
}

/// The value of a decimal digit in ASCII; nil for any other byte.
func decimalValue(_ byte: UInt8) -> UInt8? {
    let value = byte &- UInt8(ascii: "0")
    return value < 10 ? value : nil
}

/// The bytes of a string that was decoded before.
func stringRange(at start: Int, in bytes: Span<UInt8>) -> Range<Int> {
    var index = start
    var length = 0
    while let digit = decimalValue(bytes[index]) {
        length = length * 10 + Int(digit)
        index += 1
    }
    return index + 1..<index + 1 + length
}

/// Below zero when the left bytes come first, zero when they are equal.
private func compare(_ left: Range<Int>, _ right: Range<Int>, in bytes: Span<UInt8>) -> Int {
    for place in 0..<min(left.count, right.count) {
        let difference = Int(bytes[left.lowerBound + place]) - Int(bytes[right.lowerBound + place])
        if difference != 0 { return difference }
    }
    return left.count - right.count
}
