/// The 20 bytes by which a torrent is known on the wire and in every client's interface.
///
/// The SHA-1 info-hash of a v1 or hybrid torrent (BEP 3), or the first 20 bytes of the SHA-256
/// info-hash of a v2 torrent (BEP 52). A struct of integers, because it is a key in tables of
/// tens of thousands of rows: no allocation, 20 bytes a copy.
public struct TorrentID: Hashable, Comparable, Sendable {
    public static let byteCount = 20

    private let words: (UInt32, UInt32, UInt32, UInt32, UInt32)

    /// Takes exactly 20 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var iterator = bytes.makeIterator()
        func word() -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 { value = value << 8 | UInt32(iterator.next() ?? 0) }
            return value
        }
        self.words = (word(), word(), word(), word(), word())
    }

    /// Reads 40 hexadecimal digits, or 64 of which it keeps the first 40 (BEP 52's truncation); either
    /// case of letter. Nil for anything else.
    public init?(hex: some StringProtocol) {
        self.init(hexDigits: Array(hex.utf8))
    }

    /// The same from ASCII bytes.
    public init?(hexDigits digits: [UInt8]) {
        guard digits.count == 40 || digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = hexValue(digits[index]), let low = hexValue(digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        self.init(bytes: bytes.prefix(Self.byteCount))
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for word in [self.words.0, self.words.1, self.words.2, self.words.3, self.words.4] {
            for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    /// 40 lower-case hexadecimal digits.
    public var hex: String {
        String(decoding: self.hexDigits, as: UTF8.self)
    }

    /// The same as ASCII bytes.
    public var hexDigits: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(2 * Self.byteCount)
        for byte in self.bytes {
            text.append(hexDigit(byte >> 4))
            text.append(hexDigit(byte & 15))
        }
        return text
    }

    public static func == (left: Self, right: Self) -> Bool { left.words == right.words }

    public static func < (left: Self, right: Self) -> Bool { left.words < right.words }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(self.words.0) << 32 | UInt64(self.words.1))
        hasher.combine(UInt64(self.words.2) << 32 | UInt64(self.words.3))
        hasher.combine(self.words.4)
    }
}

extension TorrentID: CustomStringConvertible {
    public var description: String { self.hex }
}
