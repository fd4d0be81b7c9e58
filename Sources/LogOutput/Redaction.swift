/// What stands in place of a secret.
let redactionMark = "***"

/// Names of query values that are secrets wherever they occur.
private let secretNames: Set<String> = [
    "access_token", "api_key", "apikey", "auth", "auth_key", "authkey", "key", "pass", "pass_key", "passkey",
    "passwd", "password", "pid", "pwd", "rss_key", "rsskey", "secret", "session", "sid", "sig", "signature",
    "token",
    "torrent_pass", "torrentpass",
]

/// The URL without what lets its reader act as its owner: user and password, query values with telling names,
/// and whatever looks like a key in path, query or fragment.
///
/// Like a key look 16 letters and digits in a row, and 20 with hyphens, underscores and at least one digit
/// among them. A long harmless word goes with them. Takes a path alone as well.
public func redactURL(_ url: String) -> String {
    let bytes = Array(url.utf8)
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var index = 0
    if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[colon...].starts(with: "://".utf8) {
        let start = colon + 3
        let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.endIndex
        output += bytes[..<start]
        let authority = bytes[start..<end]
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            output += Array(redactionMark.utf8) + authority[at...]
        } else {
            output += authority
        }
        index = end
    }
    let query =
        bytes[index...].firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? bytes.endIndex
    appendWithoutKeys(bytes[index..<query], to: &output)
    // Fragments carry values as queries do.
    for piece in pieces(of: bytes[query...], after: "?#&;") { appendParameter(piece, to: &output) }
    return String(decoding: output, as: UTF8.self)
}

/// The text with each URL in it redacted.
func redactURLs(in text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: ":")) else { return text }
    var output = ""
    var rest = text[...]
    while let colon = rest.utf8.indices.first(where: { rest.utf8[$0...].starts(with: "://".utf8) }) {
        // The scheme does not matter: what stands before the colon is kept as it is.
        output += rest[..<colon]
        let url = rest[colon...]
        let end = url.utf8.firstIndex { $0 <= 0x20 || "\"'<>`".utf8.contains($0) } ?? url.endIndex
        output += redactURL(String(url[..<end]))
        rest = url[end...]
    }
    return output + rest
}

/// Cuts before each of the separators.
private func pieces(of bytes: ArraySlice<UInt8>, after separators: StaticString) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = bytes.startIndex
    let isSeparator = { (byte: UInt8) in separators.withUTF8Buffer { $0.contains(byte) } }
    for index in bytes.indices.dropFirst() where isSeparator(bytes[index]) {
        pieces.append(bytes[start..<index])
        start = index
    }
    if start < bytes.endIndex { pieces.append(bytes[start...]) }
    return pieces
}

/// Takes a separator, a name, and perhaps a value.
private func appendParameter(_ piece: ArraySlice<UInt8>, to output: inout [UInt8]) {
    guard let equals = piece.firstIndex(of: UInt8(ascii: "=")), equals > piece.startIndex else {
        return appendWithoutKeys(piece, to: &output)
    }
    let name = String(decoding: piece[(piece.startIndex + 1)..<equals], as: UTF8.self).lowercased()
    if secretNames.contains(name), equals + 1 < piece.endIndex {
        output += piece[...equals] + Array(redactionMark.utf8)
    } else {
        appendWithoutKeys(piece, to: &output)
    }
}

private func appendWithoutKeys(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
    var index = bytes.startIndex
    while index < bytes.endIndex {
        let end = bytes[index...].firstIndex { !isKeyByte($0) } ?? bytes.endIndex
        if end > index {
            output += looksLikeKey(bytes[index..<end]) ? Array(redactionMark.utf8)[...] : bytes[index..<end]
        }
        if end < bytes.endIndex { output.append(bytes[end]) }
        index = end + 1
    }
}

/// A percent sign belongs to it, else a key could hide behind escapes.
private func isKeyByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "%")
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default:
        false
    }
}

private func looksLikeKey(_ run: ArraySlice<UInt8>) -> Bool {
    if run.count >= 20, run.contains(where: { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) { return true }
    var length = 0
    for byte in run {
        length = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") ? 0 : length + 1
        if length >= 16 { return true }
    }
    return false
}
