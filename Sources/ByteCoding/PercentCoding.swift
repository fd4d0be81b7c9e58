/// Decodes `%XX` once (RFC 3986, 2.1), and `+` as a space where forms use it. Nil for a `%` without two hexadecimal digits.
public func percentDecoded(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
    var bytes: [UInt8] = []
    var digits = text.makeIterator()
    while let byte = digits.next() {
        switch byte {
        case UInt8(ascii: "%"):
            guard let high = digits.next().flatMap(digitValue), let low = digits.next().flatMap(digitValue)
            else { return nil }
            bytes.append(high << 4 | low)
        case UInt8(ascii: "+") where plusIsSpace:
            bytes.append(UInt8(ascii: " "))
        default:
            bytes.append(byte)
        }
    }
    return bytes
}

/// Encodes all but letters, digits and `-._~` (RFC 3986, 2.3) and the bytes of `kept`, with upper-case digits.
public func percentEncoded(_ bytes: some Sequence<UInt8>, keeping kept: String = "") -> [UInt8] {
    var text: [UInt8] = []
    text.append(percentEncoding: bytes, keeping: kept)
    return text
}

extension [UInt8] {
    /// Appends the bytes as `percentEncoded` writes them.
    public mutating func append(
        percentEncoding bytes: some Sequence<UInt8>, keeping kept: String = ""
    ) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in bytes {
            if isUnreserved(byte) || kept.utf8.contains(byte) {
                self.append(byte)
            } else {
                self.append(UInt8(ascii: "%"))
                self.append(digits[Int(byte >> 4)])
                self.append(digits[Int(byte & 15)])
            }
        }
    }
}

private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        true
    default:
        false
    }
}
