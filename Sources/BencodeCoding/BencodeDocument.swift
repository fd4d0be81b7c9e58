/// A decoded input: its bytes and, for each value in it, where it begins and where the next one does.
///
/// Eight bytes a value and no box, so that an input with two million values costs 20 MB and no more. What a value is
/// stands in the bytes; views read it there.
public struct BencodeDocument: Sendable {
    /// The input as it was given. Ranges of values are indices into it.
    public let bytes: ArraySlice<UInt8>
    /// Of the outermost value; what follows is not part of it.
    public let byteCount: Int
    public let flaws: BencodeFlaws
    let tokens: [BencodeToken]

    /// Decodes exactly one value.
    public init(_ bytes: ArraySlice<UInt8>, limits: BencodeLimits) throws(BencodeFailure) {
        self = try Self(prefixOf: bytes, limits: limits)
        guard self.byteCount == bytes.count else {
            throw BencodeFailure(
                .trailingBytes(count: bytes.count - self.byteCount), offset: self.byteCount)
        }
    }

    public init(_ bytes: [UInt8], limits: BencodeLimits = .torrentFile) throws(BencodeFailure) {
        try self.init(bytes[...], limits: limits)
    }

    /// Decodes the value at the front; `byteCount` says how long it was, `rest` what follows it.
    public init(prefixOf bytes: ArraySlice<UInt8>, limits: BencodeLimits) throws(BencodeFailure) {
        // Offsets have 32 bits.
        guard bytes.count <= min(limits.byteCount, Int(UInt32.max)) else {
            throw BencodeFailure(.inputTooLong(count: bytes.count, limit: limits.byteCount), offset: 0)
        }
        var decoder = BencodeDecoder(limits: limits)
        try decoder.decode(bytes.span)
        self.bytes = bytes
        self.byteCount = decoder.position
        self.flaws = decoder.flaws
        self.tokens = decoder.tokens
    }

    /// What follows the value.
    public var rest: ArraySlice<UInt8> { self.bytes[(self.bytes.startIndex + self.byteCount)...] }

    public var root: BencodeValue { BencodeValue(document: self, index: 0) }
}

/// A value, or the end of a list or dictionary.
struct BencodeToken {
    /// From the first byte of the input.
    var offset: UInt32
    /// How many tokens on the next value of the same list or dictionary is, or its end.
    var span: UInt32
}
