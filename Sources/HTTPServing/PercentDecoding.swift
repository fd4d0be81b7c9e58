import SwarmTypes

/// Decodes `%XX` once, and `+` as a space where forms use it. Nil for a `%` without two hexadecimal digits
/// and for what is not UTF-8.
func percentDecoded(_ text: Span<UInt8>, plusIsSpace: Bool) -> String? {
    var isPlain = true
    for index in text.indices where text[index] == UInt8(ascii: "%") || text[index] == UInt8(ascii: "+") {
        isPlain = false
        break
    }
    if isPlain { return validated(text) }

    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
        switch text[index] {
        case UInt8(ascii: "%"):
            guard index + 2 < text.count, let high = hexValue(text[index + 1]),
                let low = hexValue(text[index + 2])
            else { return nil }
            decoded.append(high << 4 | low)
            index += 3
        case UInt8(ascii: "+") where plusIsSpace:
            decoded.append(UInt8(ascii: " "))
            index += 1
        case let byte:
            decoded.append(byte)
            index += 1
        }
    }
    return validated(decoded.span)
}

/// Nil for what is not UTF-8.
func validated(_ bytes: Span<UInt8>) -> String? {
    guard let text = try? UTF8Span(validating: bytes) else { return nil }
    return String(copying: text)
}
