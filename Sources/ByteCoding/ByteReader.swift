/// Reads numbers and runs of bytes from the front of a buffer. Answers nil, and stays where it is, when too little is left.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    public var remainingCount: Int { self.bytes.endIndex - self.position }

    /// What is left, without taking it.
    public var rest: ArraySlice<UInt8> { self.bytes[self.position...] }

    public mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= self.remainingCount else { return nil }
        defer { self.position += count }
        return self.bytes[self.position..<self.position + count]
    }

    /// A big-endian number of the type's width.
    public mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type) -> Number? {
        guard let bytes = self.bytes(Number.bitWidth / 8) else { return nil }
        return bytes.reduce(0) { $0 << 8 | Number($1) }
    }
}

extension [UInt8] {
    /// Appends a number in big-endian order.
    public mutating func append<Number: FixedWidthInteger & UnsignedInteger>(bigEndian number: Number) {
        for shift in stride(from: Number.bitWidth - 8, through: 0, by: -8) {
            self.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }
}
