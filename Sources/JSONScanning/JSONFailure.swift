/// Why a JSON text was refused, and where.
public struct JSONFailure: Error, Hashable, Sendable {
    public enum Reason: Error, Hashable, Sendable {
        /// The text ended inside a value, or before there was one.
        case endOfInput
        case unexpectedByte(UInt8)
        /// A byte below 0x20 inside a string (RFC 8259, section 7).
        case controlCharacterInText(UInt8)
        /// A backslash that is followed by this byte.
        case invalidEscape(UInt8)
        case nestedTooDeep(limit: Int)
        /// Something other than white space after the document.
        case bytesAfterDocument(UInt8)
        /// Valid JSON so far, but not the kind of document that was asked for.
        case wrongShape
    }

    public var reason: Reason
    /// Counted from the first byte of the text, across all chunks.
    public var offset: Int

    public init(_ reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}
