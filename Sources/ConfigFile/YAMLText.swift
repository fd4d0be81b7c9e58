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

private func escapedVariables(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let next = rest.firstIndex(of: "$") {
        result += rest[..<next]
        rest = rest[next...]
        result += rest.hasPrefix("${") ? "$$" : "$"
        rest.removeFirst()
    }
    return result + rest
}

/// The remedy for a mistyped word, or nil when none of `names` is near.
func didYouMean(_ word: String, _ names: some Sequence<String>) -> String? {
    nearestName(to: word, among: names).map { "did you mean \($0)?" }
}
