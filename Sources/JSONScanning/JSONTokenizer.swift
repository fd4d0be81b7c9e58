/// Cuts a JSON text (RFC 8259) into tokens, from chunks that may end anywhere.
///
/// Checks the grammar of everything it passes, also of what is skipped. UTF-8 is not checked: texts are
/// bytes, and making a `String` of them repairs them. A lone surrogate escape becomes U+FFFD.
package struct JSONTokenizer: Sendable {
    package enum Token: Hashable, Sendable {
        case beginObject, endObject, beginArray, endArray
        /// The member's name is in `text`.
        case key
        case text
        case number(Int64)
        case bool(Bool)
        case null
    }

    /// What may come next between tokens.
    private enum Expectation: UInt8 {
        case value, valueOrEndOfArray, key, keyOrEndOfObject, colon, commaOrEnd, endOfDocument
    }

    /// The token inside which the last chunk ended.
    private enum Unfinished: UInt8 { case none, text, number, literal }

    private let limits: JSONLimits
    private var expectation = Expectation.value
    private var unfinished = Unfinished.none
    /// One bit per open container, the innermost lowest; set for an object.
    private var containers: UInt64 = 0
    private var depth = 0
    private var literal: (token: Token, rest: UInt32) = (.null, 0)
    private var number: JSONNumber?
    /// Bytes of the chunks before the current one.
    private var bytesBefore = 0

    /// While skipping: the depth at which the skipped value ends.
    private var skipDepth: Int?
    package private(set) var text: JSONText

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
        self.text = JSONText(limit: limits.textBytes)
    }

    /// Passes over the value that comes next: the one of the key just returned.
    package mutating func skipValue() { self.skipDepth = self.depth }

    /// Passes over the rest of the array or object whose beginning was just returned, and its end.
    package mutating func skipContainer() { self.skipDepth = self.depth - 1 }

    /// The next token, or nil when the chunk is used up. `position` moves on; a new chunk starts at 0, and
    /// a chunk must be used up before the next one is given.
    package mutating func next(
        in chunk: Span<UInt8>, from position: inout Int
    ) throws(JSONFailure) -> Token? {
        while let token = try self.step(chunk, &position) {
            guard let skipDepth = self.skipDepth else { return token }
            if self.depth == skipDepth { self.skipDepth = nil }
        }
        self.bytesBefore += chunk.count
        return nil
    }

    /// Ends the text. Answers the number that only its end could complete.
    package mutating func finish() throws(JSONFailure) -> Token? {
        if self.unfinished == .number, self.depth == 0, let number = self.number, number.isComplete {
            return self.endNumber(number)
        }
        guard self.expectation == .endOfDocument, self.unfinished == .none else {
            throw JSONFailure(.endOfInput, offset: self.bytesBefore)
        }
        return nil
    }

    private mutating func step(_ chunk: Span<UInt8>, _ position: inout Int) throws(JSONFailure) -> Token? {
        switch self.unfinished {
        case .none: break
        case .text: return try self.continueText(chunk, &position)
        case .number: return try self.continueNumber(chunk, &position)
        case .literal: return try self.continueLiteral(chunk, &position)
        }
        while position < chunk.count {
            let byte = chunk[position]
            if byte <= 0x20 {
                guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                    throw self.unexpected(byte, position)
                }
                position &+= 1
                continue
            }
            switch (self.expectation, byte) {
            case (.commaOrEnd, UInt8(ascii: ",")):
                self.expectation = self.isInObject ? .key : .value
                position &+= 1
            case (.colon, UInt8(ascii: ":")):
                self.expectation = .value
                position &+= 1
            case (.key, UInt8(ascii: "\"")), (.keyOrEndOfObject, UInt8(ascii: "\"")),
                (.value, UInt8(ascii: "\"")), (.valueOrEndOfArray, UInt8(ascii: "\"")):
                position &+= 1
                self.unfinished = .text
                self.text.begin(isKept: self.skipDepth == nil)
                return try self.continueText(chunk, &position)
            case (.value, _), (.valueOrEndOfArray, _):
                position &+= 1
                return try self.beginValue(byte, chunk, &position)
            case (.commaOrEnd, _), (.keyOrEndOfObject, _):
                let isObject = self.isInObject
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw self.unexpected(byte, position)
                }
                position &+= 1
                return self.closeContainer()
            case (.endOfDocument, _):
                throw JSONFailure(.bytesAfterDocument(byte), offset: self.bytesBefore + position)
            case (.key, _), (.colon, _):
                throw self.unexpected(byte, position)
            }
        }
        return nil
    }
}

extension JSONTokenizer {
    private var isInObject: Bool { self.containers & 1 == 1 }

    private func unexpected(_ byte: UInt8, _ position: Int) -> JSONFailure {
        JSONFailure(.unexpectedByte(byte), offset: self.bytesBefore + position)
    }

    /// `position` is behind `byte`, which is not a quotation mark.
    private mutating func beginValue(
        _ byte: UInt8, _ chunk: Span<UInt8>, _ position: inout Int
    ) throws(JSONFailure) -> Token? {
        switch byte {
        case UInt8(ascii: "{"):
            try self.openContainer(isObject: true, at: position)
            return .beginObject
        case UInt8(ascii: "["):
            try self.openContainer(isObject: false, at: position)
            return .beginArray
        case UInt8(ascii: "]") where self.expectation == .valueOrEndOfArray: return self.closeContainer()
        // The letters still to come, the next one lowest.
        case UInt8(ascii: "t"): self.literal = (.bool(true), 0x65_75_72)
        case UInt8(ascii: "f"): self.literal = (.bool(false), 0x65_73_6C_61)
        case UInt8(ascii: "n"): self.literal = (.null, 0x6C_6C_75)
        default:
            guard let number = JSONNumber(first: byte) else { throw self.unexpected(byte, position - 1) }
            self.number = number
            self.unfinished = .number
            return try self.continueNumber(chunk, &position)
        }
        self.unfinished = .literal
        return try self.continueLiteral(chunk, &position)
    }

    private mutating func openContainer(isObject: Bool, at position: Int) throws(JSONFailure) {
        guard self.depth < self.limits.depth else {
            throw JSONFailure(
                .nestedTooDeep(limit: self.limits.depth), offset: self.bytesBefore + position - 1)
        }
        self.depth += 1
        self.containers = self.containers << 1 | (isObject ? 1 : 0)
        self.expectation = isObject ? .keyOrEndOfObject : .valueOrEndOfArray
    }

    private mutating func closeContainer() -> Token {
        let token: Token = self.isInObject ? .endObject : .endArray
        self.depth -= 1
        self.containers >>= 1
        self.endValue()
        return token
    }

    private mutating func endValue() {
        self.unfinished = .none
        self.expectation = self.depth == 0 ? .endOfDocument : .commaOrEnd
    }

    private mutating func continueText(
        _ chunk: Span<UInt8>, _ position: inout Int
    ) throws(JSONFailure) -> Token? {
        do {
            guard try self.text.take(chunk, &position) else { return nil }
        } catch {
            throw JSONFailure(error, offset: self.bytesBefore + position)
        }
        if self.expectation == .key || self.expectation == .keyOrEndOfObject {
            self.unfinished = .none
            self.expectation = .colon
            return .key
        }
        self.endValue()
        return .text
    }

    private mutating func continueNumber(
        _ chunk: Span<UInt8>, _ position: inout Int
    ) throws(JSONFailure) -> Token? {
        guard var number = self.number else { return nil }
        while position < chunk.count {
            guard number.take(chunk[position]) else {
                guard number.isComplete else { throw self.unexpected(chunk[position], position) }
                return self.endNumber(number)
            }
            position &+= 1
        }
        self.number = number
        return nil
    }

    private mutating func endNumber(_ number: JSONNumber) -> Token {
        self.number = nil
        self.endValue()
        return .number(self.skipDepth == nil ? number.value : 0)
    }

    private mutating func continueLiteral(
        _ chunk: Span<UInt8>, _ position: inout Int
    ) throws(JSONFailure) -> Token? {
        while self.literal.rest != 0 {
            guard position < chunk.count else { return nil }
            let byte = chunk[position]
            guard byte == UInt8(truncatingIfNeeded: self.literal.rest) else {
                throw self.unexpected(byte, position)
            }
            self.literal.rest >>= 8
            position &+= 1
        }
        self.endValue()
        return self.literal.token
    }
}
