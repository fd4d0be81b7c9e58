/// Why bytes are not a bencoded value that we take (BEP 3).
public struct BencodeFailure: Error, Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        case endOfInput
        case unexpectedByte(UInt8)
        /// A string announces more bytes than follow.
        case lengthBeyondInput(declared: Int, available: Int)
        /// A string's length has more digits than any input could be long.
        case lengthTooLarge
        /// An integer that does not fit in 64 bits with a sign.
        case integerTooLarge
        case nestedTooDeep(limit: Int)
        case tooManyTokens(limit: Int)
        case inputTooLong(count: Int, limit: Int)
        /// Something follows the value.
        case trailingBytes(count: Int)
    }

    public var reason: Reason
    /// Where in the input, counted from its first byte.
    public var offset: Int

    public init(_ reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

extension BencodeFailure: CustomStringConvertible {
    public var description: String {
        switch self.reason {
        case .endOfInput: "the bencoding ends too early, at byte \(self.offset)"
        case .unexpectedByte(let byte):
            "byte \(self.offset) of the bencoding is \(byte), which has no place there"
        case .lengthBeyondInput(let declared, let available):
            "the string at byte \(self.offset) announces \(declared) bytes where \(available) are left"
        case .lengthTooLarge: "the string at byte \(self.offset) announces an impossible length"
        case .integerTooLarge: "the integer at byte \(self.offset) does not fit in 64 bits"
        case .nestedTooDeep(let limit):
            "the bencoding is nested more than \(limit) deep at byte \(self.offset)"
        case .tooManyTokens(let limit): "the bencoding has more than \(limit) values"
        case .inputTooLong(let count, let limit): "\(count) bytes are more than the \(limit) that are taken"
        case .trailingBytes(let count): "\(count) bytes follow the bencoding at byte \(self.offset)"
        }
    }
}

/// What a decoder takes at most. All of it comes from outside.
public struct BencodeLimits: Hashable, Sendable {
    /// Of the input. Above `UInt32.max` it counts as that.
    public var byteCount: Int
    /// Of lists and dictionaries within each other.
    public var depth: Int
    /// Of integers, strings, and beginnings and ends of lists and dictionaries. Each costs eight bytes.
    public var tokenCount: Int

    public init(byteCount: Int = 64 << 20, depth: Int = 100, tokenCount: Int = 2_500_000) {
        self.byteCount = byteCount
        self.depth = depth
        self.tokenCount = tokenCount
    }

    /// For a torrent file.
    public static let torrentFile = BencodeLimits()
    /// For a message of a peer or the answer of a tracker.
    public static let message = BencodeLimits(byteCount: 4 << 20, depth: 32, tokenCount: 200_000)
}

/// Ways in which an input is not canonical though its meaning is clear enough. The caller decides what they cost:
/// where a hash is taken over a decoded and encoded form, or two readers must agree, they are reasons to refuse.
public struct BencodeFlaws: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A number with needless zeros before it, or minus zero.
    public static let overlongNumber = BencodeFlaws(rawValue: 1)
    /// A dictionary whose keys are not in the order of their bytes.
    public static let unsortedKeys = BencodeFlaws(rawValue: 2)
    /// A dictionary with one key twice: readers may differ on which counts.
    public static let duplicateKeys = BencodeFlaws(rawValue: 4)
}
