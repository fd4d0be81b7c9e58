/// Foreign text as it may be shown in a terminal or a log: control characters, line separators and marks that
/// turn the direction of writing become `\n`, `\u001b` and the like, and what is over-long is cut.
public func visibleText(_ text: String, limit: Int = 200) -> String {
    var shown = ""
    var count = 0
    for scalar in text.unicodeScalars {
        guard count < limit else { return shown + "…" }
        count += 1
        switch scalar.value {
        case 0x09: shown += "\\t"
        case 0x0A: shown += "\\n"
        case 0x0D: shown += "\\r"
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF,
            0xE0000...0xE007F:
            let digits = String(scalar.value, radix: 16)
            shown += "\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
