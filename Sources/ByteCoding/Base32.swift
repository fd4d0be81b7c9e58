/// Reads base32 (RFC 4648, section 6) without padding, in either case of letter. Nil for any other byte, for a length that no
/// input has, and where the spare bits at the end are not zero, so that every value has one spelling but for case.
public func base32Decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    // Eight digits are five bytes; 1, 3 and 6 digits over are no whole number of bytes more.
    guard ![1, 3, 6].contains(text.count % 8) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 8 * 5 + 4)
    var bits: UInt32 = 0
    var bitCount = 0
    for digit in text {
        guard let value = base32Value(digit) else { return nil }
        bits = bits << 5 | UInt32(value)
        bitCount += 5
        guard bitCount >= 8 else { continue }
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        bits &= 1 << UInt32(bitCount) - 1
    }
    return bits == 0 ? bytes : nil
}

private func base32Value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a")
    case UInt8(ascii: "2")...UInt8(ascii: "7"): digit - UInt8(ascii: "2") + 26
    default: nil
    }
}
