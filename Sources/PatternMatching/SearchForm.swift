/// The pattern that, searched for anywhere, matches the URLs that `text` is documented to match, and how many
/// bytes were dropped in front.
///
/// A leading or trailing `.*` says nothing in a search, and is documented to be put there anyway; a bare `.` at
/// either end stands for it. Dropping them matches the same URLs in far fewer steps. A dot that is escaped, or
/// that a `+`, `?` or `{` follows, is part of the pattern. White space around the pattern is dropped; a pattern
/// that begins with `^` or ends with `$` stays as it is.
func searchForm(of text: String) -> (pattern: String, dropped: Int) {
    var rest = trimmed(Array(text.utf8))
    if rest.first != UInt8(ascii: "^"), rest.last != UInt8(ascii: "$") {
        rest = withoutTrailingWildcard(withoutLeadingWildcard(rest))
    }
    return (String(decoding: rest, as: UTF8.self), rest.startIndex)
}

/// Without white space at both ends.
func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    var rest = bytes[...]
    while let first = rest.first, isSpace(first) { rest.removeFirst() }
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
}

private func withoutLeadingWildcard(_ pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard pattern.first == UInt8(ascii: ".") else { return pattern }
    var rest = pattern.dropFirst()
    if rest.first == UInt8(ascii: "*") { rest = rest.dropFirst() }
    if let next = rest.first, isQuantifier(next) { return pattern }
    return rest
}

private func withoutTrailingWildcard(_ pattern: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = pattern
    if rest.last == UInt8(ascii: "*") { rest = rest.dropLast() }
    guard rest.last == UInt8(ascii: ".") else { return pattern }
    rest = rest.dropLast()
    let backslashes = rest.reversed().prefix { $0 == UInt8(ascii: "\\") }.count
    return backslashes.isMultiple(of: 2) ? rest : pattern
}

private func isQuantifier(_ byte: UInt8) -> Bool {
    [UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{")].contains(byte)
}

private func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }
