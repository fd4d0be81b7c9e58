import SpellingHints

/// `text` as a quoted YAML scalar that reads back to the same text, variables included: `${` is written `$${`.
public func quotedYAML(_ text: String) -> String {
    let literal = escapedVariables(text)
    let isSimple = literal.unicodeScalars.allSatisfy { (" "..."~").contains($0) && $0 != "'" }
    if isSimple, literal.contains("\\") || literal.contains("\"") { return "'\(literal)'" }
    var result = "\""
    for scalar in literal.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\"": result += "\\\""
        case "\n": result += "\\n"
        case " "..."~": result.unicodeScalars.append(scalar)
        case _ where scalar.properties.isAlphabetic: result.unicodeScalars.append(scalar)
        default:
            let digits = String(scalar.value, radix: 16)
            result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
    }
    return result + "\""
}

/// By bytes, as the reader has it: a combining mark after the brace makes no difference to that.
private func escapedVariables(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
        if byte == UInt8(ascii: "{"), result.last == UInt8(ascii: "$") { result.append(UInt8(ascii: "$")) }
        result.append(byte)
    }
    return String(decoding: result, as: UTF8.self)
}

/// The remedy for a mistyped word, or nil when none of `names` is near.
func didYouMean(_ word: String, _ names: some Sequence<String>) -> String? {
    nearestName(to: word, among: names).map { "did you mean \($0)?" }
}
