extension [UInt8] {
    /// `%` and two digits, in the upper case that RFC 3986 (2.1) prefers.
    mutating func appendPercentEncoded(_ byte: UInt8) {
        self.append(UInt8(ascii: "%"))
        self.append(Self.upperHexDigit(byte >> 4))
        self.append(Self.upperHexDigit(byte & 15))
    }

    /// As the value of a query: all but the unreserved characters of RFC 3986 (2.3) encoded.
    mutating func appendQueryValue(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                self.append(byte)
            default: self.appendPercentEncoded(byte)
            }
        }
    }

    private static func upperHexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
